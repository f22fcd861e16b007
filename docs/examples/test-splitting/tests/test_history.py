import time


def test_history():
    time.sleep(0.2)
