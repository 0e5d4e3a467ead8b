"""What a vantage sends to be kept, and what became of it.

(vantage, sequence) is a fact's name for ever: a shipment that comes twice, late or in pieces changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.history.resolution import MAX_WALL_S
from monitor.model import RouteFact
from probes.observation import Observation

MOST_SEQUENCE = 2**63 - 1
"""SQLite's largest integer."""


class Refusal(NamedTuple):
    """A fact that is not kept and never will be."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Facts of one vantage with the numbers that it gave them, from 1 on, in any order and with any gaps.

    `received_at` is by our clock, `sent_at` by the vantage's (None: it did not say). `refused`: facts that
    the caller keeps out; their numbers are settled with the rest, so that nobody sends them again.
    `settled_below`: the vantage has nothing left with a lower number, whether it was sent or given up; it
    lets the gaps below be forgotten. `late`: from a backlog, so what is fresh goes first.

    :raises ValueError: a number is outside 1..2**63-1, or a time outside the years that can be kept
    """

    vantage: str
    received_at: float
    facts: Sequence[tuple[int, Observation]]
    refused: Sequence[Refusal] = ()
    sent_at: float | None = None
    settled_below: int = 1
    late: bool = False

    def __post_init__(self) -> None:
        for number in (*(number for number, _ in self.facts), *(number for number, _ in self.refused)):
            if not 1 <= number <= MOST_SEQUENCE:
                raise ValueError(f"a fact's number {number} is outside 1..2**63-1")
        if not 1 <= self.settled_below <= MOST_SEQUENCE:
            raise ValueError(f"settled_below {self.settled_below} is outside 1..2**63-1")
        for at in (self.received_at, self.sent_at):
            if at is not None and not 0.0 <= at <= MAX_WALL_S:
                raise ValueError(f"a shipment's time {at!r} s is outside 0..{MAX_WALL_S:.0f} (years 1970 to 9999)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Facts of one of the hub's own sources, such as its feeds, that are kept together and once.

    `number`: from 1 on, never given twice by `source`, whose name begins with `~` as no vantage's may.

    :raises ValueError: the number is outside 1..2**63-1, or the name is a vantage's
    """

    source: str
    number: int
    facts: tuple[Observation | RouteFact, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MOST_SEQUENCE:
            raise ValueError(f"a dispatch's number {self.number} is outside 1..2**63-1")
        if not self.source.startswith("~"):
            raise ValueError(f"the source {self.source[:64]!r} of a dispatch does not begin with ~")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a shipment; all of it is settled, and the vantage may forget it.

    `fresh`: kept now, in the order of the shipment. `repeated`: how many were settled before. `refused`: the
    caller's and the store's own, without those that were settled before.
    """

    fresh: tuple[Observation, ...]
    repeated: int
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """What is known of a vantage that ships. Times are Unix seconds of our clock.

    `clock_ahead_s`: how far its clock is ahead of ours (negative: behind), at least; None: it never said. The
    fastest shipment of the last minutes decides, and its way here makes a clock look that much behind.
    `refusal`: why the last refused fact was.
    """

    vantage: str
    received_at: float
    clock_ahead_s: float | None
    shipments: int
    facts: int
    repeated: int
    refused: int
    refusal: str | None
