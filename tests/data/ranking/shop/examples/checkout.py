"""Buy something, from the catalogue to the receipt."""

from shop.cart import Cart
from shop.catalogue import Catalogue
from shop.payment import charge_card

catalogue = Catalogue()
catalogue.import_csv("products.csv")
cart = Cart()
cart.add(catalogue.search("blue teapot")[0])
charge_card("tok_visa", int(cart.total() * 100), "key")
