"""The second half of a fact's way: what is stored is brought into order, judged, and what follows is stored.

    facts -> in order -> engine -> incident changes and their notices (one transaction)

Nothing is told that is not stored. After a crash the next start diagnoses again; changes and notices are
idempotent by their keys.

Synchronous, for one thread at a time; it knows neither sockets nor timers, and is told the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from monitor.diagnose.fact import Fact, known_at
from monitor.history.notice import Notice
from monitor.hub.fact_order import FactOrder
from monitor.model.incident import ChangeKind, Incident, IncidentChange
from monitor.model.verdict import Verdict

GRACE_S = 2.0
"""How long a fact waits for earlier ones. RIS Live is typically one to two seconds behind its routers."""

MOST_AHEAD_S = 300.0
"""Facts stamped further ahead of our clock than this are kept, but not concluded from."""


class ChangeStore(Protocol):
    """What is needed of the history's writer."""

    def save_changes(self, changes: Sequence[IncidentChange], notices: Sequence[Notice]) -> None:
        """Keep incident changes with the messages owed for them, in one transaction, durable on return."""
        ...


class Diagnosis(Protocol):
    """What the pipeline needs of the engine."""

    def feed(self, facts: Sequence[Fact]) -> list[IncidentChange]:
        """Conclude from facts in the order in which they became known."""
        ...

    def advance(self, now: float) -> list[IncidentChange]:
        """Let time pass without facts."""
        ...

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The latest verdict by target or sick vantage."""
        ...

    @property
    def uneasy(self) -> Mapping[str, float]:
        """Targets of which several vantages see something bad, with or without a verdict; since when."""
        ...

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """Incidents that are not closed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step of the pipeline did. `verdicts`, `uneasy` and `open_incidents` are the state after it.

    `subjects`: of the messages that are owed now for its changes.
    """

    stored: int
    changes: tuple[IncidentChange, ...]
    subjects: tuple[str, ...]
    verdicts: Mapping[str, Verdict]
    uneasy: Mapping[str, float]
    open_incidents: tuple[Incident, ...]


class Judge:
    """Concludes from stored facts; `notices_for` writes the messages that a change is worth."""

    def __init__(
        self,
        store: ChangeStore,
        engine: Diagnosis,
        notices_for: Callable[[IncidentChange], Sequence[Notice]],
        *,
        grace_s: float = GRACE_S,
    ) -> None:
        self._store = store
        self._engine = engine
        self._notices_for = notices_for
        self._grace_s = grace_s
        self._order = FactOrder()
        self._log = structlog.get_logger("hub")

    def replace(self, engine: Diagnosis) -> None:
        """Go on with an engine of a new configuration, already warmed up; waiting facts are fed to it."""
        self._engine = engine

    def conclude(self, facts: Sequence[Fact], stored: int, now: float) -> Step:
        """Conclude from what is stored, as far as it became known a grace ago; `stored`: how many facts were.

        :raises HistoryError: the store is broken or full; the changes are lost with their notices
        """
        late = self._order.late
        self._order.push(self._without_the_future(facts, now))
        if self._order.late > late:
            self._log.debug("facts_fed_late", facts=self._order.late - late)
        return self._conclude(now - self._grace_s, stored)

    def finish(self, now: float) -> Step:
        """Conclude from the facts that still wait, at the end of a run."""
        return self._conclude(now, 0)

    def _without_the_future(self, facts: Sequence[Fact], now: float) -> Sequence[Fact]:
        """The facts but those that would wait here for ever, for a stamp ahead of our clock is false.

        Said once a batch: when it is our clock that is behind, this is every route that a feed brings.
        """
        ahead = [fact for fact in facts if known_at(fact) > now + MOST_AHEAD_S]
        if not ahead:
            return facts
        ahead_s = round(max(map(known_at, ahead)) - now, 1)
        self._log.warning("facts_from_the_future", facts=len(ahead), ahead_s=ahead_s, first=repr(ahead[0])[:200])
        return [fact for fact in facts if known_at(fact) <= now + MOST_AHEAD_S]

    def _conclude(self, until: float, stored: int) -> Step:
        changes = [*self._engine.feed(self._order.release(until)), *self._engine.advance(until)]
        notices = [notice for change in changes for notice in self._written(change)]
        if changes:
            self._store.save_changes(changes, notices)
        for change in changes:
            self._say(change)
        return Step(
            stored=stored,
            changes=tuple(changes),
            subjects=tuple(dict.fromkeys(notice.subject for notice in notices)),
            verdicts=dict(self._engine.verdicts),
            uneasy=dict(self._engine.uneasy),
            open_incidents=self._engine.open_incidents,
        )

    def _written(self, change: IncidentChange) -> Sequence[Notice]:
        try:
            return self._notices_for(change)
        except Exception:
            # A defect in how a message is written must not end the monitor in the middle of an incident.
            self._log.exception("notice_not_written", incident=change.incident.id, sequence=change.sequence)
            return ()

    def _say(self, change: IncidentChange) -> None:
        incident = change.incident
        told = self._log.debug if change.kind is ChangeKind.UPDATED else self._log.warning
        told(
            f"incident_{change.kind}",
            incident=incident.id,
            target=incident.target,
            cause=incident.cause.value,
            previous=change.previous_cause.value if change.previous_cause else None,
            confidence=round(incident.confidence, 3),
            suspected=incident.suspected,
            affected=",".join(incident.affected),
        )
