"""Opening the database file: one way for the writer, one for readers, and what is refused.

Settings, and why:

| PRAGMA               | writer     | reader | why |
|----------------------|------------|--------|-----|
| journal_mode         | WAL        |        | readers and the writer do not wait for each other |
| synchronous          | FULL       |        | see below |
| wal_autocheckpoint   | 1000 pages | 0      | only the writer moves the log into the file (`write_lock`) |
| journal_size_limit   | 64 MiB     |        | the log gives its space back after a burst |
| cache_size           | 32 MiB     | 16 MiB | the dictionaries' indexes stay in memory |
| foreign_keys         | OFF        |        | declared for people; checks would cost a look-up each |
| busy_timeout         | 5 s        | 5 s    | a writer that recovers the log after a crash holds it shortly |
| query_only           |            | ON     | a reader cannot write, not even by mistake |
| trusted_schema       | OFF        | OFF    | a file from elsewhere runs nothing through its schema |

`synchronous=FULL` syncs the log at every commit, so that what was acknowledged survives a power cut, not
only a SIGKILL: an agent deletes what the hub acknowledged, and a mail that was marked `handed_over` must
not come back as `pending`. NORMAL would survive the kill of the process alone. It costs one sync a batch:
a transaction of one observation took 0.5 ms (99th percentile 4 ms) instead of 0.06 ms.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlite_utils import Database

from monitor.history.errors import HistoryError, HistoryForeignError, HistoryMissingError
from monitor.history.sqlite.named_errors import named_error
from monitor.history.sqlite.schema import APPLICATION_ID, MIGRATION_NAMES, MIGRATIONS

_MAGIC = b"SQLite format 3\x00"
_BUSY_TIMEOUT_S = 5.0
_WRITER = (
    "PRAGMA trusted_schema = OFF",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -32768",
)
_READER = (
    "PRAGMA trusted_schema = OFF",
    "PRAGMA query_only = ON",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA cache_size = -16384",
)


def open_writer(path: Path) -> Database:
    """Open or make the file and bring it to this version. The caller holds the write lock.

    :raises HistoryError: the file is not ours (`HistoryForeignError`), or cannot be written
    """
    _check_magic(path)
    connection = connect(path, "rwc")
    try:
        _check_ours(connection, path, may_be_empty=True)
        for statement in _WRITER:
            connection.execute(statement)
        database = Database(connection, execute_plugins=False)
        _check_version(database, path, may_be_older=True)
        with database.atomic():  # all or none, and one disk sync where a new file had fourteen
            MIGRATIONS.apply(database)
    except sqlite3.Error as error:
        connection.close()
        raise named_error(path, error, "cannot be opened for writing: ") from error
    except BaseException:
        connection.close()
        raise
    return database


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading only.

    :raises HistoryMissingError: there is no file
    :raises HistoryError: the file is not ours (`HistoryForeignError`), or cannot be read
    """
    if not path.exists():
        raise HistoryMissingError(f"history {path}: no such file; `whydown run` or `whydown import` makes it")
    _check_magic(path)
    connection = connect(path, "ro&immutable=1" if _cannot_change(path) else "ro")
    try:
        _check_ours(connection, path, may_be_empty=False)
        for statement in _READER:
            connection.execute(statement)
        database = Database(connection, execute_plugins=False, recursive_triggers=False)
        _check_version(database, path, may_be_older=False)
    except sqlite3.Error as error:
        connection.close()
        # A reader needs the shared-memory file beside the database, and may have to make it.
        hint = "" if path.with_name(path.name + "-shm").exists() else "; its folder must be writable for you"
        raise named_error(path, error, "cannot be read: ", hint) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _cannot_change(path: Path) -> bool:
    """Whether a closed history lies on a read-only file system, where SQLite could make no files beside it."""
    try:
        read_only = os.statvfs(path).f_flag & os.ST_RDONLY
    except OSError:
        return False
    return bool(read_only) and not path.with_name(path.name + "-wal").exists()


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection to the file, `mode` as in SQLite's URIs, without any check.

    :raises HistoryError: it cannot be opened
    """
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,  # every transaction is begun by us, none by the sqlite3 module
            check_same_thread=False,  # the owner serialises: see `history.store` and `history.reader`
        )
    except sqlite3.Error as error:
        raise HistoryError(f"history {path}: cannot be opened: {error}") from error


def _check_magic(path: Path) -> None:
    """Refuse a file that SQLite would refuse later, before anything could touch it."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise HistoryError(f"history {path}: cannot be read: {error.strerror}") from error
    if head and head != _MAGIC:
        raise HistoryForeignError(
            f"history {path}: not a database (its first bytes are not SQLite's); left as it is"
        )


def _check_ours(connection: sqlite3.Connection, path: Path, *, may_be_empty: bool) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application == APPLICATION_ID or (may_be_empty and tables == 0):
        return
    what = "another program's database" if tables else "an empty database"
    raise HistoryForeignError(f"history {path}: {what}, not a history; left as it is")


def _check_version(database: Database, path: Path, *, may_be_older: bool) -> None:
    applied = [migration.name for migration in MIGRATIONS.applied(database)]
    newer = [name for name in applied if name not in MIGRATION_NAMES]
    if newer:
        raise HistoryForeignError(
            f"history {path}: written by a newer version of whydown (it has {newer[-1]!r}); left as it is"
        )
    if len(applied) < len(MIGRATION_NAMES) and not may_be_older:
        raise HistoryForeignError(
            f"history {path}: written by an older version of whydown; `whydown run` brings it up to date"
        )
