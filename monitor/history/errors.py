"""What can go wrong with the store.

    HistoryError
    ├── HistoryMissingError    there is no file to read
    ├── HistoryForeignError    the file is not ours: no database, another program's, a newer version's
    ├── HistoryLockedError     another process is the writer (a later try can help)
    ├── UnstorableFactError    one fact of a batch is outside the store's limits; nothing of the batch was kept
    └── TooManyGapsError       a shipment's numbers leave too many gaps; nothing of it was kept

sqlite3's own errors become a plain HistoryError that names the file (`named_errors`).
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


class UnstorableFactError(HistoryError):
    """A fact outside the store's limits. `index`: its place in the batch, of which nothing was kept."""

    def __init__(self, reason: str, index: int = 0) -> None:
        super().__init__(f"fact {index} of the batch: {reason}")
        self.reason = reason
        self.index = index


class TooManyGapsError(HistoryError):
    """A vantage numbers its facts with more gaps than are remembered; see `Shipment.settled_below`."""


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn what sqlite3 raises into a HistoryError that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise HistoryError(f"history {path}: {error}") from error
