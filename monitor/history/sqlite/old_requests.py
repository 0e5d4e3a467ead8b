"""Requests that an older version kept a column a time: moved into `request` a piece at a time, while others write.

A history of a month is moved in hours, not in one transaction for which probing would wait: the view `http` shows
what is moved and what is not, and each piece leaves both tables right. With the last one the old table goes.
"""

from __future__ import annotations

import sqlite3

from monitor.history.glossary import DICTIONARIES, Value, WritingGlossary
from monitor.history.http_rows import DIGEST_BYTES
from monitor.history.resolution import day_of
from monitor.history.shelf import Row
from monitor.history.sqlite import http_times, requests
from monitor.history.sqlite.http_layout import (
    BOTH_HTTP_FACTS_VIEW,
    HTTP_FACTS_VIEW,
    OLD_HTTP_TABLES,
)

PIECE = 500
"""Rows that are moved at once: some ten milliseconds."""

_KEY = "target, done, vantage, seq"
_SELECT = f"SELECT {_KEY}, outcome, {', '.join(http_times.NAMES)}, body_bytes, body_sha256, error FROM http_row"  # noqa: S608
_BODY_BYTES, _BODY = (DICTIONARIES["outcome"].index(name) for name in ("body_bytes", "body_sha256"))


def waiting(connection: sqlite3.Connection) -> bool:
    """Whether there is something to move."""
    named = "SELECT 1 FROM sqlite_schema WHERE name = 'http_row'"
    return connection.execute(named).fetchone() is not None


def show(connection: sqlite3.Connection) -> None:
    """Let `http` show both tables; where the old one is empty, drop it and show the new one."""
    old = connection.execute("SELECT 1 FROM http_row LIMIT 1").fetchone() is not None
    connection.execute("DROP VIEW http")
    if not old:
        connection.execute("DROP TABLE http_row")
    connection.execute(BOTH_HTTP_FACTS_VIEW if old else HTTP_FACTS_VIEW)


def restore(connection: sqlite3.Connection) -> None:
    """Make the old table again, empty, for one who copies an older history row by row; then `show`."""
    connection.execute(OLD_HTTP_TABLES[1])


def move(connection: sqlite3.Connection, glossary: WritingGlossary, most: int = PIECE) -> None:
    """Move a piece, within the caller's transaction."""
    rows = connection.execute(f"{_SELECT} ORDER BY {_KEY} LIMIT {most}").fetchall()
    connection.executemany(requests.INSERT, [_moved(row, connection, glossary) for row in rows])
    connection.executemany(
        "DELETE FROM http_row WHERE target = ? AND done = ? AND vantage = ? AND seq = ?", [row[:4] for row in rows]
    )
    if len(rows) < most:
        show(connection)


def _moved(row: Row, connection: sqlite3.Connection, glossary: WritingGlossary) -> Row:
    target, done, vantage, seq, outcome, *differences, body_bytes, body, error = row
    glossary.day = day_of(done / 1e6)
    if not (isinstance(body, bytes) and len(body) == DIGEST_BYTES) and (body, body_bytes) != (
        None,
        None,
    ):
        outcome = _with_body(outcome, body_bytes, body, connection, glossary)
        body_bytes = body = None
    return (target, done, vantage, seq, outcome, *http_times.pack(differences, body, body_bytes), error)


def _with_body(
    outcome: int, body_bytes: Value, body: Value, connection: sqlite3.Connection, glossary: WritingGlossary
) -> int:
    """The outcome that has this body too: no row keeps one of this kind any more."""
    known = f"SELECT {', '.join(DICTIONARIES['outcome'])} FROM outcome WHERE id = ?"  # noqa: S608
    values = list(connection.execute(known, (outcome,)).fetchone())
    for place, value in ((_BODY_BYTES, body_bytes), (_BODY, body)):
        values[place] = values[place] if value is None else value
    return glossary.number("outcome", tuple(values))
