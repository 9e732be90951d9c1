# frozen_string_literal: true

# Everything about the shop.
module Shop
  # One order.
  #
  # @see Line
  class Order < Base
    attr_reader :lines
    LIMIT = 10 # a trailing comment

    # Makes one.
    # @param lines [Array]
    def initialize(lines)
      @lines = lines
    end

    def self.open; end

    class << self
      def closed
        []
      end
    end

    def ==(other) = lines == other.lines

    def empty?
      check = ->(x) { x.nil? }
      lines.all?(&check)
    end

    # Defined at run time.
    define_method(:total) { |tax| lines.sum * tax }

    private def secret
      'ünï'
    end
  end

  class Orders::Error < StandardError; end

  Point = Struct.new(:x, :y) do
    def norm
      x + y
    end
  end
end

=begin
A block comment.
=end
def helper(*args, **options, &block)
  yield
end

def obj.singleton
  1
end

class Broken
  def oops(
    1 +
  end
end

def after_the_error
  1
end

task :build do
  sh 'make'
end
