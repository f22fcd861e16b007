import pytest

from prices import total, with_discount


def test_total():
    assert total([250, 199, 1]) == 450


def test_total_of_nothing():
    assert total([]) == 0


@pytest.mark.parametrize("percent, price", [(0, 999), (10, 899), (100, 0)])
def test_discount(percent, price):
    assert with_discount(999, percent) == price
