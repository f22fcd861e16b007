import time


def test_export():
    time.sleep(0.2)
