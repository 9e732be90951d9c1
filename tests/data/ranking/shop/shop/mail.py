import smtplib
from email.message import EmailMessage


def send_receipt(address: str, order: "Order", server: str) -> None:
    """Mail the customer a receipt of an order."""
    message = EmailMessage()
    message["To"] = address
    message["Subject"] = f"Your order {order.number}"
    message.set_content(render_receipt(order))
    with smtplib.SMTP(server) as connection:
        connection.send_message(message)


def render_receipt(order: "Order") -> str:
    lines = [f"{line.quantity:>4} x {line.product.title:<40} {line.subtotal():>10}" for line in order.lines]
    return "\n".join([*lines, "", f"total {order.total:>10}"])
