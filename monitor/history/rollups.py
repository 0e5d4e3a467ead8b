"""The roll-ups: minutes and five-minutes of every target from every vantage, made from the facts. Writer's side.

    facts -> `stale` (target, five minutes), in the transaction that keeps them
    stale -> `fold`: these five minutes once more from their facts, into the minutes; one short transaction each
    minutes that get too old -> `coarsen`: five-minutes

Making a slot anew instead of adding to it makes late facts, facts that come twice and a crash at any moment
harmless: a slot is right or stale, and readers take the facts themselves for what is stale (`rollup_reader`).
A slot is folded when it is over, so all its vantages are folded together: 100 of them in some 20 ms.

Both tables have an hour of a target from a vantage in a row, and while there are minutes there need be no
five-minutes: who asks for those adds up five of them.

A table's row is a block of slots (`rollup_block`), an hour of minutes or of five-minutes, because a
row for each minute would be mostly key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import zstandard

from monitor.history import rollup_block
from monitor.history.connection import Connection
from monitor.history.errors import DamagedValueError
from monitor.history.latency_scale import place
from monitor.history.rollup_block import PHASES, Slot
from monitor.history.shelf import Row


@dataclass(frozen=True, slots=True)
class Level:
    """One roll-up: its table, how long a slot is, and how many a block has."""

    table: str
    slot_s: int
    slots: int


MINUTES = Level("minute_block", 60, 60)
FIVE_MINUTES = Level("five_minute_block", 300, 12)

STALE_US = 300_000_000
"""What is folded at once: five minutes."""

GRACE_S = 60.0
"""How long after its end a slot waits for facts that are on their way."""

_MINUTE_US = 60_000_000
MINUTES_IN_FIVE = 5
_HOUR_US = 3600_000_000

WITHOUT_MINUTES = """NOT EXISTS (SELECT 1 FROM minute_block AS m
    WHERE m.target = f.target AND m.block = f.block AND m.vantage = f.vantage)"""
"""Of a row `f` of `five_minute_block`: its minutes are gone. Where both are, the minutes count."""
TALLIED = ("http", "dns", "trace")
"""The kinds of observations whose failures are counted."""

# A name that fails at once is no fast answer: the whole time is of exchanges that were answered.
PHASE_COLUMNS = {phase: f"{phase}_us" for phase in PHASES} | {
    "total": "CASE WHEN wait_us IS NOT NULL THEN total_us END"
}


class Stale(NamedTuple):
    """A target's five minutes that have to be made anew; `slot` counts them since 1970."""

    target: int
    slot: int


def next_stale(connection: Connection, now: float) -> Stale | None:
    """Five minutes that are over and have to be folded; None: there are none."""
    last = int((now - GRACE_S) * 1e6) // STALE_US
    row = connection.execute(
        "SELECT target, slot FROM stale WHERE slot < ? ORDER BY target, slot LIMIT 1", (last,)
    ).fetchone()
    return None if row is None else Stale(*row)


