from decimal import Decimal

import pytest
from shop.cart import Cart
from shop.catalogue import Product
from shop.errors import OutOfStock


def test_total_of_an_empty_cart_is_zero():
    assert Cart().total() == 0


def test_adding_more_than_the_stock_fails():
    with pytest.raises(OutOfStock):
        Cart().add(Product("a", "A", Decimal(1), stock=1), 2)


def test_merge_carts_adds_quantities():
    ...
