"""Incidents of several targets that blame the same, joined into one. Pure; the engine calls it once a moment.

Every target keeps an incident of its own (`tracker`), which is what its next verdict is judged by. Here those are
put together: two that are of one kind and blame a thing in common are shares of one incident, with one id, one
opening and one close. A share comes when a target's trouble opens, or gets the cause that the others have; it goes
when it gets another cause. A target that is well again stays a member until the incident closes.

An incident that turns out to be a share of an older one is closed for it and says so in `joined`. All happens at a
moment of judgement and in the order of targets, so that it does not depend on how facts are cut into chunks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from monitor.diagnose.tracker import identify, rank
from monitor.model.incident import ChangeKind, Incident, IncidentChange, by_member, share_of
from monitor.model.verdict import Cause

_UPSTREAM = (Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN)
"""Seen from those who depend on it, an overloaded and a dead server look alike at first."""


@dataclass(slots=True)
class _Linked:
    """One incident: its targets' own ones in the order in which they came. `told`: as it was last reported."""

    id: str
    cases: dict[str, Incident]
    sequence: int = 0
    told: Incident | None = None
    touched: bool = True

    @property
    def open_cases(self) -> dict[str, Incident]:
        return {target: case for target, case in self.cases.items() if case.closed_at is None}


class Linker:
    """The incidents of all targets, joined by what they blame."""

    def __init__(self) -> None:
        self._linked: list[_Linked] = []

    @property
    def open_incidents(self) -> list[Incident]:
        """Those that are open, oldest first."""
        return [linked.told for linked in self._linked if linked.told is not None]

    def resume(self, incident: Incident, sequence: int, watched: Collection[str]) -> list[Incident]:
        """Go on with an incident of an earlier process.

        Gives the open ones of its targets that are still watched; none: nobody would see it end.
        """
        members = by_member(incident)
        cases = {own.target: own for own in members if own.target is not None and own.target in watched}
        linked = _Linked(incident.id, cases, sequence, incident, touched=False)
        if linked.open_cases:
            self._linked.append(linked)
        return list(linked.open_cases.values())

    def take(self, changes: Sequence[IncidentChange], now: float) -> list[IncidentChange]:
        """The targets' own changes of one moment, as changes of the joined incidents."""
        for change in changes:
            self._hold(change.incident)
        for linked in [linked for linked in self._linked if linked.touched]:
            self._linked += _split_off(linked, now)
        ended = [change for linked in self._touched() for change in self._merged(linked, now)]
        told = [_tell(linked, now) for linked in self._touched()]
        self._linked = [linked for linked in self._linked if linked.open_cases]
        return ended + [change for change in told if change is not None]

    def _touched(self) -> list[_Linked]:
        return [linked for linked in self._linked if linked.touched]

    def _hold(self, case: Incident) -> None:
        """Keep a target's own incident where an earlier state of it is, or by itself."""
        target = case.target or ""
        for linked in self._linked:
            held = linked.cases.get(target)
            if held is not None and held.id == case.id:
                linked.cases[target] = case
                linked.touched = True
                return
        self._linked.append(_Linked(case.id, {target: case}))

    def _merged(self, linked: _Linked, now: float) -> Iterator[IncidentChange]:
        """Merge it with those that blame the same; gives the end of each that was reported and is no more."""
        while linked in self._linked:
            others = [other for other in self._linked if other is not linked and _blame_the_same(linked, other)]
            if not others:
                return
            kept, lost = sorted((linked, others[0]), key=lambda one: (not _tells_it(one), self._linked.index(one)))
            kept.cases |= lost.cases
            kept.touched = True
            self._linked.remove(lost)
            if lost.told is not None:
                ended = replace(lost.told, closed_at=now, updated_at=now, joined=kept.id)
                yield IncidentChange(kind=ChangeKind.CLOSED, at=now, sequence=lost.sequence + 1, incident=ended)
            linked = kept


