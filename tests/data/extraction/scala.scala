package shop.orders

import scala.collection.mutable

/** One order.
  *
  * @param id its number
  */
@SerialVersionUID(1L)
case class Order[T](id: Int) extends Base with Ordered[T] {
  val name = "ünï" // a trailing comment

  /** Pays it. */
  @throws[Exception]
  override def pay(amount: Int)(implicit ctx: Context): Boolean = {
    def check(x: Int) = x > 0
    check(amount)
  }

  def twice = id * 2

  def undocumented(x: Int): Int

  type Key = Int
}

object Order {
  def apply(text: String): Order[Int] = new Order(text.toInt)

  val double = (x: Int) => x * 2
}

sealed trait Visitor {
  /** Sees one order. */
  def visit(order: Order[Int]): Int
}

enum Color {
  case Red, Green
  def next: Color = Red
}

given intOrdering: Ordering[Int] with {
  def compare(a: Int, b: Int): Int = a - b
}

implicit class Rich(val s: String) {
  def shout: String = s.toUpperCase
}

extension (s: String)
  def whisper: String = s.toLowerCase

// Line comments document as well.
def topLevel(x: Int): Int = x

class Indented:
  def first(a: Int): Int =
    a + 1

  /** Found although the one above ends by indentation. */
  def second = 2

def broken( = {
  val =
}

def afterTheError: Int = 1
