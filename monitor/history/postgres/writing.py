"""The engine of a process that writes a history on a server, beside any number of others.

A transaction of ours is:

    BEGIN; the lock on words, shared; our number; how often words were deleted
    numbers for facts, which lock their vantages; words, on the other connection; COPY of rows; notes
    COMMIT

When the connection is lost, all of it is done again over a new one, for `retry_s` at most. When it is lost in
COMMIT, the server is asked what became of the transaction's number (`pg_xact_status`): so it is done once, also
when nobody heard the answer. Nothing has to be asked about keys for that.

Rows go by binary COPY straight into their tables. They need no staging table and no ON CONFLICT: their numbers
were given in the same transaction, so none can be there already.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import RawCursor

from monitor.history.engine import Answer
from monitor.history.errors import HistoryError, HistoryUnreachableError
from monitor.history.glossary import DICTIONARIES, WritingGlossary
from monitor.history.postgres import days, locks
from monitor.history.postgres.connecting import connect
from monitor.history.postgres.named_errors import is_lost, may_pass, named_error, named_errors
from monitor.history.postgres.schema import migrate
from monitor.history.postgres.statements import PostgresConnection
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.history.shelf import Row, Shelf
from monitor.model.history_place import DatabaseUrl

RETRY_S = 60.0
"""How long a lost server is waited for: a restart takes seconds, the recovery after a crash up to a minute."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 2.0
_BEGIN = (
    f"BEGIN; SELECT pg_advisory_xact_lock_shared({locks.WORDS});"  # noqa: S608
    " SELECT pg_current_xact_id()::text, (SELECT value FROM counter WHERE name = 'words')"
)
# A writer that stands still (a stopped machine) must not keep its locks for ever.
# The server's side of what `connecting` asks of ours: locks of a machine that lost power are soon free.
_SESSION = (
    "SET idle_in_transaction_session_timeout = '10min'; SET tcp_keepalives_idle = 10;"
    " SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)
_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)
# An entry is durable before the facts that use it: their own commit comes later in the same log.
_BEFORE_FACTS = "SET synchronous_commit = off"


class _TakenBackError(Exception):
    """The connection was lost in COMMIT, and the server knows the transaction as aborted."""


