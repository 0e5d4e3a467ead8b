"""Reading the roll-ups: the measurements of a window by series and bucket, as places of `latency_scale`.

What is stale, and the last part of a slot, come from the facts themselves; so an answer holds everything that
is stored, whenever it was folded.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import zstandard

from monitor.history import rollup_block
from monitor.history.connection import Connection
from monitor.history.errors import DamagedValueError
from monitor.history.latency_scale import place
from monitor.history.measured import Measured, Run
from monitor.history.resolution import bound_micros
from monitor.history.rollup_block import PHASES, Block
from monitor.history.rollups import (
    FIVE_MINUTES,
    MINUTES,
    PHASE_COLUMNS,
    STALE_US,
    TALLIED,
    WITHOUT_MINUTES,
    Level,
)
from monitor.history.scope import Scope

Piece = tuple[int, int, int]
"""A bucket, and the slots of a block that belong to it: the first, and the one after the last."""

Series = tuple[int | None, int | None, str]
"""Target, vantage (None: all of them together) and phase."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Buckets of `bucket_s` from `since` to `until`, in whole seconds but the end."""

    since: int
    until: float
    bucket_s: int
    level: Level

    @classmethod
    def of(cls, since: float, until: float, bucket_s: float) -> Grid | None:
        """The grid on the coarsest roll-up that has these buckets; None: none has."""
        for level in (FIVE_MINUTES, MINUTES):
            if since % level.slot_s == 0 and bucket_s % level.slot_s == 0:
                return cls(int(since), until, int(bucket_s), level)
        return None


def measured(
    connection: Connection, scope: Scope, grid: Grid, by: frozenset[str], phases: Collection[str]
) -> dict[Series, Measured]:
    """The measurements by series, those of `by` apart; a series without one is left out."""
    found: dict[Series, Measured] = defaultdict(Measured)
    slot_us = grid.level.slot_s * 1_000_000
    end = bound_micros(grid.until)
    whole = end // slot_us
    for target in _targets(connection, scope):
        stale = _stale(connection, target, grid.since * 1_000_000, end)
        named = target if "target" in by else None
        for cut in _blocks(connection, scope, grid, target, whole, stale):
            who = (named, cut.vantage if "vantage" in by else None)
            for phase in phases:
                _cut(cut, PHASES.index(phase), found[(*who, phase)])
        for start, stop in _unrolled(grid, whole * slot_us, end, stale):
            _add_facts(connection, scope, (target, start, stop), grid, by, phases, found)
    return {series: one for series, one in found.items() if one}


def tallied(connection: Connection, scope: Scope, grid: Grid) -> dict[int, list[int]]:
    """Requests of the scope's one target by bucket: how many there were, and how many of them failed."""
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    slot_us = grid.level.slot_s * 1_000_000
    end = bound_micros(grid.until)
    whole = end // slot_us
    (target,) = _targets(connection, scope)
    stale = _stale(connection, target, grid.since * 1_000_000, end)
    for cut in _blocks(connection, scope, grid, target, whole, stale):
        for name, packed in cut.block.tallies.items():
            kind, _, failure = name.partition(" ")
            if kind == "http":
                counts = array("H", packed)
                for bucket, first, last in cut.pieces:
                    found[bucket][bool(failure)] += sum(counts[first:last])
    for start, stop in _unrolled(grid, whole * slot_us, end, stale):
        rows = connection.execute(
            f"SELECT (done / 1000000 - ?) / ?, count(*), count(failure) FROM http"  # noqa: S608
            f" WHERE {scope.condition} AND done >= ? AND done < ? GROUP BY 1",
            (grid.since, grid.bucket_s, *scope.values, start, stop),
        )
        for bucket, count, failed in rows:
            found[bucket][0] += count
            found[bucket][1] += failed
    return found


