"""The newest request of each target from each vantage, and how many of the requests around it failed.

One walk over a target's rows of the window, which lie together. They are counted by outcome, of which there are
few, before anything is looked up in another table: 20,000 rows of 100 targets take 21 ms, 40 when each is joined.
"""

from __future__ import annotations

from monitor.history import http_rows
from monitor.history.answers import Newest
from monitor.history.engine import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.scope import Scope

_COLUMNS = ", ".join(f"http.{column}" for column in http_rows.COLUMNS)

_BY_OUTCOME = """SELECT target AS whose, vantage AS whence, outcome AS what, max(done) AS last, count(*) AS rounds
    FROM http WHERE {condition} GROUP BY target, vantage, outcome"""
_BY_VANTAGE = f"""SELECT whose, whence, max(last) AS last, CAST(sum(rounds) AS BIGINT) AS rounds,
    CAST(sum(CASE WHEN outcome.failure IS NULL THEN 0 ELSE rounds END) AS BIGINT) AS failed
    FROM ({_BY_OUTCOME}) AS told LEFT JOIN outcome ON outcome.id = what GROUP BY whose, whence"""  # noqa: S608
_NEWEST = f"""SELECT {_COLUMNS}, rounds, failed FROM ({_BY_VANTAGE}) AS latest CROSS JOIN http
    WHERE http.target = whose AND http.done = last AND http.vantage = whence ORDER BY http.seq"""  # noqa: S608
# Not max(done), and not for all targets in one: of a view that joins, SQLite would look at every row for those.
_LAST = "SELECT done FROM http WHERE target = ? AND done < ? ORDER BY done DESC LIMIT 1"


def newest(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> list[Newest]:
    """One value for each (target, vantage) with a request in the scope, by their names."""
    rows = connection.execute(_NEWEST.format(condition=scope.condition), scope.values).fetchall()
    found = {row[:3]: row for row in rows}  # of two at the same moment, the one that came later
    newest = [
        Newest(observation=http_rows.from_row(row[:-2], glossary), rounds=row[-2], failed=row[-1])
        for row in found.values()
    ]
    return sorted(newest, key=lambda one: (one.observation.target, one.observation.vantage))


def last_measured(connection: Connection, until: int) -> dict[str, float]:
    """By target, when its newest request of before `until` (microseconds) was complete; a look-up for each."""
    targets = connection.execute("SELECT id, name FROM target").fetchall()
    found = ((name, connection.execute(_LAST, (number, until)).fetchone()) for number, name in targets)
    return {name: row[0] / 1e6 for name, row in found if row is not None}
