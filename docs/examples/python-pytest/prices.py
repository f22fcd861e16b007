"""Prices, in cents."""


def total(prices):
    return sum(prices)


def with_discount(price, percent):
    """The price less a share of it, rounded down in the customer's favour."""
    return price * (100 - percent) // 100
