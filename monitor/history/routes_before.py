"""What routes of before a moment still say at that moment: who has what, and since when each way was known.

A route that is stable is announced once and then kept in silence, for weeks. Of each prefix and peer this gives
the first event and the newest; of each prefix and AS path, whoever had it, the first; of each peer the newest
start and end of its session, and of each feed its newest state. They are the events themselves, in their order:
whoever takes them in has the routes that stood, without those that were withdrawn or whose peer's session ended,
and knows every origin and link as early as the history does. The changes to and fro in between are left out.
"""

from __future__ import annotations

from monitor.history.connection import Connection
from monitor.history.newest_states import newest_states
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.history.shelf import Row, Shelf
from monitor.model import FeedState, PeerState, RouteEvent, RouteFact

MOST_EVENTS = 500_000
"""The newest of them. All of RIS shows some 1,500 routes of a prefix, so they are those of a hundred prefixes."""

# SQLite would sort all rows of the time range (`+at` has no index), which takes five times as long as the walk
# along `route_by_way`.
_EVENTS = """
WITH
way AS (
    SELECT prefix, peer, as_path, min(at) AS first, max(at) AS last
    FROM route WHERE +at < ?1 GROUP BY prefix, peer, as_path
),
placed AS (
    SELECT *,
        min(first) OVER (PARTITION BY prefix, peer) AS oldest,
        max(last) OVER (PARTITION BY prefix, peer) AS newest,
        min(first) OVER (PARTITION BY prefix, as_path) AS seen
    FROM way
)
SELECT {columns} FROM placed JOIN route
    ON route.prefix = placed.prefix AND route.peer = placed.peer
    AND route.as_path IS NOT DISTINCT FROM placed.as_path
    AND route.at IN (CASE WHEN first IN (oldest, seen) THEN first END, CASE WHEN last = newest THEN last END)
ORDER BY route.at DESC, route.seq DESC LIMIT ?2"""


def rows_before(connection: Connection, until_us: int) -> list[tuple[Shelf[RouteFact], Row]]:
    """The rows with their shelves, by time and number; `until_us`: Unix microseconds."""
    found: list[tuple[Shelf[RouteFact], Row]] = []
    for kind, each in ((PeerState, "peer, up"), (FeedState, "source")):
        shelf = ROUTE_SHELVES[kind]
        found += [(shelf, row) for row in newest_states(connection, shelf, each, until_us)]
    shelf = ROUTE_SHELVES[RouteEvent]
    statement = _EVENTS.format(columns=", ".join(f"route.{column}" for column in shelf.columns))
    found += [(shelf, row) for row in connection.execute(statement, (until_us, MOST_EVENTS))]
    return sorted(found, key=lambda entry: entry[1][:2])
