"""Moving a whole history from one engine to another: every row, with its numbers, states and seals.

Rows are copied table by table in the order of their keys, a piece a transaction, so that what is there says how
far it came: a transfer that was ended half way goes on behind the last key of each table when it is begun again.
Until it is done a mark in the target keeps every monitor from writing there. Then both sides are read once more,
and each table's rows must have the same digest.

Dictionary entries keep their ids, facts and seals their numbers: so seals hold, vantages' numbers stay settled,
and a notice that was handed over stays in doubt. Notes of what is stale go along, and so do the roll-ups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

import msgspec

from monitor.history import http_rows
from monitor.history.engine import WriteEngine
from monitor.history.errors import HistoryError
from monitor.history.glossary import DICTIONARIES, WritingGlossary
from monitor.history.opening import open_writing
from monitor.history.shelf import Row
from monitor.model.history_place import HistoryPlace

PIECE = 5_000
"""Rows of a transaction."""

MARK = "transferring"
"""The counter that stands in the target until all is there; its value tells the source."""

_OBSERVED = ("target", "done", "vantage", "seq")
_KEYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(DICTIONARIES, ("id",)),
    **dict.fromkeys(("request", "dns", "trace", "not_measured"), _OBSERVED),
    **dict.fromkeys(("route", "peer_state", "feed_state", "feed_tally", "vrp_change"), ("at", "seq")),
    "file_mark": ("source", "path"),
    **dict.fromkeys(("minute_block", "five_minute_block"), ("target", "block", "vantage")),
    "seal": ("number",),
    "fact_number": ("vantage",),
    "shipment": ("vantage", "first"),
    "settled": ("vantage", "low"),
    "contact": ("vantage",),
    "incident": ("id",),
    "incident_change": ("incident", "sequence"),
    "notice": ("key",),
}
"""The tables in the order in which they are copied, with their keys."""

_WITH_BODY = ("request", "outcome")
_NOTES = ("stale", "unsealed")
_OWN_COUNTERS = (MARK, "words")

# A body is kept in the row or in the outcome, never in both; the view shows whichever has it.
_REQUESTS = "(SELECT {} FROM http AS h LEFT JOIN outcome AS o ON o.id = h.outcome) AS request".format(  # noqa: S608
    ", ".join(
        f"CASE WHEN o.{name} IS NULL THEN h.{name} END AS {name}" if name.startswith("body") else f"h.{name}"
        for name in http_rows.WRITTEN
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A table on both sides: how many rows, and a digest of all of them in hex."""

    table: str
    rows: int
    digest: str
    rows_there: int
    digest_there: str

    @property
    def is_equal(self) -> bool:
        """Whether both sides have the same."""
        return (self.rows, self.digest) == (self.rows_there, self.digest_there)


Told = Callable[[str, int, int], None]
"""A table, how many of its rows are there, of how many."""


def transfer(
    source: HistoryPlace, target: HistoryPlace, told: Told = lambda table, rows, of: None
) -> list[Copied]:
    """Copy all of `source` into `target`, which is new or has a part of the same; what both have then.

    Nobody else may write either of them meanwhile. Where a table differs at the end, the mark stays.

    :raises HistoryError: one cannot be opened, `target` has something else, or an engine failed
    """
    with ExitStack() as stack:
        here, there = (stack.enter_context(closing(open_writing(place))) for place in (source, target))
        for engine in (here, there):
            engine.hold_still()
        _give_rows_their_form(here)
        _begin(there, source)
        for table, key in _KEYS.items():
            _copy(here, there, table, key, told)
        _copy_notes(here, there)
        there.transact(there.ids_were_given, _nothing)
        found = [_compared(here, there, table, key) for table, key in _KEYS.items()]
        if all(one.is_equal for one in found):
            _end(here, there)
        return found


def check_whole(engine: WriteEngine) -> None:
    """Refuse a history into which a transfer has not ended.

    :raises HistoryError: it has not
    """
    if _ask(engine, "SELECT 1 FROM counter WHERE name = ?", (MARK,)):
        raise HistoryError(
            f"history {engine.place}: a transfer into it has not ended; `whydown import history` goes on with it"
        )


def _nothing() -> None:
    """Nothing is remembered here that a rollback could make wrong."""


def _give_rows_their_form(engine: WriteEngine) -> None:
    glossary = WritingGlossary(engine.dictionaries)
    while engine.has_old_rows():
        engine.transact(lambda: engine.move_old_rows(glossary), glossary.forget)


