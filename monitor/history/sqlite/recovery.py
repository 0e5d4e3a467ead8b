"""A damaged history, made usable again: what can be read goes into a new file, the damaged one is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.history.errors import HistoryError, HistoryForeignError, HistoryMissingError
from monitor.history.sqlite.file import connect, open_writer
from monitor.history.sqlite.salvage import Salvaged, salvage
from monitor.history.sqlite.schema import MIGRATION_NAMES
from monitor.history.sqlite.write_lock import WriteLock

_BESIDE = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What `recover` did. `damaged`: where the old file is now; None: the file was sound, and is as it was."""

    damaged: Path | None
    tables: tuple[Salvaged, ...] = ()


def recover(path: Path, stamp: str) -> Recovery:
    """Put a new file with everything readable in the place of a damaged one.

    The damaged one is moved to `<path>.damaged-<stamp>`.

    Needs room for a second file. Nothing is moved before the new file is whole.

    :raises HistoryMissingError: there is no file
    :raises HistoryLockedError: a monitor is writing it
    :raises HistoryForeignError: it is another program's, or another version's
    :raises HistoryError: not even its list of tables can be read, or there is no room
    """
    if not path.exists():
        raise HistoryMissingError(f"history {path}: no such file")
    damaged = path.with_name(f"{path.name}.damaged-{stamp}")
    new = path.with_name(f"{path.name}.recovering")
    lock = WriteLock.take(path)
    try:
        with _source(path) as source:
            if _is_sound(source):
                return Recovery(damaged=None)
            _check_version(source, path)
            _remove(new)
            tables = _written(source, new, path)
        for suffix in _BESIDE:
            old = path.with_name(path.name + suffix)
            if old.exists():
                old.rename(damaged.with_name(damaged.name + suffix))
        new.rename(path)
    except OSError as error:
        raise HistoryError(f"history {path}: cannot be recovered: {error.strerror}") from error
    finally:
        lock.release()
    return Recovery(damaged=damaged, tables=tuple(tables))


@contextmanager
def _source(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(path, "ro")
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        yield connection
    finally:
        connection.close()


def _is_sound(source: sqlite3.Connection) -> bool:
    try:
        return source.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False


def _check_version(source: sqlite3.Connection, path: Path) -> None:
    try:
        rows = source.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'whydown'").fetchall()
    except sqlite3.OperationalError as error:
        raise HistoryForeignError(f"history {path}: not a history ({error}); left as it is") from error
    except sqlite3.DatabaseError as error:
        raise HistoryError(
            f"history {path}: not even its list of tables can be read ({error}); left as it is: put a backup in"
            " its place, or move it away to begin anew"
        ) from error
    if {name for (name,) in rows} != set(MIGRATION_NAMES):
        raise HistoryForeignError(
            f"history {path}: another version of whydown wrote it, which has to recover it; left as it is"
        )


def _written(source: sqlite3.Connection, new: Path, path: Path) -> list[Salvaged]:
    database = open_writer(new)
    try:
        with database.atomic():
            return salvage(source, database.conn)
    except sqlite3.Error as error:
        raise HistoryError(f"history {path}: cannot be recovered into {new}: {error}") from error
    finally:
        database.conn.close()


def _remove(new: Path) -> None:
    """Left by an attempt that did not end."""
    for suffix in _BESIDE:
        new.with_name(new.name + suffix).unlink(missing_ok=True)
