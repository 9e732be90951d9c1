from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Product:
    sku: str
    title: str
    price: Decimal
    stock: int = 0


class Catalogue:
    """All products, by stock keeping unit."""

    def __init__(self) -> None:
        self._products: dict[str, Product] = {}

    def find(self, sku: str) -> Product | None:
        return self._products.get(sku)

    def search(self, words: str) -> list[Product]:
        """Return the products whose title holds all of the words, the cheapest first."""
        wanted = words.lower().split()
        hits = [p for p in self._products.values() if all(word in p.title.lower() for word in wanted)]
        return sorted(hits, key=lambda product: product.price)

    def import_csv(self, path: str) -> int:
        import csv

        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                self._products[row["sku"]] = Product(row["sku"], row["title"], Decimal(row["price"]), int(row["stock"]))
        return len(self._products)