def _begin(there: WriteEngine, source: HistoryPlace) -> None:
    name = hashlib.blake2b(str(source).encode(), digest_size=7).digest()
    number = int.from_bytes(name, "big")
    marks = _ask(there, "SELECT value FROM counter WHERE name = ?", (MARK,))
    if marks and marks != [(number,)]:
        raise HistoryError(f"history {there.place}: has a part of another history than {source}")
    if not marks:
        if any(_last(there, table, key) is not None for table, key in _KEYS.items()):
            raise HistoryError(f"history {there.place}: is not empty; a whole history needs one to itself")
        _ask(there, "INSERT INTO counter (name, value) VALUES (?, ?) RETURNING value", (MARK, number))


def _ask(engine: WriteEngine, statement: str, values: Sequence[object] = ()) -> list[Row]:
    return engine.transact(lambda: engine.connection.execute(statement, values).fetchall(), _nothing)


def _copy(here: WriteEngine, there: WriteEngine, table: str, key: tuple[str, ...], told: Told) -> None:
    columns = _columns(here, table)
    ((of,),) = _ask(here, f"SELECT count(*) FROM {table}")  # noqa: S608
    ((done,),) = _ask(there, f"SELECT count(*) FROM {table}")  # noqa: S608
    for rows in _pages(here, table, columns, key, _last(there, table, key)):
        there.transact(partial(there.insert_rows, table, columns, rows), _nothing)
        done += len(rows)
        told(table, done, of)


def _pages(
    engine: WriteEngine, table: str, columns: Sequence[str], key: Sequence[str], last: Row | None
) -> Iterator[list[Row]]:
    """All rows behind the key `last`, in the order of their keys."""
    order, source = _listed(key), _REQUESTS if table == "request" else table
    places = [columns.index(name) for name in key]
    while True:
        behind = "" if last is None else f" WHERE ({order}) > ({', '.join('?' * len(key))})"
        rows = _ask(
            engine,
            f"SELECT {_listed(columns)} FROM {source}{behind} ORDER BY {order} LIMIT {PIECE}",  # noqa: S608
            last or (),
        )
        if rows:
            yield [_with_packed_body(row, columns) for row in rows] if table in _WITH_BODY else rows
            last = tuple(rows[-1][place] for place in places)
        if len(rows) < PIECE:
            return


def _listed(columns: Sequence[str]) -> str:
    """As a statement has them: one of them is a word of SQL."""
    return ", ".join(f'"{column}"' for column in columns)


def _with_packed_body(row: Row, columns: Sequence[str]) -> Row:
    """A body's digest as bytes: a file may have it as text."""
    place = columns.index("body_sha256")
    body = row[place]
    return row if not isinstance(body, str) else (*row[:place], http_rows.packed(body), *row[place + 1 :])


def _columns(engine: WriteEngine, table: str) -> tuple[str, ...]:
    return http_rows.WRITTEN if table == "request" else engine.columns_of(table)


def _last(engine: WriteEngine, table: str, key: Sequence[str]) -> Row | None:
    """The greatest key that is there; None: the table is empty."""
    order = ", ".join(f"{name} DESC" for name in key)
    rows = _ask(engine, f"SELECT {_listed(key)} FROM {table} ORDER BY {order} LIMIT 1")  # noqa: S608
    return rows[0] if rows else None


def _copy_notes(here: WriteEngine, there: WriteEngine) -> None:
    for table in _NOTES:
        slots = _ask(here, f"SELECT DISTINCT target, slot FROM {table}")  # noqa: S608
        there.transact(partial(there.mark, table, [(target, slot) for target, slot in slots]), _nothing)


def _compared(here: WriteEngine, there: WriteEngine, table: str, key: tuple[str, ...]) -> Copied:
    columns = _columns(here, table)
    (rows, digest), (rows_there, digest_there) = (_digest(one, table, columns, key) for one in (here, there))
    return Copied(table=table, rows=rows, digest=digest, rows_there=rows_there, digest_there=digest_there)


def _digest(engine: WriteEngine, table: str, columns: Sequence[str], key: Sequence[str]) -> tuple[int, str]:
    """How many rows there are, and the SHA-256 of all of them, in MessagePack one after another."""
    found, count, encode = hashlib.sha256(), 0, msgspec.msgpack.Encoder().encode
    for rows in _pages(engine, table, columns, key, None):
        count += len(rows)
        found.update(b"".join(map(encode, rows)))
    return count, found.hexdigest()


def _end(here: WriteEngine, there: WriteEngine) -> None:
    """The counters come last, and the mark goes."""
    counters = [row for row in _ask(here, "SELECT name, value FROM counter") if row[0] not in _OWN_COUNTERS]

    def end() -> None:
        there.connection.executemany(
            "INSERT INTO counter (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            counters,
        )
        there.connection.execute("DELETE FROM counter WHERE name = ?", (MARK,))

    there.transact(end, _nothing)
