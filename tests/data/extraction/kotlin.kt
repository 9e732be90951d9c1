package shop.orders

import kotlin.math.max

/** At most so many. */
const val LIMIT = 10 // a trailing comment

/**
 * One order.
 *
 * @property id its number
 */
@Serializable
data class Order<T>(val id: Int) : Base(), Comparable<T> {
    val name: String = "ünï"

    val total: Int
        get() {
            return lines.sum()
        }

    /** Pays it. */
    @Throws(Exception::class)
    override suspend fun pay(amount: Int): Boolean {
        fun check(x: Int) = x > 0
        return check(amount)
    }

    fun twice() = total * 2

    constructor(text: String) : this(text.toInt()) {
        println(text)
    }

    companion object {
        fun open() = Order<Int>(1)
    }

    object Empty {
        fun id() = 0
    }
}

enum class State(val code: Int) {
    OPEN(1) {
        override fun next() = CLOSED
    },
    CLOSED(2);

    abstract fun next(): State
}

interface Visitor {
    /** Sees one order. */
    fun visit(order: Order<Int>): Int

    fun undocumented(): Int
}

// Line comments document as well.
fun <T> List<T>.second(): T = this[1]

fun String?.orEmpty(): String {
    return this ?: ""
}

typealias Orders = List<Order<Int>>

val double = { x: Int ->
    x * 2
}

fun broken( {
    val = 
}

fun afterTheError(): Int {
    return 1
}