def tally_slots(connection: Connection, scope: Scope, grid: Grid) -> Iterator[tuple[int, int, str, int, int, int]]:
    """Target, vantage, tally, count, and the microseconds of the first and the last of them; any order.

    What comes from a slot was at its beginning, so to say.
    """
    slot_us = grid.level.slot_s * 1_000_000
    end = bound_micros(grid.until)
    whole = end // slot_us
    for target in _targets(connection, scope):
        stale = _stale(connection, target, grid.since * 1_000_000, end)
        for cut in _blocks(connection, scope, grid, target, whole, stale):
            for name, packed in cut.block.tallies.items():
                counts = array("H", packed)
                for _, first, last in cut.pieces:
                    for slot in range(first, last):
                        if counts[slot]:
                            at = (cut.number * cut.level.slots + slot) * cut.level.slot_s * 1_000_000
                            yield target, cut.vantage, name, counts[slot], at, at
        for start, stop in _unrolled(grid, whole * slot_us, end, stale):
            yield from _tallies_of_facts(connection, scope, target, start, stop)


def _tallies_of_facts(
    connection: Connection, scope: Scope, target: int, start: int, stop: int
) -> Iterator[tuple[int, int, str, int, int, int]]:
    for kind in TALLIED:
        for vantage, failure, *figures in connection.execute(
            f"SELECT vantage, text, count(*), min(done), max(done) FROM {kind}"  # noqa: S608
            " LEFT JOIN word ON word.id = failure"
            f" WHERE {scope.condition} AND target = ? AND done >= ? AND done < ? GROUP BY vantage, text",
            (*scope.values, target, start, stop),
        ).fetchall():
            count, first, last = figures
            yield target, vantage, kind, count, first, last
            if failure is not None:
                yield target, vantage, f"{kind} {failure}", count, first, last


def _targets(connection: Connection, scope: Scope) -> list[int]:
    if scope.target is not None:
        return [scope.target]
    return [target for (target,) in connection.execute("SELECT id FROM target")]


