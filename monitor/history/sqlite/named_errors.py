"""What sqlite3 raises, as errors of the history that name the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.history.errors import DamagedValueError, HistoryDamagedError, HistoryError, HistoryFullError

_TODO = (
    "the file is damaged; stop the monitor, and `whydown recover` makes a new one of what can be read and keeps"
    " the damaged one"
)


def named_error(path: Path, error: sqlite3.Error, doing: str = "", hint: str = "") -> HistoryError:
    """The HistoryError for what sqlite3 raised. `doing` stands before its text, `hint` after it."""
    # Only the low byte names the kind; the rest of an extended code says more of the same.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    said = f"history {path}: {doing}{error}"
    if code == sqlite3.SQLITE_FULL:
        return HistoryFullError(f"{said}: no room is left there; what was acknowledged is kept")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return HistoryDamagedError(f"{said}: {_TODO}")
    return HistoryError(f"{said}{hint}")


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn what sqlite3 raises, and what we find, into a HistoryError that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise named_error(path, error) from error
    except DamagedValueError as error:
        raise HistoryDamagedError(f"history {path}: {error}: {_TODO}") from error
