"""Copying what can still be read of a damaged history into a new one.

Each table is read in the order of its key. Where a page is damaged, reading goes on behind it: the key's number
is moved on in steps that double until rows come again, and from there halved back to the hole. Then facts go
whose dictionary entries were lost, and what can be made anew is made anew.

SQLite has no checksums: a flipped bit inside a value is read as another value. The shell's `.recover` would also
search pages that nothing points to any more, but it needs a build with `sqlite_dbpage`, which Debian's has not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import zstandard

from monitor.history import rollup_block
from monitor.history.glossary import DICTIONARIES
from monitor.history.rollups import FIVE_MINUTES, MINUTES, STALE_US
from monitor.history.sqlite import old_requests

_LARGEST = 2**61


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """One table: rows that were copied, places that could not be read, rows that were no use any more."""

    table: str
    rows: int
    holes: int
    useless: int


def salvage(source: sqlite3.Connection, copy: sqlite3.Connection) -> list[Salvaged]:
    """Copy everything readable from `source` into `copy`, a new history of the same version.

    :raises sqlite3.Error: not even the names of the source's tables can be read, or the copy cannot be written
    """
    source.text_factory = lambda raw: raw.decode(errors="replace")
    found = {name for (name,) in source.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()}
    counts: dict[str, tuple[int, int, int]] = {}
    if "http_row" in found:
        old_requests.restore(copy)
    for table in _tables(copy):
        if table in found:
            counts[table] = _copy(source, copy, table)
    if "http_row" in found:
        old_requests.show(copy)
    dropped = _drop_what_dangles(copy)
    _make_anew(copy)
    return [
        Salvaged(table=table, rows=rows - dropped.get(table, 0), holes=holes, useless=bad + dropped.get(table, 0))
        for table, (rows, holes, bad) in counts.items()
    ]


def _tables(connection: sqlite3.Connection) -> list[str]:
    """All but SQLite's own and the list of migrations, dictionaries first."""
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        " AND name NOT LIKE '\\_sqlite%' ESCAPE '\\' ORDER BY rowid"
    )
    return sorted((name for (name,) in rows), key=lambda name: name not in DICTIONARIES)


def _copy(source: sqlite3.Connection, copy: sqlite3.Connection, table: str) -> tuple[int, int, int]:
    """Copy a table; how many rows, holes, and rows that the new table does not take."""
    information = copy.execute(f"PRAGMA table_info({table})").fetchall()
    columns = [row[1] for row in information]
    key = [name for _, name in sorted((row[5], row[1]) for row in information if row[5])]
    marks = ", ".join("?" * len(columns))
    insert = f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
    rows = bad = 0
    reading = _Reading(source, copy, table, columns, key)
    for row in reading:
        try:
            copy.execute(insert, row)
            rows += 1
        except (sqlite3.IntegrityError, OverflowError):
            bad += 1
    return rows, reading.holes, bad


