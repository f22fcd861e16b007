import time


def test_gifts():
    time.sleep(0.1)
