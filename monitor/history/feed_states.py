"""How each route feed is: the newest of its states."""

from __future__ import annotations

import sqlite3

from monitor.history.glossary import ReadingGlossary
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.model import FeedState

_SHELF = ROUTE_SHELVES[FeedState]


def feed_states(connection: sqlite3.Connection, glossary: ReadingGlossary, until_us: int) -> list[FeedState]:
    """The newest state of each feed of before `until_us` (Unix microseconds), by the feeds' names."""
    rows = connection.execute(
        f"SELECT {', '.join(_SHELF.columns)}, max(at) FROM feed_state WHERE at < ? GROUP BY source",  # noqa: S608
        (until_us,),
    ).fetchall()
    found = [_SHELF.from_row(row[:-1], glossary) for row in rows]
    return sorted((fact for fact in found if isinstance(fact, FeedState)), key=lambda state: state.source)