def _stale(connection: Connection, target: int, since: int, until: int) -> set[int]:
    rows = connection.execute(
        "SELECT slot FROM stale WHERE target = ? AND slot >= ? AND slot <= ?",
        (target, since // STALE_US, until // STALE_US),
    )
    return {slot for (slot,) in rows}


def _unrolled(grid: Grid, whole: int, end: int, stale: set[int]) -> Iterator[tuple[int, int]]:
    """The parts of the window that are read from the facts: stale slots, and what follows the last whole slot."""
    since = grid.since * 1_000_000
    for slot in sorted(stale):
        start, stop = max(slot * STALE_US, since), min((slot + 1) * STALE_US, whole)
        if start < stop:
            yield start, stop
    if max(whole, since) < end:
        yield max(whole, since), end


class _Cut(NamedTuple):
    """A block and its pieces. `level`: the block's own, which is finer than the grid's where there are minutes.

    `stretches`: where a slot is a bucket, the same pieces put together: the first one's bucket, and all of their
    slots; else empty.
    """

    number: int
    vantage: int
    block: Block
    level: Level
    pieces: list[Piece]
    stretches: list[Piece]


def _blocks(
    connection: Connection, scope: Scope, grid: Grid, target: int, whole: int, stale: set[int]
) -> Iterator[_Cut]:
    """The blocks that overlap the window."""
    window = (target, grid.since // (grid.level.slot_s * grid.level.slots), whole // grid.level.slots)
    levels = ((FIVE_MINUTES, f" AND {WITHOUT_MINUTES}"), (MINUTES, ""))
    for level, condition in levels if grid.level is FIVE_MINUTES else levels[1:]:
        finer = grid.level.slot_s // level.slot_s
        cut_number, pieces, stretches = -1, list[Piece](), list[Piece]()
        for number, vantage, block in _stored(connection, scope, level, window, condition):
            if number != cut_number:
                coarse = _pieces(grid, number, whole, stale)
                pieces = [(bucket, first * finer, last * finer) for bucket, first, last in coarse]
                cut_number = number
                stretches = _stretches(pieces) if level.slot_s == grid.bucket_s else []
            yield _Cut(number, vantage, block, level, pieces, stretches)


def _stored(
    connection: Connection, scope: Scope, level: Level, window: tuple[int, int, int], condition: str
) -> Iterator[tuple[int, int, Block]]:
    """One level's blocks of a target, from a number to another one; `condition` on the row `f`."""
    values = list(window)
    if scope.vantage is not None:
        condition += " AND vantage = ?"
        values.append(scope.vantage)
    decompressor = zstandard.ZstdDecompressor()
    statement = f"""SELECT block, vantage, body FROM {level.table} AS f
        WHERE target = ? AND block >= ? AND block <= ?{condition}"""  # noqa: S608
    for number, vantage, packed in connection.execute(statement, values):
        try:
            yield number, vantage, rollup_block.unpack(packed, decompressor)
        except ValueError as error:
            raise DamagedValueError(f"{level.table} is damaged: {error}") from error


def _pieces(grid: Grid, number: int, whole: int, stale: set[int]) -> list[Piece]:
    """How a block is cut: what of it is in the window and not stale."""
    level = grid.level
    start = number * level.slots
    pieces: list[Piece] = []
    for slot in range(max(start, grid.since // level.slot_s), min(start + level.slots, whole)):
        if slot * level.slot_s * 1_000_000 // STALE_US in stale:
            continue
        bucket = (slot * level.slot_s - grid.since) // grid.bucket_s
        index = slot - start
        if pieces and pieces[-1][0] == bucket and pieces[-1][2] == index:
            pieces[-1] = (bucket, pieces[-1][1], index + 1)
        else:
            pieces.append((bucket, index, index + 1))
    return pieces


def _stretches(pieces: list[Piece]) -> list[Piece]:
    """Pieces of one slot each, put together where they follow each other."""
    stretches: list[Piece] = []
    for bucket, first, last in pieces:
        if stretches and stretches[-1][2] == first:
            stretches[-1] = (*stretches[-1][:2], last)
        else:
            stretches.append((bucket, first, last))
    return stretches


def _cut(cut: _Cut, phase: int, found: Measured) -> None:
    column = cut.block.columns[phase]
    counts, places, ascending = array("H", column.counts), column.places, cut.level is MINUTES
    if len(cut.stretches) == 1 and cut.stretches[0][1:] == (0, len(counts)):
        found.add_run(Run(cut.stretches[0][0], counts, places, ascending))  # nearly always
        return
    ends = column.ends()
    for bucket, first, last in cut.stretches:
        found.add_run(Run(bucket, counts[first:last], places[ends[first] : ends[last]], ascending))
    if not cut.stretches:
        for bucket, first, last in cut.pieces:
            if ends[first] < ends[last]:
                found.add(bucket, places[ends[first] : ends[last]])


def _add_facts(
    connection: Connection,
    scope: Scope,
    window: tuple[int, int, int],
    grid: Grid,
    by: frozenset[str],
    phases: Collection[str],
    found: dict[Series, Measured],
) -> None:
    """The same from the facts of (target, from, until), microseconds."""
    columns = ", ".join(PHASE_COLUMNS[phase] for phase in phases)
    condition, values = "", list(window)
    if scope.vantage is not None:
        condition = " AND vantage = ?"
        values.append(scope.vantage)
    named = window[0] if "target" in by else None
    for vantage, done, *durations in connection.execute(
        f"SELECT vantage, done, {columns} FROM http WHERE target = ? AND done >= ? AND done < ?{condition}",  # noqa: S608
        values,
    ):
        who = (named, vantage if "vantage" in by else None)
        bucket = (done // 1_000_000 - grid.since) // grid.bucket_s
        for phase, duration in zip(phases, durations, strict=True):
            if duration is not None:
                found[(*who, phase)].add(bucket, bytes((place(duration),)))
