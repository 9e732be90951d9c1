"""The shopping cart of a visitor."""

from dataclasses import dataclass, field
from decimal import Decimal

from shop.catalogue import Product
from shop.errors import OutOfStock


@dataclass
class Line:
    product: Product
    quantity: int

    def subtotal(self) -> Decimal:
        return self.product.price * self.quantity


@dataclass
class Cart:
    """What a visitor means to buy."""

    lines: dict[str, Line] = field(default_factory=dict)

    def add(self, product: Product, quantity: int = 1) -> None:
        """Put a product into the cart, or more of one that is there."""
        if quantity > product.stock:
            raise OutOfStock(product.sku)
        line = self.lines.setdefault(product.sku, Line(product, 0))
        line.quantity += quantity

    def remove(self, sku: str) -> None:
        self.lines.pop(sku, None)

    def total(self) -> Decimal:
        """Sum of all lines, before discounts and taxes."""
        return sum((line.subtotal() for line in self.lines.values()), Decimal(0))

    def is_empty(self) -> bool:
        return not self.lines


def merge_carts(anonymous: Cart, known: Cart) -> Cart:
    """Join the cart of a session with the one that the customer left behind after logging in."""
    for line in anonymous.lines.values():
        known.add(line.product, line.quantity)
    return known
