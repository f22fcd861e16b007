import time


def test_catalog():
    time.sleep(0.1)
