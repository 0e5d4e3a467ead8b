"""The spool: facts get their number and are durable at once, wait for each hub, and go when all have them.

Two lanes leave it. What was written within `FRESH_S` is fresh and goes first, for it is what an alarm needs; what
is older goes by the backlog, oldest first, at the pace that the hub sets, and so does what a hub had taken already
and asks for again. A fact may travel by both: it has one number, and a hub takes it once.

Methods block for about one disk sync, may be called from several threads one at a time, and are told the time.
It knows neither hubs but by name, nor the network.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from monitor.link.messages import Loss
from monitor.spool import keepsakes, thinning
from monitor.spool.errors import SpoolError
from monitor.spool.schema import assign_bits, connect
from probes.observation import Observation, completed_at

FRESH_S = 60.0
"""How long a fact is fresh: the time in which a verdict should be reached."""

MOST_BYTES = 512 * 2**20
MOST_AGE_S = 30 * 86400.0

_ENCODER = msgspec.msgpack.Encoder()


class Kept(NamedTuple):
    """A fact in the spool: its number, and the observation as MessagePack."""

    sequence: int
    body: bytes


class Spool:
    """A spool open for its one agent. Close it, or use it as a context manager."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        hubs: tuple[str, ...],
        most_bytes: int,
        most_age_s: float,
        keep_acknowledged_s: float,
    ) -> None:
        self.path = path
        self._connection = connection
        self._most_bytes = most_bytes
        self._most_age_s = most_age_s
        self._keep_acknowledged_s = keep_acknowledged_s
        self._turn = threading.RLock()
        self._marks: deque[tuple[float, int]] = deque()
        self._again_below: dict[str, int] = {}
        with self._transaction():
            self._bits = assign_bits(connection, hubs)
            (self._next,) = connection.execute("SELECT next FROM counter").fetchone()
        self._everybody = sum(self._bits.values())

    @classmethod
    def open(
        cls,
        path: Path,
        hubs: Sequence[str],
        now: float,
        *,
        most_bytes: int = MOST_BYTES,
        most_age_s: float = MOST_AGE_S,
        keep_acknowledged_s: float = 0.0,
    ) -> Spool:
        """Open or make the spool at `path` for these hubs; `now` by the wall clock. What it holds is backlog.

        `keep_acknowledged_s`: for how long hubs may ask again for what they took.

        :raises SpoolError: another agent has it open, it is not a spool, or it cannot be written
        """
        connection = connect(path, now)
        try:
            return cls(path, connection, tuple(hubs), most_bytes, most_age_s, keep_acknowledged_s)
        except BaseException:
            connection.close()
            raise

    def add(self, facts: Sequence[Observation], monotonic: float) -> None:
        """Number facts and keep them, all in one transaction, durable on return.

        :raises SpoolError: the disk is full or broken; none was kept
        """
        if not facts:
            return
        rows = [(self._everybody, int(completed_at(fact) * 1e3), _ENCODER.encode(fact)) for fact in facts]
        with self._transaction():
            ((after,),) = self._connection.execute(
                "UPDATE counter SET next = next + ? RETURNING next", (len(rows),)
            ).fetchall()
            first = after - len(rows)
            self._connection.executemany(
                "INSERT INTO fact VALUES (?, ?, ?, ?)",
                [(first + place, *row) for place, row in enumerate(rows)],
            )
        self._next = after
        if not self._marks or monotonic - self._marks[-1][0] >= 1.0:
            self._marks.append((monotonic, first))

    def fresh(self, hub: str, monotonic: float, most: int, most_bytes: int) -> list[Kept]:
        """The oldest facts owed to `hub` that are fresh."""
        with self._turn, self._named_errors():
            return self._pending(hub, ">=", self._boundary(hub, monotonic), most, most_bytes)

    def backlog(self, hub: str, monotonic: float, most: int, most_bytes: int) -> list[Kept]:
        """The oldest facts owed to `hub` that are not fresh any more."""
        with self._turn, self._named_errors():
            return self._pending(hub, "<", self._boundary(hub, monotonic), most, most_bytes)

    def acknowledge(self, hub: str, sequences: Sequence[int], kept_at: float | None = None) -> None:
        """`hub` has these facts, or will never take them.

        `kept_at`: now by the wall clock, where it may ask for them again; None: it will not.

        :raises SpoolError: the disk is full or broken; they will be sent again
        """
        bit = self._bits[hub]
        numbers = [(bit, sequence) for sequence in sequences]
        with self._transaction():
            if kept_at is not None:
                keepsakes.keep(self._connection, bit, sequences, int(kept_at * 1e3))
            if bit == self._everybody:
                self._connection.executemany("DELETE FROM fact WHERE owed = ? AND sequence = ?", numbers)
                return
            self._connection.executemany("UPDATE fact SET owed = owed & ~? WHERE sequence = ?", numbers)
            self._connection.execute("DELETE FROM fact WHERE owed = 0")

    def owe_again(self, hub: str, monotonic: float) -> int:
        """`hub` may have lost what it took: it is owed again what is kept of that; how many facts.

        They are no longer fresh: most of them it has, and what it never had must not wait for that.

        :raises SpoolError: the disk is full or broken
        """
        new = self.fresh(hub, monotonic, 1, 1)
        with self._transaction():
            owed = keepsakes.owe_again(self._connection, self._bits[hub])
        self._again_below[hub] = new[0].sequence if new else self._next
        return owed

    def settled_below(self, hub: str) -> int:
        """`hub` is owed nothing with a lower number than this, and will not be."""
        with self._turn, self._named_errors():
            kept = keepsakes.lowest(self._connection, self._bits[hub])
            lowest = [
                self._connection.execute(
                    "SELECT sequence FROM fact WHERE owed = ? ORDER BY sequence LIMIT 1", (owed,)
                ).fetchone()
                for owed in self._owing(hub)
            ]
            found = [int(row[0]) for row in lowest if row is not None]
            return min(found if kept is None else [*found, kept], default=self._next)

    def waiting(self, hub: str) -> int:
        """How many facts `hub` has not got."""
        with self._turn, self._named_errors():
            places = self._owing(hub)
            (count,) = self._connection.execute(
                f"SELECT count(*) FROM fact WHERE owed IN ({_marks(places)})",  # noqa: S608  (question marks only)
                places,
            ).fetchone()
        return int(count)

    def shrink(self, now: float) -> thinning.Given | None:
        """Bring the spool within its bounds by one short step, and say what had to go; None: it is within.

        :raises SpoolError: the disk is full or broken
        """
        with self._transaction():
            keepsakes.forget(self._connection, int((now - self._keep_acknowledged_s) * 1e3))
            given = thinning.give_up_old(self._connection, int((now - self._most_age_s) * 1e3))
            if given is None and self._bytes() > self._most_bytes:
                keepsakes.forget(self._connection, int(now * 1e3))
                given = thinning.thin(self._connection) or thinning.give_up_oldest(self._connection)
            if given is not None:
                thinning.note(self._connection, given, tuple(self._bits.values()))
        with self._turn, self._named_errors():
            self._connection.execute("PRAGMA incremental_vacuum(1000)").fetchall()
        return given

    def losses(self, hub: str, most: int) -> list[tuple[int, Loss]]:
        """What was given up and `hub` has not been told of, oldest first, each with its key."""
        with self._turn, self._named_errors():
            return [
                (key, Loss(count=count, since=since / 1e3, until=until / 1e3, thinned=bool(thinned)))
                for key, count, since, until, thinned in self._connection.execute(
                    "SELECT id, count, since, until, thinned FROM loss WHERE hub = ? ORDER BY id LIMIT ?",
                    (self._bits[hub], most),
                )
            ]

    def told(self, keys: Sequence[int]) -> None:
        """Losses that their hub knows of now."""
        with self._transaction():
            self._connection.executemany("DELETE FROM loss WHERE id = ?", [(key,) for key in keys])

    def remember(self, name: str, text: str) -> None:
        """Keep a text for the next start."""
        with self._transaction():
            self._connection.execute("REPLACE INTO memo VALUES (?, ?)", (name, text))

    def recall(self, name: str) -> str | None:
        """The text that was kept by that name; None: there is none."""
        with self._turn, self._named_errors():
            row = self._connection.execute("SELECT text FROM memo WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        with self._turn:
            self._connection.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _boundary(self, hub: str, monotonic: float) -> int:
        """The first number that is fresh for a hub. Marks are a second apart, and so exact enough."""
        while self._marks and self._marks[0][0] <= monotonic - FRESH_S:
            self._marks.popleft()
        first = self._marks[0][1] if self._marks else self._next
        return max(first, self._again_below.get(hub, 0))

    def _pending(self, hub: str, relation: str, boundary: int, most: int, most_bytes: int) -> list[Kept]:
        places = self._owing(hub)
        # One range of the index for each combination of hubs that includes this one: a hub that is away for days
        # must not make the other's look-ups slow.
        found: list[Kept] = []
        for owed in places:
            found += (
                Kept(*row)
                for row in self._connection.execute(
                    f"SELECT sequence, body FROM fact WHERE owed = ? AND sequence {relation} ?"  # noqa: S608
                    " ORDER BY sequence LIMIT ?",
                    (owed, boundary, most),
                )
            )
        found.sort()
        return _within(found[:most], most_bytes)

    def _owing(self, hub: str) -> tuple[int, ...]:
        """The values of `owed` in which this hub's bit is set."""
        bit = self._bits[hub]
        return tuple(
            value for value in range(1, self._everybody + 1) if value & bit and not value & ~self._everybody
        )

    def _bytes(self) -> int:
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
        (size,) = self._connection.execute("PRAGMA page_size").fetchone()
        return int((pages - free) * size)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._turn, self._named_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                # On a full disk SQLite has rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise SpoolError(f"spool {self.path}: {error}") from error


def _within(found: list[Kept], most_bytes: int) -> list[Kept]:
    """The first facts that together stay within `most_bytes`, at least one."""
    total = 0
    for place, kept in enumerate(found):
        total += len(kept.body)
        if total > most_bytes and place:
            return found[:place]
    return found


def _marks(values: Sequence[int]) -> str:
    return ",".join("?" * len(values))
