import time


def test_delivery():
    time.sleep(0.1)