class Folder:
    """Folds through the writer's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._compressor = rollup_block.compressor()
        self._decompressor = zstandard.ZstdDecompressor()

    def fold(self, stale: Stale) -> None:
        """Make these five minutes anew, within the caller's transaction."""
        start = stale.slot * STALE_US
        self._connection.execute("DELETE FROM stale WHERE target = ? AND slot = ?", stale)
        if start < self._facts_from():
            return  # its other facts are gone: what was folded of them is the better answer
        minutes = self._measured(stale.target, start)
        coarse = self._coarse(stale.target, start)
        fine = {vantage: slots for vantage, slots in minutes.items() if vantage not in coarse}
        self._put(MINUTES, stale.target, start, fine)
        whole = {vantage: [_together(minutes[vantage])] for vantage in coarse & minutes.keys()}
        self._put(FIVE_MINUTES, stale.target, start, whole)

    def _coarse(self, target: int, start: int) -> set[int]:
        """The vantages of whose hour only five-minutes are left."""
        rows = self._connection.execute(
            f"SELECT vantage FROM five_minute_block AS f WHERE target = ? AND block = ? AND {WITHOUT_MINUTES}",  # noqa: S608
            (target, start // _HOUR_US),
        )
        return {vantage for (vantage,) in rows.fetchall()}

    def _facts_from(self) -> int:
        row = self._connection.execute("SELECT value FROM counter WHERE name = 'facts_from'").fetchone()
        return 0 if row is None else int(row[0])

    def _measured(self, target: int, start: int) -> dict[int, list[Slot]]:
        """The five minutes by vantage, from the facts."""
        window = (target, start, start + STALE_US)
        first = start // _MINUTE_US
        places: dict[int, list[list[bytearray]]] = defaultdict(
            lambda: [[bytearray() for _ in PHASES] for _ in range(MINUTES_IN_FIVE)]
        )
        tallies: dict[int, list[dict[str, int]]] = defaultdict(lambda: [{} for _ in range(MINUTES_IN_FIVE)])
        columns = ", ".join(PHASE_COLUMNS.values())
        for vantage, minute, *durations in self._connection.execute(
            f"SELECT vantage, done / {_MINUTE_US}, {columns} FROM http"  # noqa: S608
            " WHERE target = ? AND done >= ? AND done < ?",
            window,
        ):
            for found, duration in zip(places[vantage][minute - first], durations, strict=True):
                if duration is not None:
                    found.append(place(duration))
        for kind in TALLIED:
            for vantage, minute, failure, count in self._connection.execute(
                f"SELECT vantage, done / {_MINUTE_US}, text, count(*) FROM {kind}"  # noqa: S608
                " LEFT JOIN word ON word.id = failure"
                " WHERE target = ? AND done >= ? AND done < ? GROUP BY 1, 2, 3",
                window,
            ):
                tally = tallies[vantage][minute - first]
                tally[kind] = tally.get(kind, 0) + count
                if failure is not None:
                    tally[f"{kind} {failure}"] = count
        return {
            vantage: [
                Slot([bytes(sorted(found)) for found in phases], tally)
                for phases, tally in zip(places[vantage], tallies[vantage], strict=True)
            ]
            for vantage in tallies
        }

    def _put(self, level: Level, target: int, start: int, slots: Mapping[int, list[Slot]]) -> None:
        number, first = divmod(start // (level.slot_s * 1_000_000), level.slots)
        blocks = dict(
            self._connection.execute(
                f"SELECT vantage, body FROM {level.table} WHERE target = ? AND block = ?",  # noqa: S608
                (target, number),
            ).fetchall()
        )
        rows = []
        for vantage, new in slots.items():
            packed = blocks.get(vantage)
            try:
                block = rollup_block.unpack(packed, self._decompressor) if packed else None
            except ValueError as error:
                raise DamagedValueError(f"{level.table} is damaged: {error}") from error
            block = block or rollup_block.empty(level.slots)
            rollup_block.replace(block, first, new)
            rows.append((target, number, vantage, rollup_block.pack(block, self._compressor)))
        _save(self._connection, level, rows)


def coarsen(connection: Connection, target: int, block: int) -> None:
    """Make an hour's five-minutes of its minutes, which are about to be forgotten; within the transaction."""
    compressor, decompressor = rollup_block.compressor(), zstandard.ZstdDecompressor()
    rows = connection.execute(
        "SELECT vantage, body FROM minute_block WHERE target = ? AND block = ?", (target, block)
    ).fetchall()
    made = []
    for vantage, packed in rows:
        try:
            minutes = rollup_block.unpack(packed, decompressor)
        except ValueError:
            continue  # it can be read no more, so nothing is lost with it
        fives = rollup_block.coarser(minutes, MINUTES_IN_FIVE)
        made.append((target, block, vantage, rollup_block.pack(fives, compressor)))
    _save(connection, FIVE_MINUTES, made)


def _save(connection: Connection, level: Level, rows: Sequence[Row]) -> None:
    connection.executemany(
        f"INSERT INTO {level.table} (target, block, vantage, body) VALUES (?, ?, ?, ?)"  # noqa: S608
        " ON CONFLICT (target, block, vantage) DO UPDATE SET body = excluded.body",
        rows,
    )


def _together(slots: list[Slot]) -> Slot:
    tallies: dict[str, int] = {}
    for slot in slots:
        for name, count in slot.tallies.items():
            tallies[name] = tallies.get(name, 0) + count
    joined = (b"".join(parts) for parts in zip(*(slot.phases for slot in slots), strict=True))
    return Slot([bytes(sorted(places)) for places in joined], tallies)
