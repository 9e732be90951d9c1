module Shop

using LinearAlgebra
export total

const LIMIT = 10

"""
    Order(total, currency)

What somebody bought.
"""
struct Order{T<:Real} <: AbstractOrder
    total::T
    currency::String

    function Order(total::T) where {T<:Real}
        new{T}(total, "EUR")
    end
end

abstract type AbstractOrder end

mutable struct Counter
    n::Int
end

"Sums up orders."
function total(orders::Vector{Order}; currency="EUR")
    s = 0
    for o in orders
        s += o.total
    end
    return s
end

# Adds one.
addone(x) = x + 1

Base.show(io::IO, o::Order) = print(io, o.total)

function Base.length(c::Counter)
    c.n
end

"""
Times an expression.
"""
macro timed_twice(ex)
    quote
        $(esc(ex))
    end
end

@inline function fast(x::T) where T
    x * 2
end

module Inner
    nested() = 1
end

end

function broken(x
    y = (

function after_the_error()
    "ünï"
end
