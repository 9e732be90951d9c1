# Tools of the shop.
library(stats)

LIMIT <- 10

#' Sums up the orders of a customer.
#'
#' @param orders A data frame.
#' @export
total_of <- function(orders, currency = "EUR") {
  rows <- orders[orders$currency == currency, ]
  sum(rows$total)
}

print.shop = function(x, ...) {
  cat(x$name, "\n")
}

# Adds one.
add_one <- \(x) x + 1

`%+%` <- function(a, b) paste0(a, b)

function(x) x -> unused

setGeneric("area", function(shape) {
  standardGeneric("area")
})

setMethod("area", "Circle", function(shape) {
  pi * shape@radius^2
})

setClass("Circle", representation(radius = "numeric"))

Stack <- R6Class("Stack",
  public = list(
    items = NULL,
    push = function(x) {
      self$items <- c(self$items, x)
    },
    pop = function() {
      tail(self$items, 1)
    }
  )
)

broken <- function(x) {
  y <- 1 +* x
}

after_the_error <- function() {
  "ünï"
}