class PostgresWriting:
    """A `WriteEngine` over two sessions: one for transactions, one for words and days.

    `retry_s`: how long what can be had again is waited for.
    """

    def __init__(self, place: DatabaseUrl, retry_s: float = RETRY_S) -> None:
        self.place = place
        self._retry_s = retry_s
        self.connection = PostgresConnection(_writer(place))
        self.dictionaries = PostgresConnection(_helper(place))
        self._days = days.Days(self.dictionaries)
        self._types: dict[str, dict[str, int]] = {}
        self._words: int | None = None
        self._writer = self.connection.raw.info.backend_pid
        self._is_teller = False
        self._stands_still = False

    @classmethod
    def open(cls, place: DatabaseUrl, retry_s: float = RETRY_S) -> PostgresWriting:
        """Open the history at `place`; makes its tables, and brings an older one up to date.

        :raises HistoryForeignError: another program's tables, or a newer version's; they are left alone
        :raises HistoryError: the server cannot be reached, or refuses
        """
        with named_errors(place):
            first = PostgresConnection(connect(place))
            try:
                migrate(first, place)
            finally:
                first.raw.close()
            return cls(place, retry_s)

    def transact(self, work: Callable[[], Answer], undone: Callable[[], object]) -> Answer:
        """Run `work` in a transaction; again, while the server is away or others were in the way."""
        until = time.monotonic() + self._retry_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._once(work, undone, until)
            except psycopg.Error as error:
                lost = self._is_lost(error)
                if not (lost or may_pass(error)) or time.monotonic() + pause_s > until:
                    raise named_error(self.place, error) from error
            except _TakenBackError:
                continue
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrets
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            if lost:
                self._reconnect(until)

    def _once(self, work: Callable[[], Answer], undone: Callable[[], object], until: float) -> Answer:
        try:
            number = self._begin(undone)
            answer = work()
        except BaseException as error:
            self._roll_back()
            undone()
            if isinstance(error, psycopg.Error):
                raise
            with named_errors(self.place):
                raise
        try:
            self._commit(number, until)
        except BaseException:
            undone()
            raise
        return answer

    def _commit(self, number: str, until: float) -> None:
        """Commit, and make sure of it."""
        try:
            self.connection.run("COMMIT")
        except psycopg.Error as error:
            if not is_lost(error, self.connection.raw):
                self._roll_back()
                raise
            if not self._was_committed(number, until):
                raise _TakenBackError from error

    def _begin(self, undone: Callable[[], object]) -> str:
        ((number, words),) = self.connection.run(_BEGIN)
        if words != self._words:
            undone()  # entries that are remembered may be gone
            self._words = words
        return str(number)

    def _roll_back(self) -> None:
        self._days.forget()
        raw = self.connection.raw
        if not raw.closed and raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            try:
                self.connection.run("ROLLBACK")
            except psycopg.Error:
                raw.close()

    def _was_committed(self, number: str, until: float) -> bool:
        """What became of a transaction whose COMMIT nobody answered."""
        while True:
            self._reconnect(until)
            try:
                ((status,),) = self.connection.execute(
                    "SELECT pg_xact_status(?::text::xid8)", (number,)
                ).fetchall()
            except psycopg.Error as error:
                if not is_lost(error, self.connection.raw):
                    raise
                continue
            if status != "in progress":
                return bool(status == "committed")
            if time.monotonic() > until:
                raise HistoryUnreachableError(f"history {self.place}: a transaction does not end on the server")
            time.sleep(_FIRST_PAUSE_S)

    def _is_lost(self, error: BaseException) -> bool:
        return is_lost(error, self.connection.raw) or is_lost(error, self.dictionaries.raw)

    def _reconnect(self, until: float) -> None:
        """Speak through new connections, as soon as the server is there.

        :raises HistoryUnreachableError: it was not there until `until` (monotonic)
        :raises HistoryError: nobody else was to write, and somebody does
        """
        self.connection.raw.close()
        self.dictionaries.raw.close()
        self._is_teller = False
        while True:
            try:
                self.connection.raw = _writer(self.place)
                self.dictionaries.raw = _helper(self.place)
            except HistoryUnreachableError:
                if time.monotonic() > until:
                    raise
                time.sleep(_FIRST_PAUSE_S * 4)
            else:
                self._writer = self.connection.raw.info.backend_pid
                if self._stands_still:
                    self._stand_still_again(until)
                return

    def insert(self, shelf: Shelf[Any], rows: Sequence[Row]) -> None:
        """COPY, into tables of days that are there or are made; what replaces other rows, one by one."""
        if shelf.replaces:
            self.connection.executemany(shelf.insert, rows)
            return
        self.insert_rows(shelf.stored_in, shelf.written or shelf.columns, rows)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """COPY, as any table takes it."""
        if table in days.BY_DAY:
            place = columns.index(days.BY_DAY[table])
            self._days.ensure(table, {row[place] // days.DAY_US for row in rows})
        names = ", ".join(f'"{column}"' for column in columns)
        statement = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
        types = self._types_of(table)
        with RawCursor(self.connection.raw) as cursor, cursor.copy(statement) as copy:
            copy.set_types([types[column] for column in columns])
            for row in rows:
                copy.write_row(row)

    def columns_of(self, table: str) -> tuple[str, ...]:
        """As they were made."""
        return tuple(self.transact(lambda: self._types_of(table), lambda: None))

    def hold_still(self) -> None:
        """The lock that every transaction of a writer shares, alone."""
        with named_errors(self.place):
            self.connection.execute(f"SELECT pg_advisory_lock({locks.WORDS})")
        self._stands_still = True

    def _stand_still_again(self, until: float) -> None:
        """Take the lock that went with the connection, if nobody writes; the server may still hold our old one."""
        while True:
            with named_errors(self.place):
                ((is_ours,),) = self.connection.execute(f"SELECT pg_try_advisory_lock({locks.WORDS})").fetchall()
            if is_ours:
                return
            if time.monotonic() > until:
                raise HistoryError(
                    f"history {self.place}: the connection was lost, and since then a monitor writes there; stop"
                    " it, and give the same command again"
                )
            time.sleep(_FIRST_PAUSE_S * 4)

    def ids_were_given(self) -> None:
        """Set the sequences."""
        for table in DICTIONARIES:
            self.connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table} HAVING max(id) > 0"  # noqa: S608
            )

    def _types_of(self, table: str) -> dict[str, int]:
        """The types of a table's columns, which binary COPY has to know."""
        if table not in self._types:
            rows = self.connection.execute(
                "SELECT attname::text, atttypid::bigint FROM pg_attribute WHERE attrelid = ?::text::regclass"
                " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                (table,),
            )
            self._types[table] = dict(rows.fetchall())
        return self._types[table]

    def mark(self, table: str, slots: Iterable[tuple[int, int]]) -> None:
        """A note of this process's own, so that no writer waits for another.

        A note that is there is locked by this: who takes it out waits until our facts can be seen.
        """
        ordered = sorted(slots)
        if not ordered:
            return
        self.connection.execute(
            f"INSERT INTO {table} (target, slot, writer)"  # noqa: S608
            " SELECT target, slot, ?3 FROM unnest(?1::text::integer[], ?2::text::bigint[]) AS noted (target, slot)"
            f" ON CONFLICT (target, slot, writer) DO UPDATE SET slot = {table}.slot WHERE false",
            (_array(target for target, _ in ordered), _array(slot for _, slot in ordered), self._writer),
        )

    def oldest_kept(self, before: int) -> int:
        """The beginning of its day: days go as a whole."""
        return before // days.DAY_US * days.DAY_US

    def forget_facts(self, before: int) -> Iterator[int]:
        """Drop days; of the small tables delete rows."""
        for table in days.BY_DAY:
            yield from days.drop_before(self.connection, table, before // days.DAY_US)
        self._days.forget()
        for shelf in ROUTE_SHELVES.values():
            if shelf.table not in days.BY_DAY:
                yield self.connection.execute(
                    f"DELETE FROM {shelf.table} WHERE at < ?",  # noqa: S608
                    (before,),
                ).rowcount

    def forget_words(self) -> None:
        """Wait until no writer is at work, and have all look anew for what they remember."""
        self.connection.execute(f"SELECT pg_advisory_xact_lock({locks.WORDS})")
        ((self._words,),) = self.connection.execute(
            "UPDATE counter SET value = value + 1 WHERE name = 'words' RETURNING value"
        ).fetchall()

    def has_old_rows(self) -> bool:
        """No version wrote another form."""
        return False

    def move_old_rows(self, glossary: WritingGlossary) -> None:
        """Nothing: there are none."""

    def is_caretaker(self) -> bool:
        """One process at a time, whichever asks first."""
        ((is_ours,),) = self.connection.execute(f"SELECT pg_try_advisory_xact_lock({locks.CARETAKER})").fetchall()
        return bool(is_ours)

    def is_teller(self, *, claim: bool) -> bool:
        """One process, for as long as its session lasts."""
        if not self._is_teller and claim:
            try:
                ((self._is_teller,),) = self.connection.execute(
                    f"SELECT pg_try_advisory_lock({locks.TELLER})"
                ).fetchall()
            except psycopg.Error as error:
                if not self._is_lost(error):
                    raise named_error(self.place, error) from error
                self._reconnect(time.monotonic() + self._retry_s)
                return self.is_teller(claim=claim)
        return self._is_teller

    def stop_telling(self) -> None:
        """Give the lock back; one that went with its session is nobody's already."""
        if self._is_teller:
            self._is_teller = False
            try:
                self.connection.execute(f"SELECT pg_advisory_unlock({locks.TELLER})")
            except psycopg.Error as error:
                if not self._is_lost(error):
                    raise named_error(self.place, error) from error

    def close(self) -> None:
        """Leave the server; who waits for our lock need not wait until it has noticed."""
        with suppress(HistoryError):
            self.stop_telling()
        self.connection.raw.close()
        self.dictionaries.raw.close()


def _array(numbers: Iterable[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"


def _writer(place: DatabaseUrl) -> psycopg.Connection[Any]:
    raw = connect(place)
    with named_errors(place):
        PostgresConnection(raw).run(f"{_SESSION}; {_DURABLE}")
    return raw


def _helper(place: DatabaseUrl) -> psycopg.Connection[Any]:
    raw = connect(place)
    with named_errors(place):
        PostgresConnection(raw).run(f"{_SESSION}; {_BEFORE_FACTS}")
    return raw
