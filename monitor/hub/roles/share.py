"""A partition's share of the diagnosis: an engine that speaks of its own targets, and saves as long as it may."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from monitor.bus.partition import VANTAGES, Partitions
from monitor.diagnose.fact import Fact
from monitor.diagnose.knowledge import Knowledge
from monitor.history import HistoryError, Notice
from monitor.history.tenure import Tenure
from monitor.hub.judging import Diagnosis
from monitor.model.incident import Incident, IncidentChange
from monitor.model.verdict import Verdict

RETRY_S = 2.0


class Share:
    """What a partition's engine says, without the faults of vantages where another partition names them."""

    def __init__(self, engine: Diagnosis, partition: int) -> None:
        self._engine = engine
        self._partition = partition

    def feed(self, facts: Sequence[Fact]) -> list[IncidentChange]:
        """Conclude from facts in the order in which they became known."""
        return self._own(self._engine.feed(facts))

    def advance(self, now: float) -> list[IncidentChange]:
        """Let time pass without facts."""
        return self._own(self._engine.advance(now))

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The latest verdict by target."""
        return self._engine.verdicts

    @property
    def uneasy(self) -> Mapping[str, float]:
        """Targets of which several vantages see something bad; since when."""
        return self._engine.uneasy

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """Its incidents that are not closed."""
        return tuple(one for one in self._engine.open_incidents if self.tells(one))

    def _own(self, changes: Sequence[IncidentChange]) -> list[IncidentChange]:
        return [change for change in changes if self.tells(change.incident)]

    def tells(self, incident: Incident) -> bool:
        """Whether it is this partition that speaks of an incident."""
        return incident.target is not None or self._partition == VANTAGES


def is_of(incident: Incident, partition: int, partitions: Partitions) -> bool:
    """Whether a partition's engine goes on with an incident of an earlier process.

    A vantage's is every partition's to know. One whose targets are watched no more is closed by the first
    partition.
    """
    if incident.target is None:
        return True
    homes = {partitions.place(target) for target in (incident.members or (incident.target,))} - {None}
    return partition in homes if homes else partition == VANTAGES


def share_of(knowledge: Knowledge, partition: int, partitions: Partitions) -> Knowledge:
    """What the engine of a partition is told: its targets, and the pace of all."""
    members = partitions.members(partition)
    intervals = [target.interval_s for target in knowledge.targets]
    intervals += [control.interval_s for control in knowledge.controls]
    return replace(
        knowledge,
        targets=tuple(target for target in knowledge.targets if target.name in members),
        shortest_s=min(intervals, default=None),
    )


class TenuredStore(Protocol):
    """What is needed of the history's writer."""

    def save_changes(
        self, changes: Sequence[IncidentChange], notices: Sequence[Notice], tenure: Tenure | None = None
    ) -> None:
        """Keep changes, if the tenure is still the newest."""
        ...


class Bench:
    """Saves a partition's changes under its tenure; while it rehearses it only holds them.

    `gone`: set when nobody waits for it any more, so that it gives up on a history that is away.
    """

    def __init__(self, store: TenuredStore, tenure: Tenure, gone: threading.Event, *, rehearses: bool) -> None:
        self._store = store
        self._tenure = tenure
        self._gone = gone
        self._held: list[IncidentChange] | None = [] if rehearses else None

    def save_changes(self, changes: Sequence[IncidentChange], notices: Sequence[Notice]) -> None:
        """Keep changes, however long that takes; messages are another role's.

        :raises TenureError: another process has the partition now
        :raises HistoryError: the history is broken for good, or nobody waits any more
        """
        if self._held is not None:
            self._held += changes
            return
        while True:
            try:
                self._store.save_changes(changes, notices, self._tenure)
                return
            except HistoryError as error:
                if not error.can_retry or self._gone.wait(RETRY_S):
                    raise
                structlog.get_logger("diagnose").warning("changes_not_kept_yet", error=str(error))

    def begin(self, *, with_held: bool) -> None:
        """The rehearsal is over; what was held is kept, which changes nothing that is known, or is dropped."""
        held, self._held = self._held or [], None
        if with_held and held:
            self.save_changes(held, ())
