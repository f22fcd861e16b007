import os

import pytest

from visits import Counter


@pytest.fixture
def counter():
    return Counter(os.environ["DATABASE_URL"], os.environ["REDIS_URL"])


def test_every_visit_counts(counter):
    assert [counter.count("shop") for _ in range(3)] == [1, 2, 3]


def test_the_cache_knows_the_last_count(counter):
    assert counter.recent("news") == 0
    counter.count("news")
    assert counter.recent("news") == 1
