"""What can go wrong with the store.

    HistoryError
    ├── HistoryMissingError    there is no file to read
    ├── HistoryForeignError    the file is not ours: no database, another program's, a newer version's
    ├── HistoryLockedError     another process is the writer (a later try can help)
    ├── HistoryFullError       there is no room on the disk (a later try can help)
    ├── HistoryDamagedError    the file is damaged; `whydown recover` makes a new one of what can be read
    ├── UnstorableFactError    one fact of a batch is outside the store's limits; nothing of the batch was kept
    └── TooManyGapsError       a shipment's numbers leave too many gaps; nothing of it was kept

sqlite3's own errors become one of them that names the file (`named_errors`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HistoryError(Exception):
    """The store cannot do what was asked; the message names the file and the reason."""

    can_retry = False
    """Whether the same call may succeed later without anybody changing anything."""


class HistoryMissingError(HistoryError):
    """There is no history at this path yet."""


class HistoryForeignError(HistoryError):
    """The file is not a history of this version; it was not touched."""


class HistoryLockedError(HistoryError):
    """Another process is writing this history."""

    can_retry = True


class HistoryFullError(HistoryError):
    """No room is left on the disk. What was acknowledged is there; what was not has to come again."""

    can_retry = True


class HistoryDamagedError(HistoryError):
    """What the file holds contradicts itself; nothing more is written to it."""


class UnstorableFactError(HistoryError):
    """A fact outside the store's limits. `index`: its place in the batch, of which nothing was kept."""

    def __init__(self, reason: str, index: int = 0) -> None:
        super().__init__(f"fact {index} of the batch: {reason}")
        self.reason = reason
        self.index = index


class TooManyGapsError(HistoryError):
    """A vantage numbers its facts with more gaps than are remembered; see `Shipment.settled_below`."""


def named_error(path: Path, error: sqlite3.Error, doing: str = "", hint: str = "") -> HistoryError:
    """The HistoryError for what sqlite3 raised. `doing` stands before its text, `hint` after it."""
    # Only the low byte names the kind; the rest of an extended code says more of the same.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    said = f"history {path}: {doing}{error}"
    if code == sqlite3.SQLITE_FULL:
        return HistoryFullError(f"{said}: no room is left there; what was acknowledged is kept")
    # Without a code it is our own finding (`glossary`, `rollups`): what SQLite read makes no sense.
    ours = not code and type(error) is sqlite3.DatabaseError
    if ours or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return HistoryDamagedError(
            f"{said}: the file is damaged; stop the monitor, and `whydown recover` makes a new one of what can be"
            " read and keeps the damaged one"
        )
    return HistoryError(f"{said}{hint}")


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn what sqlite3 raises into a HistoryError that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise named_error(path, error) from error
