"""What is known now, one row a target and vantage: the state behind the live status and `whydown status`.

Pure: fed with the same facts as the engine, in any order, and asked for rows. It draws nothing and
concludes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.diagnose.fact import Fact
from monitor.model.route import FeedState, FeedTally
from probes import HttpObservation, NotMeasured
from probes.observation import completed_at

ROUNDS_SHOWN = 20
"""Rounds whose outcome a row remembers."""


@dataclass(slots=True)
class Row:
    """One target at one vantage. `outcomes`: of the newest rounds, oldest first; None: not measured."""

    target: str
    vantage: str
    last: HttpObservation | None = None
    outcomes: deque[bool | None] = field(default_factory=lambda: deque(maxlen=ROUNDS_SHOWN))

    @property
    def failures(self) -> int:
        """How many of the rounds remembered have failed."""
        return sum(outcome is False for outcome in self.outcomes)

    @property
    def measured(self) -> int:
        """How many of the rounds remembered took place."""
        return sum(outcome is not None for outcome in self.outcomes)


class Board:
    """Rows by (target, vantage) and feeds by name."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}
        self.feeds: dict[str, FeedState] = {}
        self.tallies: dict[str, FeedTally] = {}
        """What each feed counted, all of it together."""
        self.newest_at: float | None = None
        """When the newest observation was complete, Unix seconds; None before the first."""

    def see(self, facts: Iterable[Fact]) -> None:
        """Take facts into account."""
        for fact in facts:
            if isinstance(fact, FeedState):
                self.feeds[fact.source] = fact
            elif isinstance(fact, FeedTally):
                before = self.tallies.get(fact.source)
                self.tallies[fact.source] = fact if before is None else before.joined(fact)
            elif isinstance(fact, HttpObservation):
                self._see_exchange(fact)
            elif isinstance(fact, NotMeasured) and fact.probe == "http":
                self._row(fact.target, fact.vantage).outcomes.append(None)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows, by target and vantage in order of their names."""
        return tuple(self._rows[key] for key in sorted(self._rows))

    def keep_targets(self, names: Iterable[str]) -> None:
        """Forget the rows of all other targets, after a reload."""
        kept = frozenset(names)
        for key in [key for key in self._rows if key[0] not in kept]:
            del self._rows[key]

    def _see_exchange(self, seen: HttpObservation) -> None:
        row = self._row(seen.target, seen.vantage)
        row.outcomes.append(seen.failure is None)
        complete_at = completed_at(seen)
        if row.last is None or complete_at >= completed_at(row.last):
            row.last = seen
        self.newest_at = complete_at if self.newest_at is None else max(self.newest_at, complete_at)

    def _row(self, target: str, vantage: str) -> Row:
        return self._rows.setdefault((target, vantage), Row(target, vantage))
