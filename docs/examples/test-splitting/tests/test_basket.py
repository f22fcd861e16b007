import time


def test_basket():
    time.sleep(1.4)
