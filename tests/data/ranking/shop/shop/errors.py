class ShopError(Exception):
    """Base of all errors of the shop."""


class OutOfStock(ShopError):
    """More was asked for than there is."""


class PaymentDeclined(ShopError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"the bank declined the payment: {reason}")
