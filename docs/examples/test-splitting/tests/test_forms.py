import time


def test_forms():
    time.sleep(0.1)
