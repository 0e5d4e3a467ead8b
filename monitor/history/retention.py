"""Forgetting what is older than it should be kept, a small piece at a time.

`chores` is everything that has to go, as pieces of a few milliseconds; the caller runs each in a transaction of
its own and lets others write in between. Facts go first, then blocks of roll-ups, incidents that were closed,
notices that ended and shipments. Entries of dictionaries go last: each says on which day a fact last used it
(`seen`), so nothing has to be searched for whoever still refers to it; names of targets and vantages stay as long
as the longest roll-up does.

The file keeps its size and its free pages are used again: giving them back (VACUUM, also the incremental one)
would rewrite pages while others wait, only to have the file grow again tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from monitor.history import intake, outbox
from monitor.history.connection import Connection
from monitor.history.engine import WriteEngine
from monitor.history.glossary import DICTIONARIES
from monitor.history.resolution import bound_micros
from monitor.history.rollups import FIVE_MINUTES, MINUTES, STALE_US, Level, coarsen

PIECE = 2_000
"""Entries of a dictionary that one piece looks at: a few milliseconds."""

_DAY_S = 86_400.0
_LONG_LIVED = ("target", "vantage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long things are kept, in seconds: facts; minutes; five-minutes. Incidents as long as the longest."""

    facts_s: float
    minutes_s: float
    five_minutes_s: float

    @property
    def longest_s(self) -> float:
        """What names, incidents and messages are kept."""
        return max(self.facts_s, self.minutes_s, self.five_minutes_s)


def chores(engine: WriteEngine, now: float, keep: Keep) -> Iterator[int]:
    """Each step deletes a piece of what is too old at `now` (Unix seconds), and gives how many rows went."""
    connection = engine.connection
    # Whole slots go, so that what is left of the facts can make each of its slots anew.
    before = engine.oldest_kept(bound_micros(now - keep.facts_s) // STALE_US * STALE_US)
    connection.execute(
        "INSERT INTO counter (name, value) VALUES ('facts_from', ?) ON CONFLICT (name)"
        " DO UPDATE SET value = excluded.value WHERE counter.value < excluded.value",
        (before,),
    )
    yield from engine.forget_facts(before)
    yield from _blocks(connection, MINUTES, now - keep.minutes_s, coarsen)
    yield from _blocks(connection, FIVE_MINUTES, now - keep.five_minutes_s)
    yield _incidents(connection, now - keep.longest_s) + outbox.delete_ended(connection, now - keep.longest_s)
    intake.forget(connection, now - keep.longest_s)
    yield 0
    for dictionary in DICTIONARIES:
        age_s = keep.longest_s if dictionary in _LONG_LIVED else keep.facts_s
        yield from _entries(engine, dictionary, int((now - age_s) // _DAY_S))


def _blocks(
    connection: Connection,
    level: Level,
    before: float,
    last: Callable[[Connection, int, int], None] = lambda connection, target, block: None,
) -> Iterator[int]:
    """A block goes when its last slot is too old; those of one target and time go together, `last` before it."""
    oldest = int(max(before, 0) // (level.slot_s * level.slots))
    for (target,) in connection.execute("SELECT id FROM target").fetchall():
        blocks = connection.execute(
            f"SELECT DISTINCT block FROM {level.table} WHERE target = ? AND block < ?",  # noqa: S608
            (target, oldest),
        ).fetchall()
        for (block,) in blocks:
            last(connection, target, block)
            yield connection.execute(
                f"DELETE FROM {level.table} WHERE target = ? AND block = ?",  # noqa: S608
                (target, block),
            ).rowcount


def _incidents(connection: Connection, before: float) -> int:
    deleted = connection.execute(
        "DELETE FROM incident_change WHERE incident IN (SELECT id FROM incident WHERE closed_at < ?)", (before,)
    ).rowcount
    return deleted + connection.execute("DELETE FROM incident WHERE closed_at < ?", (before,)).rowcount


def _entries(engine: WriteEngine, dictionary: str, before_day: int) -> Iterator[int]:
    ends = f"SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM {dictionary}"  # noqa: S608
    first, last = engine.connection.execute(ends).fetchone()
    for start in range(first - 1, last, PIECE):
        old = f"FROM {dictionary} WHERE id > ? AND id <= ? AND seen < ?"
        piece = (start, start + PIECE, before_day)
        if engine.connection.execute(f"SELECT 1 {old} LIMIT 1", piece).fetchone() is None:
            yield 0
            continue
        engine.forget_words()
        yield engine.connection.execute(f"DELETE {old}", piece).rowcount
