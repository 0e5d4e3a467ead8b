"""The newest request of each target from each vantage, and how many of the requests around it failed.

One walk over a target's rows of the window, which lie together. They are counted by outcome, of which there are
few, before anything is looked up in another table.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from monitor.history import http_rows
from monitor.history.answers import Newest
from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.scope import Scope
from monitor.history.shelf import Row

_COLUMNS = ", ".join(f"http.{column}" for column in http_rows.COLUMNS)

_BY_OUTCOME = """SELECT target AS whose, vantage AS whence, outcome AS what, max(done) AS last, count(*) AS rounds
    FROM http WHERE {condition} GROUP BY target, vantage, outcome"""
_BY_VANTAGE = f"""SELECT whose, whence, max(last) AS last, CAST(sum(rounds) AS BIGINT) AS rounds,
    CAST(sum(CASE WHEN outcome.failure IS NULL THEN 0 ELSE rounds END) AS BIGINT) AS failed
    FROM ({_BY_OUTCOME}) AS told LEFT JOIN outcome ON outcome.id = what GROUP BY whose, whence
    ORDER BY whose, whence"""  # noqa: S608
# By constants and not in a join with the above: of a view over two tables (`old_requests`), SQLite would look at
# every row for a join, and finds rows by their keys for these.
_OF_TARGET = f"SELECT {_COLUMNS} FROM http WHERE http.target = ? AND http.done IN ({{places}}) ORDER BY http.seq"  # noqa: S608
# Not max(done), and not for all targets in one: of a view that joins, SQLite would look at every row for those.
_LAST = "SELECT done FROM http WHERE target = ? AND done < ? AND done >= ? ORDER BY done DESC LIMIT 1"
_REACHES_US = (3600 * 10**6, 86400 * 10**6, 2**62)
"""How far back is looked, one after the other: of a view over two tables SQLite sorts all that it reaches."""


def newest(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> list[Newest]:
    """One value for each (target, vantage) with a request in the scope, by their names."""
    counted = connection.execute(_BY_VANTAGE.format(condition=scope.condition), scope.values).fetchall()
    newest = [
        Newest(observation=http_rows.from_row(row, glossary), rounds=rounds, failed=failed)
        for target, series in groupby(counted, key=itemgetter(0))
        for row, rounds, failed in _last_rows(connection, target, list(series))
    ]
    return sorted(newest, key=lambda one: (one.observation.target, one.observation.vantage))


def _last_rows(connection: Connection, target: int, series: list[Row]) -> Iterator[tuple[Row, int, int]]:
    """The last request of each of a target's series, with the two counts."""
    moments = {row[2] for row in series}
    query = _OF_TARGET.format(places=", ".join("?" * len(moments)))
    # Of two at the same moment, the one that came later.
    found = {(row[2], row[1]): row for row in connection.execute(query, (target, *moments))}
    for _, vantage, last, rounds, failed in series:
        yield found[vantage, last], rounds, failed


def last_measured(connection: Connection, until: int) -> dict[str, float]:
    """By target, when its newest request of before `until` (microseconds) was complete; some look-ups for each."""
    targets = connection.execute("SELECT id, name FROM target").fetchall()
    found = ((name, _last(connection, number, until)) for number, name in targets)
    return {name: done / 1e6 for name, done in found if done is not None}


def _last(connection: Connection, target: int, until: int) -> int | None:
    for reach in _REACHES_US:
        row = connection.execute(_LAST, (target, until, until - reach)).fetchone()
        if row is not None:
            return int(row[0])
    return None
