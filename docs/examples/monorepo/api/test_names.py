import unittest

from names import accept


class Names(unittest.TestCase):
    def test_short(self):
        self.assertTrue(accept("Ada"))

    def test_empty(self):
        self.assertFalse(accept(""))

    def test_long(self):
        self.assertFalse(accept("x" * 21))