def _split_off(linked: _Linked, now: float) -> list[_Linked]:
    """Take out the targets that no longer blame what the rest blames. The story that was told keeps its id."""
    parts: list[dict[str, Incident]] = []
    for target, case in linked.open_cases.items():
        like = [part for part in parts if any(_alike(case, other) for other in part.values())]
        joined = {name: one for part in like for name, one in part.items()} | {target: case}
        parts = [part for part in parts if part not in like] + [joined]
    if len(parts) < 2:
        return []
    told = linked.told.cause if linked.told is not None else None
    stays = max(parts, key=lambda part: (any(case.cause is told for case in part.values()), len(part)))
    gone = [part for part in parts if part is not stays]
    linked.cases = {name: case for name, case in linked.cases.items() if not any(name in part for part in gone)}
    return [_Linked(identify(next(iter(part)), now), part) for part in gone]


def _blame_the_same(one: _Linked, other: _Linked) -> bool:
    return any(_alike(a, b) for a in one.open_cases.values() for b in other.open_cases.values())


def _alike(one: Incident, other: Incident) -> bool:
    same_kind = one.cause is other.cause or (one.cause in _UPSTREAM and other.cause in _UPSTREAM)
    return same_kind and not set(one.blames).isdisjoint(other.blames)


def _tells_it(linked: _Linked) -> bool:
    """Whether people were told of it under the cause that it has."""
    return linked.told is not None and linked.told.cause is _cause(linked)


def _cause(linked: _Linked) -> Cause:
    """What most of its targets have; of equally many what was told before, then the first one's."""
    cases = linked.open_cases or linked.cases
    counts = Counter(case.cause for case in cases.values())
    told = linked.told.cause if linked.told is not None else None
    return max(counts, key=lambda cause: (counts[cause], cause is told))


def _tell(linked: _Linked, now: float) -> IncidentChange | None:
    """What became of an incident since it was last reported; None: nothing that shows."""
    incident, told = _put_together(linked, now), linked.told
    linked.touched = False
    previous = None
    if told is None:
        kind = ChangeKind.OPENED
    elif incident.closed_at is not None:
        kind = ChangeKind.CLOSED
    elif incident.cause is not told.cause or (told.suspected and not incident.suspected):
        kind, previous = ChangeKind.CAUSE_CHANGED, told.cause
    elif replace(incident, updated_at=told.updated_at) == told:
        return None
    else:
        kind = ChangeKind.UPDATED
    linked.told = incident
    linked.sequence += 1
    return IncidentChange(kind=kind, at=now, sequence=linked.sequence, incident=incident, previous_cause=previous)


def _put_together(linked: _Linked, now: float) -> Incident:
    """The incident as its targets' own ones make it: the strongest tells the story."""
    cases, told = linked.cases, linked.told
    cause = _cause(linked)
    leader = max((case for case in cases.values() if case.cause is cause), key=rank)
    opened_at = told.opened_at if told is not None else min(case.opened_at for case in cases.values())
    named_at = min(case.named_at for case in cases.values() if case.cause is cause)
    if told is not None:
        named_at = told.named_at if told.cause is cause else now
    several = len(cases) > 1
    return replace(
        leader,
        id=linked.id,
        target=next(iter(cases)),
        opened_at=opened_at,
        named_at=max(named_at, opened_at),
        closed_at=None if linked.open_cases else max(case.closed_at or now for case in cases.values()),
        affected=tuple(sorted({vantage for case in cases.values() for vantage in case.affected})),
        networks=tuple(sorted({network for case in cases.values() for network in case.networks})),
        vantages=max(case.vantages for case in cases.values()),
        members=tuple(cases) if several else (),
        shares=tuple(share_of(case, target) for target, case in cases.items()) if several else (),
        blames=tuple(sorted({blamed for case in cases.values() for blamed in case.blames})),
        started_at=min([opened_at, *(case.started_at for case in cases.values() if case.started_at is not None)]),
        updated_at=max(case.updated_at for case in cases.values()),
    )
