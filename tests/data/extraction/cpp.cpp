// Copyright 2024 The Authors.
#include <string>
#include <vector>

namespace geo::detail {

/// A point in the plane.
template <typename T>
class Point : public Base<T> {
 public:
  explicit Point(T x) : x_(x) {}
  ~Point() = default;

  /// Length of the vector.
  double norm() const noexcept;
  void undocumented();

  static Point origin() { return Point(0); }

  bool operator==(const Point& other) const { return x_ == other.x_; }
  operator bool() const { return x_ != 0; }

  template <class U>
  U as() const {
    return U(x_);
  }

 private:
  T x_;  // a trailing comment
};

namespace {
int hidden() { return 1; }
}  // namespace

}  // namespace geo::detail

// Defined out of line.
template <typename T>
double Point<T>::norm() const noexcept {
  return x_;
}

geo::Shape::~Shape() {}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << "ünï";
}

T& Shape::operator[](int i) { return items[i]; }

/**
 * Which way.
 */
enum class Direction : int { Left, Right };

struct Pair {
  int a, b;
};

using Names = std::vector<std::string>;

auto twice = [](int a) { return 2 * a; };

void Shape::update(int x) EXCLUDES(mutex_) {
  x_ = x;
}

TEST_F(ShapeTest, HasNoArea) {
  EXPECT_EQ(1, 1);
}

extern "C" {
void exported(void) {}
}

int broken( {
  int = ;
}

int after_the_error() { return 1; }

/// A button that can be pressed.
class UI_EXPORT PushButton final : public Control {
 public:
  int width() const { return w_; }
};

BENCHMARK_F(Sorting, Large)(State& state) {
  run(state);
}
