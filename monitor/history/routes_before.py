"""What routes of before a moment still say at that moment: who has what, and since when each way was known.

A route that is stable is announced once and then kept in silence, for weeks. Of each prefix and peer this gives
the first event and the newest; of each prefix and AS path, whoever had it, the first; of each peer the newest
start and end of its session, and of each feed its newest state. They are the events themselves, in their order:
whoever takes them in has the routes that stood, without those that were withdrawn or whose peer's session ended,
and knows every origin and link as early as the history does. The changes to and fro in between are left out.
"""

from __future__ import annotations

import sqlite3

from monitor.history.route_rows import ROUTE_SHELVES
from monitor.history.shelf import Row, Shelf
from monitor.model import FeedState, PeerState, RouteEvent, RouteFact

MOST_EVENTS = 500_000
"""The newest of them. All of RIS shows some 1,500 routes of a prefix, so they are those of a hundred prefixes."""

# The planner would sort all rows of the time range, which takes five times as long as the walk along the index.
_EVENTS = """
WITH
way AS (
    SELECT prefix, peer, as_path, min(at) AS first, max(at) AS last
    FROM route INDEXED BY route_by_way WHERE at < :until GROUP BY prefix, peer, as_path
),
placed AS (
    SELECT *,
        min(first) OVER (PARTITION BY prefix, peer) AS oldest,
        max(last) OVER (PARTITION BY prefix, peer) AS newest,
        min(first) OVER (PARTITION BY prefix, as_path) AS seen
    FROM way
)
SELECT {columns} FROM placed JOIN route INDEXED BY route_by_way
    ON route.prefix = placed.prefix AND route.peer = placed.peer AND route.as_path IS placed.as_path
    AND route.at IN (CASE WHEN first IN (oldest, seen) THEN first END, CASE WHEN last = newest THEN last END)
ORDER BY route.at DESC, route.seq DESC LIMIT :most"""
_NEWEST = "SELECT {columns}, max(at) FROM {table} WHERE at < :until GROUP BY {each}"


def rows_before(connection: sqlite3.Connection, until_us: int) -> list[tuple[Shelf[RouteFact], Row]]:
    """The rows with their shelves, by time and number; `until_us`: Unix microseconds."""
    values = {"until": until_us, "most": MOST_EVENTS}
    found: list[tuple[Shelf[RouteFact], Row]] = []
    for kind, each in ((PeerState, "peer, up"), (FeedState, "source")):
        shelf = ROUTE_SHELVES[kind]
        statement = _NEWEST.format(columns=", ".join(shelf.columns), table=shelf.table, each=each)
        found += [(shelf, row[:-1]) for row in connection.execute(statement, values)]
    shelf = ROUTE_SHELVES[RouteEvent]
    statement = _EVENTS.format(columns=", ".join(f"route.{column}" for column in shelf.columns))
    found += [(shelf, row) for row in connection.execute(statement, values)]
    return sorted(found, key=lambda entry: entry[1][:2])
