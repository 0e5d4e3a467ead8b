"""What is, beside what readers were told: from the difference follows what to tell now. Pure; time is a value.

Theory of operation. A page of the ledger holds an incident's state and what was told of it last. When they differ,
that is news; whether it is told now or kept is asked again whenever something changes and every few seconds. So
what was kept (quiet hours, maintenance, too few vantages, a target that comes and goes) is told as soon as its
reason is gone, if it is news still, and of an incident that came and went meanwhile nobody is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from monitor.alert.calendar import is_during, is_maintained
from monitor.alert.urgency import ATTACKS, has_quorum, is_urgent, targets_of
from monitor.model import Cause, ChangeKind, Incident, IncidentChange
from monitor.model.alert_policy import AlertPolicy, Severity
from monitor.report.moment import zone

FORGET_S = 86_400.0
"""How long a closed incident stays in the ledger: its closing mail may have to wait for the morning."""

MOST_PAGES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What readers know: the cause, whether it was only suspected, whether it is over; and when they were told."""

    at: float
    cause: Cause
    suspected: bool
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An incident with the sequence of its last change, and what was told of it; None: nothing yet.

    `cause`, `suspected`: as the last change that is worth a word has them.
    """

    incident: Incident
    sequence: int
    cause: Cause
    suspected: bool
    told: Told | None = None


class Kept(StrEnum):
    """Why news is not told yet."""

    MAINTENANCE = "maintenance"
    QUORUM = "quorum"
    QUIET = "quiet"
    FLAPPING = "flapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the configuration says of telling: the policy, and what targets ask for."""

    policy: AlertPolicy
    timezone: str = "UTC"
    severities: Mapping[str, Severity] = field(default_factory=dict)
    quorums: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One thing to tell now. `reminder`: nothing changed; `times`: how often it began lately, if too often."""

    change: IncidentChange
    reminder: bool = False
    times: int | None = None


class Ledger:
    """All that is open, or was until lately."""

    def __init__(self, pages: Iterable[Page] = ()) -> None:
        self._pages = {page.incident.id: page for page in pages}

    def __len__(self) -> int:
        return len(self._pages)

    def enter(self, change: IncidentChange) -> None:
        """Note what is now."""
        before = self._pages.get(change.incident.id)
        if before is None or change.kind is not ChangeKind.UPDATED:
            cause, suspected = change.incident.cause, change.incident.suspected
        else:
            cause, suspected = before.cause, before.suspected
        told = before.told if before is not None else None
        self._pages[change.incident.id] = Page(
            incident=change.incident, sequence=change.sequence, cause=cause, suspected=suspected, told=told
        )

    def tell(self, wishes: Wishes, now: float) -> list[Telling]:
        """What is to be told at `now`, which is taken for told from here on."""
        found: list[Telling] = []
        for page in tuple(self._pages.values()):
            telling = self._telling(page, wishes, now)
            if telling is not None and self.kept(page, wishes, now) is None:
                found.append(telling)
                self._pages[page.incident.id] = replace(page, told=_as_told(page, now))
        self._forget(now)
        return found

    def kept(self, page: Page, wishes: Wishes, now: float) -> Kept | None:
        """Why nothing of this page is told now; None: it may be."""
        incident, policy = page.incident, wishes.policy
        if incident.cause not in ATTACKS and is_maintained(policy.maintenance, targets_of(incident), now):
            return Kept.MAINTENANCE
        if page.told is None and not has_quorum(incident, wishes.quorums):
            return Kept.QUORUM
        is_quiet = policy.quiet is not None and is_during(policy.quiet, now, zone(wishes.timezone))
        if is_quiet and not is_urgent(incident, wishes.severities):
            return Kept.QUIET
        if self._begun(page, policy, now) > policy.flapping.times and not self._has_settled(page, policy, now):
            return Kept.FLAPPING
        return None

    def _telling(self, page: Page, wishes: Wishes, now: float) -> Telling | None:
        told, remind_s = page.told, wishes.policy.remind_s
        if (kind := _news(page)) is not None:
            times = self._begun(page, wishes.policy, now)
            often = times if times > wishes.policy.flapping.times else None
            previous = told.cause if told is not None and kind is ChangeKind.CAUSE_CHANGED else None
            return Telling(change=_change(page, kind, now, previous), times=often)
        is_open = told is not None and page.incident.closed_at is None
        if told is not None and is_open and remind_s is not None and now - told.at >= remind_s:
            return Telling(change=_change(page, ChangeKind.OPENED, now, None), reminder=True)
        return None

    def _begun(self, page: Page, policy: AlertPolicy, now: float) -> int:
        """How often trouble of the same target (or vantage) began lately."""
        return sum(
            _name(other.incident) == _name(page.incident)
            and now - policy.flapping.within_s < other.incident.opened_at <= now
            for other in self._pages.values()
        )

    def _has_settled(self, page: Page, policy: AlertPolicy, now: float) -> bool:
        """Whether the page's state has lasted; it is not over for long where the next one is open already."""
        closed_at = page.incident.closed_at
        since = page.incident.opened_at if closed_at is None else closed_at
        again = closed_at is not None and any(
            other.incident.closed_at is None and _name(other.incident) == _name(page.incident)
            for other in self._pages.values()
        )
        return not again and now - since >= policy.flapping.settle_s

    def _forget(self, now: float) -> None:
        """Close the pages that have nothing more to tell."""
        over = [
            key
            for key, page in self._pages.items()
            if page.incident.closed_at is not None and now - page.incident.closed_at > FORGET_S
        ]
        over += list(self._pages)[: max(len(self._pages) - len(over) - MOST_PAGES, 0)]
        for key in over:
            self._pages.pop(key, None)


def _news(page: Page) -> ChangeKind | None:
    """What the readers do not know yet."""
    told, closed = page.told, page.incident.closed_at is not None
    if told is None:
        return None if closed or page.cause is Cause.INSUFFICIENT else ChangeKind.OPENED
    if closed:
        return None if told.closed else ChangeKind.CLOSED
    if (told.cause, told.suspected) != (page.cause, page.suspected):
        return ChangeKind.CAUSE_CHANGED
    return None


def _change(page: Page, kind: ChangeKind, now: float, previous: Cause | None) -> IncidentChange:
    return IncidentChange(
        kind=kind, at=now, sequence=page.sequence, incident=page.incident, previous_cause=previous
    )


def _as_told(page: Page, now: float) -> Told:
    return Told(at=now, cause=page.cause, suspected=page.suspected, closed=page.incident.closed_at is not None)


def _name(incident: Incident) -> tuple[str, ...]:
    return (incident.target,) if incident.target is not None else ("", *incident.affected)
