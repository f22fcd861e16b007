import time


def test_accounts():
    time.sleep(2)
