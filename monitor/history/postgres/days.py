"""The tables of facts, partitioned by day.

A day is made when its first fact comes, and dropped when it is too old. A partition is made as a table of its own
and then attached, which waits for no reader (`CREATE … PARTITION OF` would wait for every one, a backup of an hour
included). Dropping needs the table for itself; it is tried for a moment, and again in the next pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from psycopg import errors

from monitor.history.errors import HistoryError
from monitor.history.postgres import locks
from monitor.history.postgres.statements import PostgresConnection

DAY_US = 86_400_000_000

BY_DAY = {"request": "done", "dns": "done", "trace": "done", "not_measured": "done", "route": "at"}
"""The partitioned tables, and by which column."""

MOST_DAYS = 4_000
"""Of one table: eleven years. Each is a file or some, and has a place in every plan."""

_WAIT = "SET LOCAL lock_timeout = '2s'"


class Days:
    """The days that have their tables, as far as this process knows; it makes those that are missing."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection
        self._known: set[tuple[str, int]] = set()

    def forget(self) -> None:
        """Look again: days may have been dropped."""
        self._known.clear()

    def ensure(self, table: str, days: Iterable[int]) -> None:
        """Make what is missing of a table's days (since 1970), in transactions of its own.

        :raises HistoryError: it would have more than MOST_DAYS
        """
        missing = sorted({day for day in days if (table, day) not in self._known})
        if not missing:
            return
        with self._connection.raw.transaction():
            self._connection.execute(f"SELECT pg_advisory_xact_lock({locks.PARTITIONS})")
            there = {day for day, _ in partitions(self._connection, table)}
            for day in missing:
                if day not in there:
                    self._make(table, day, len(there))
                    there.add(day)
        self._known.update((table, day) for day in there)

    def _make(self, table: str, day: int, already: int) -> None:
        if already >= MOST_DAYS:
            raise HistoryError(f"{table} has facts of {already} days; at most {MOST_DAYS} are kept")
        name = partition_name(table, day)
        bounds = f"FROM ({day * DAY_US}) TO ({(day + 1) * DAY_US})"
        self._connection.run(
            f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL);"
            f" ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}"
        )


def partition_name(table: str, day: int) -> str:
    """What the table of a day is called: `request_d19675`."""
    return f"{table}_d{day}"


def partitions(connection: PostgresConnection, table: str) -> list[tuple[int, int]]:
    """The days that a table has, ascending, each with how many rows the server thinks are in it, -1: unknown."""
    rows = connection.execute(
        "SELECT child.relname::text, child.reltuples::bigint FROM pg_inherits"
        " JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = ?::text::regclass",
        (table,),
    ).fetchall()
    return sorted((int(name.rpartition("_d")[2]), size) for name, size in rows)


def drop_before(connection: PostgresConnection, table: str, before_day: int) -> Iterator[int]:
    """Drop the days before `before_day`, one a step, within the caller's transactions; how many rows each had."""
    for day, rows in partitions(connection, table):
        if day >= before_day:
            return
        name = partition_name(table, day)
        connection.execute("SAVEPOINT dropping")
        try:
            connection.execute(_WAIT)
            if rows < 0:
                ((rows,),) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()  # noqa: S608
            connection.execute(f"DROP TABLE IF EXISTS {name}")
        except errors.LockNotAvailable:
            connection.execute("ROLLBACK TO SAVEPOINT dropping")
            rows = 0
        yield rows
