"""Counts who came to a page: in PostgreSQL for good, in Redis for a minute.

    python visits.py ping         are both there?
    python visits.py count PAGE   one visit more
"""

import os
import sys

import psycopg2
import redis


class Counter:
    def __init__(self, database, cache):
        self.database = psycopg2.connect(database)
        self.database.autocommit = True
        self.cache = redis.Redis.from_url(cache)
        self.cache.ping()
        self.query("CREATE TABLE IF NOT EXISTS visits (page text PRIMARY KEY, n bigint NOT NULL)")

    def query(self, statement, *values):
        with self.database.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0] if cursor.description else None

    def count(self, page):
        """Adds a visit and returns how many there are now."""
        n = self.query(
            "INSERT INTO visits VALUES (%s, 1) ON CONFLICT (page) DO UPDATE SET n = visits.n + 1 RETURNING n",
            page,
        )
        self.cache.set("visits:" + page, n, ex=60)
        return n

    def recent(self, page):
        """What the cache knows; 0 where it knows nothing."""
        return int(self.cache.get("visits:" + page) or 0)


def main(args):
    try:
        counter = Counter(os.environ["DATABASE_URL"], os.environ["REDIS_URL"])
    except (psycopg2.OperationalError, redis.ConnectionError) as problem:
        sys.exit(f"visits: {problem}")
    match args:
        case ["ping"]:
            print("database and cache answer")
        case ["count", page]:
            print(f"{page}: {counter.count(page)}")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
