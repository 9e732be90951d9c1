"""Speed and memory of the product, measured from outside."""