class _Reading:
    """The rows of one table, around what is damaged. `holes`: how many damaged places there were so far.

    A table of one target's or vantage's rows after another's is read for each that the copy knows.
    """

    def __init__(
        self, source: sqlite3.Connection, copy: sqlite3.Connection, table: str, columns: list[str], key: list[str]
    ) -> None:
        self.holes = 0
        self._source = source
        self._select = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608
        self._columns, self._key = columns, key
        self._owner = key[0] if len(key) > 1 and key[0] in ("target", "vantage") else None
        owners = f"SELECT id FROM {self._owner} ORDER BY id"  # noqa: S608
        self._owners = [number for (number,) in copy.execute(owners).fetchall()] if self._owner else [None]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for owner in self._owners:
            yield from self._run(owner)

    def _run(self, owner: int | None) -> Iterator[tuple[Any, ...]]:
        key = self._key if owner is None else self._key[1:]
        condition = "1" if owner is None else f"{self._owner} = {owner}"
        place = self._columns.index(key[0])
        start: Any = None
        while True:
            last = None
            above, bound = ("", ()) if start is None else (f" AND {key[0]} > ?", (start,))
            statement = f"{self._select} WHERE {condition}{above} ORDER BY {', '.join(key)}"
            try:
                for row in self._source.execute(statement, bound):
                    last = row[place]
                    yield row
            except sqlite3.DatabaseError:
                self.holes += last is not None or start is None
            else:
                return
            if last is None and start is not None:
                # The module reads a row ahead, so the last one before a hole is only given alone.
                for row in self._source.execute(f"{statement} LIMIT 1", bound).fetchall():
                    last = row[place]
                    yield row
            if isinstance(last, str):
                yield from self._from_the_end(condition, key, last)
                return
            start = self._behind_the_hole(condition, key[0], start if last is None else last)
            if start is None:
                return

    def _behind_the_hole(self, condition: str, key: str, before: int | None) -> int | None:
        """The smallest number behind which there is a readable row again; None: there seems to be none.

        `before`: the last number that was read; None: not even the first row could be.
        """
        if before is None:
            with suppress(sqlite3.DatabaseError):
                row = self._one(key, f"{condition} ORDER BY {key} DESC", ())
                if isinstance(row, int):
                    return self._between(condition, key, -1, row - 1)
            return None
        step = 1
        while step < _LARGEST:
            if self._readable(condition, key, before + step):
                return self._between(condition, key, before + step // 2, before + step)
            step *= 2
        return None

    def _between(self, condition: str, key: str, hole: int, readable: int) -> int:
        while readable - hole > 1:
            middle = (hole + readable) // 2
            if self._readable(condition, key, middle):
                readable = middle
            else:
                hole = middle
        return readable

    def _readable(self, condition: str, key: str, above: int) -> bool:
        try:
            self._one(key, f"{condition} AND {key} > ? ORDER BY {key}", (above,))
        except sqlite3.DatabaseError:
            return False
        return True

    def _one(self, key: str, condition: str, values: tuple[int, ...]) -> Any:
        """The key's number in the first row, all of which is read; None: there is no row."""
        row = self._source.execute(f"{self._select} WHERE {condition} LIMIT 1", values).fetchone()
        return None if row is None else row[self._columns.index(key)]

    def _from_the_end(self, condition: str, key: list[str], last: str) -> Iterator[tuple[Any, ...]]:
        """What is behind a hole in an order of texts, where there is no next number to go on with."""
        backwards = ", ".join(f"{name} DESC" for name in key)
        statement = f"{self._select} WHERE {condition} AND {key[0]} > ? ORDER BY {backwards}"
        with suppress(sqlite3.DatabaseError):
            yield from self._source.execute(statement, (last,))


def _drop_what_dangles(copy: sqlite3.Connection) -> dict[str, int]:
    """Delete rows that refer to an entry that was lost; how many by table."""
    dropped: dict[str, int] = {}
    for table in _tables(copy):
        for row in copy.execute(f"PRAGMA foreign_key_list({table})").fetchall():
            referred, column = row[2], row[3]
            gone = copy.execute(
                f"DELETE FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN"  # noqa: S608
                f" (SELECT {row[4]} FROM {referred})"
            ).rowcount
            dropped[table] = dropped.get(table, 0) + gone
    return dropped


def _make_anew(copy: sqlite3.Connection) -> None:
    """Counters go on above what is there, roll-ups are made again from the facts that are left."""
    decompressor = zstandard.ZstdDecompressor()
    for level in (MINUTES, FIVE_MINUTES):
        for target, block, vantage, body in copy.execute(f"SELECT * FROM {level.table}").fetchall():  # noqa: S608
            try:
                rollup_block.unpack(body, decompressor)
            except ValueError:
                copy.execute(
                    f"DELETE FROM {level.table} WHERE target = ? AND block = ? AND vantage = ?",  # noqa: S608
                    (target, block, vantage),
                )
    for table in ("http", "dns", "trace"):
        copy.execute(f"INSERT OR IGNORE INTO stale SELECT DISTINCT target, done / {STALE_US} FROM {table}")  # noqa: S608
    for table in ("http", "dns", "trace", "not_measured"):
        copy.execute(
            f"INSERT INTO fact_number SELECT vantage, max(seq) + 1 FROM {table} GROUP BY vantage"  # noqa: S608
            " ON CONFLICT (vantage) DO UPDATE SET next = max(next, excluded.next)"
        )
    for table in ("route", "peer_state", "feed_state", "feed_tally", "file_mark", "vrp_change"):
        copy.execute(
            f"INSERT INTO counter SELECT 'fact', max(seq) + 1 FROM {table} WHERE true HAVING count(*)"  # noqa: S608
            " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
        )
