"""Discounts, taxes and currency."""

from decimal import ROUND_HALF_UP, Decimal

VAT = {"de": Decimal("0.19"), "at": Decimal("0.20"), "ch": Decimal("0.081")}


def apply_voucher(total: Decimal, voucher: "Voucher") -> Decimal:
    """Reduce a total by a voucher code, never below zero."""
    if voucher.is_expired():
        return total
    reduced = total - voucher.amount if voucher.amount else total * (1 - voucher.percent / 100)
    return max(reduced, Decimal(0))


def value_added_tax(net: Decimal, country: str) -> Decimal:
    return round_money(net * VAT[country])


def round_money(amount: Decimal) -> Decimal:
    """Round half up to cents, as invoices do."""
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def convert_currency(amount: Decimal, rates: dict[str, Decimal], source: str, target: str) -> Decimal:
    return round_money(amount / rates[source] * rates[target])


class Voucher:
    def __init__(self, code: str, amount: Decimal | None = None, percent: int = 0, expires: float = 0.0) -> None:
        self.code = code
        self.amount = amount
        self.percent = percent
        self.expires = expires

    def is_expired(self) -> bool:
        import time

        return bool(self.expires) and time.time() > self.expires
