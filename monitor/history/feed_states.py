"""How each route feed is: the newest of its states."""

from __future__ import annotations

from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.newest_states import newest_states
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.model import FeedState

_SHELF = ROUTE_SHELVES[FeedState]


def feed_states(connection: Connection, glossary: ReadingGlossary, until_us: int) -> list[FeedState]:
    """The newest state of each feed of before `until_us` (Unix microseconds), by the feeds' names."""
    rows = newest_states(connection, _SHELF, "source", until_us)
    found = [_SHELF.from_row(row, glossary) for row in rows]
    return sorted((fact for fact in found if isinstance(fact, FeedState)), key=lambda state: state.source)
