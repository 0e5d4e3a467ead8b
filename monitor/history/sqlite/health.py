"""Is a history sound, and is the SQLite that reads it? For `doctor`: reads only, and ends in time."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from monitor.history.sqlite.file import open_reader
from monitor.history.sqlite.named_errors import named_error

SQLITE_VERSION = sqlite3.sqlite_version
HAS_WAL_RESET_BUG = sqlite3.sqlite_version_info < (3, 51, 3)
"""Two connections that write or checkpoint at once can damage a file in WAL mode; here one does both."""

_STEPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`complaint`: SQLite's first one; None: none as far as it came. `whole`: whether it came to the end."""

    complaint: str | None
    whole: bool


def examine(path: Path, within_s: float) -> Health:
    """Have SQLite look through the file (`quick_check`), for `within_s` at most. Blocks.

    :raises HistoryMissingError: there is no file
    :raises HistoryError: it is not a history of this version, or cannot be read
    """
    connection = open_reader(path)
    until = time.monotonic() + within_s
    try:
        connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return Health(complaint=None, whole=False)
        raise named_error(path, error) from error
    except sqlite3.Error as error:
        raise named_error(path, error) from error
    finally:
        connection.close()
    return Health(complaint=None if said == "ok" else str(said), whole=True)
