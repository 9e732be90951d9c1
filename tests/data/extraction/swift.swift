import Foundation

/// At most so many.
let limit = 10 // a trailing comment

/// One order.
///
/// - Note: It can be paid once.
@objc
public final class Order<T>: Base, Codable where T: Hashable {
    var name = "ünï"

    /// Makes one.
    public init(total: Int) {
        self.total = total
    }

    deinit { close() }

    /// What it costs.
    var total: Int { 1 }

    var tax: Int {
        return total / 5
    }

    /**
     Pays it.

     - Parameter amount: How much.
     */
    @discardableResult
    public func pay(_ amount: Int, at date: Date) throws -> Bool {
        func check(_ x: Int) -> Bool { x > 0 }
        return check(amount)
    }

    static func == (lhs: Order, rhs: Order) -> Bool { true }

    subscript(index: Int) -> Int { return index }

    struct Line {
        let price: Int
    }
}

extension Order: CustomStringConvertible {
    func describe() -> String { name }
}

protocol Visitor {
    /// Sees one order.
    func visit(_ order: Order<Int>) -> Int
    func undocumented()
}

indirect enum Expression {
    case number(Int)
    case sum(Expression, Expression)

    func evaluate() -> Int {
        return 1
    }
}

actor Store {
    func put() async {}
}

typealias Orders = [Order<Int>]

let double = { (x: Int) in
    x * 2
}

func broken( {
    let = 
}

func afterTheError() -> Int {
    return 1
}
