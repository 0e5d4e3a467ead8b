"""The newest request of each target from each vantage, and how many of the requests around it failed.

One walk over a target's rows of the window, which lie together. They are counted by outcome, of which there are
few, before anything is looked up in another table: 20,000 rows of 100 targets take 21 ms, 40 when each is joined.
"""

from __future__ import annotations

import sqlite3

from monitor.history import http_rows
from monitor.history.answers import Newest
from monitor.history.glossary import ReadingGlossary
from monitor.history.scope import Scope

_COLUMNS = ", ".join(http_rows.COLUMNS)

# SQLite takes `seq` from the row that has the maximum ("Bare columns in an aggregate query").
_BY_OUTCOME = """SELECT target AS whose, vantage AS whence, outcome AS what, max(done) AS last, seq AS place,
    count(*) AS rounds FROM http_row WHERE {condition} GROUP BY target, vantage, outcome"""
_BY_VANTAGE = f"""SELECT whose, whence, max(last) AS last, place, sum(rounds) AS rounds,
    sum(iif(outcome.failure IS NULL, 0, rounds)) AS failed FROM ({_BY_OUTCOME})
    LEFT JOIN outcome ON outcome.id = what GROUP BY whose, whence"""  # noqa: S608
_NEWEST = f"""SELECT {_COLUMNS}, rounds, failed FROM ({_BY_VANTAGE}) CROSS JOIN http
    WHERE target = whose AND done = last AND vantage = whence AND seq = place"""  # noqa: S608
_LAST = "SELECT name, (SELECT max(done) FROM http_row WHERE target = target.id AND done < ?) FROM target"


def newest(connection: sqlite3.Connection, glossary: ReadingGlossary, scope: Scope) -> list[Newest]:
    """One value for each (target, vantage) with a request in the scope, by their names."""
    rows = connection.execute(_NEWEST.format(condition=scope.condition), scope.values).fetchall()
    found = [
        Newest(observation=http_rows.from_row(row[:-2], glossary), rounds=row[-2], failed=row[-1]) for row in rows
    ]
    return sorted(found, key=lambda one: (one.observation.target, one.observation.vantage))


def last_measured(connection: sqlite3.Connection, until: int) -> dict[str, float]:
    """By target, when its newest request of before `until` (microseconds) was complete; a look-up for each."""
    return {name: done / 1e6 for name, done in connection.execute(_LAST, (until,)) if done is not None}
