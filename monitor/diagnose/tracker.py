"""Hysteresis: verdicts of one target (or vantage) joined into incidents.

An incident opens when trouble was seen at `OPEN_TICKS` moments in a row, changes its cause only on a clear
and repeated margin while the trouble is not already receding, and closes after clean rounds. The engine
calls `update` once a tick with that moment's verdict; time comes from the verdict.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log

from msgspec.structs import replace

from monitor.diagnose.rules import RULES_VERSION
from monitor.diagnose.shown_change import shows_detour, was_traced
from monitor.model.incident import ChangeKind, Incident, IncidentChange
from monitor.model.verdict import Cause, Detail, HijackEffect, Verdict

OPEN_TICKS = 2
"""Moments in a row with a named cause before an incident opens."""

OPEN_TICKS_UNNAMED = 3
"""The same while no cause can be named: more evidence usually comes soon."""

CHANGE_TICKS = 2
CHANGE_MARGIN = 0.25
CHANGE_CONFIDENCE = 0.6
"""A cause gives way to another only when that leads by the margin, is this likely, and stays so."""

UNWIND_S = 120.0
"""So long, and `CLOSE_ROUNDS`, another cause must lead before a hijack that both planes show gives way to it, but
where the space was moved, and rightly. What was seen of the stranger stays true; what is seen while his routes are
taken back is a longer way, or a server in a hurry."""

CHANGE_SHARE = 0.75
"""Fewer affected than this share of its peak, and the trouble is going: what is left tells of its end."""

NAME_SHARE = 0.3
"""The same for trouble that has no name yet: the last one of ten to be slow does not name what all ten had."""

SURE, LATE_S = 0.8, 240.0
"""What was told so surely, and for so long, was so. When the server is well again and those who had to go a longer
way are not, the longer way is no better name for what the server did."""

_SERVERS = (Cause.SERVER_OVERLOAD, Cause.SERVER_DOWN, Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN)
_WAYS = (Cause.ROUTE_CHANGE, Cause.PATH_CONGESTION)
_OF_SERVERS = ("http.think_time", "http.shedding", "http.turned_away", "http.gateway", "http.wrong_answer")
MANY = 0.5

EVEN = 0.5
"""Below it something else is likelier."""

LEAST = 1e-4
"""A probability that is taken for no smaller."""

CLOSE_ROUNDS = 2.0
"""Clean probing rounds before an incident closes, after its views are no longer bad."""

QUIET_S, MOST_QUIET_ROUNDS = 180.0, 18.0
"""So long, or so many rounds where they are short, it rests before its end is told. Queues fill and drain, routes
flap and links are full in bursts, with some minutes between: to people that is one trouble, and one message."""

CONFIDENCE_STEP = 0.15
"""A change of confidence that is worth recording as an update."""


@dataclass(slots=True)
class _Open:
    incident: Incident
    sequence: int
    strongest: Verdict
    peak: int
    challenger: Cause | None = None
    challenges: int = 0
    challenged_at: float = 0.0
    clean_since: float | None = None
    over_at: float | None = None


class Tracker:
    """The incident, if any, of one target or vantage. `subject` names it in the incident's id.

    `quiet_s`: how long one that is over rests before that is told. What comes back meanwhile is the same incident;
    another cause ends it, and is one of its own.
    """

    def __init__(self, subject: str, target: str | None, round_s: float, quiet_s: float = 0.0) -> None:
        self._subject = subject
        self._target = target
        self._clean_s = CLOSE_ROUNDS * round_s
        self._quiet_s = min(quiet_s, MOST_QUIET_ROUNDS * round_s)
        self._streak = 0
        self._open: _Open | None = None

    @property
    def incident(self) -> Incident | None:
        """The incident that goes on; None while it rests."""
        return self._open.incident if self._open is not None and self._open.over_at is None else None

    @property
    def told(self) -> Incident | None:
        """The incident that was opened and not yet closed, be it that it rests."""
        return self._open.incident if self._open is not None else None

    @property
    def rests_since(self) -> float | None:
        """When the incident was over whose end is not yet told; None: there is none such."""
        return self._open.over_at if self._open is not None else None

    def resume(self, incident: Incident, sequence: int, rests_since: float | None = None) -> None:
        """Go on with an incident that an earlier process opened; `sequence` is its last change."""
        strongest = Verdict(
            at=incident.updated_at,
            target=incident.target,
            cause=incident.cause,
            # One without evidence is a share of a linked incident: the next verdict brings its own.
            confidence=incident.confidence if incident.evidence else 0.0,
            suspected=incident.suspected,
            detail=incident.detail,
            affected=incident.affected,
            networks=incident.networks,
            vantages=incident.vantages,
            blames=incident.blames,
            evidence=incident.evidence,
            runner_up=incident.runner_up,
            missing=incident.missing,
        )
        self._open = _Open(incident, sequence, strongest, len(incident.affected), over_at=rests_since)

    def update(
        self, verdict: Verdict, started_at: float, *, settled: bool = True, receding: bool = False
    ) -> tuple[IncidentChange, ...]:
        """Take one moment's verdict and give what changed.

        `started_at`: when its trouble began. `settled`: every view has been good for long enough, so that
        the incident may close. `receding`: the trouble is going, so that no other cause is named for it.
        """
        bad = verdict.cause is not Cause.OK and bool(verdict.evidence)
        state = self._open
        if state is None or state.over_at is not None:
            self._streak = self._streak + 1 if bad else 0
            if self._streak >= _ticks_to_open(verdict):
                return self._begin(verdict, started_at, receding)
            return () if state is None else self._rest(state, verdict.at)
        if not bad:
            return self._consider_closing(state, verdict, settled)
        state.clean_since = None
        return self._consider_change(state, verdict, receding)

    def _begin(self, verdict: Verdict, started_at: float, receding: bool) -> tuple[IncidentChange, ...]:
        """Trouble: a new incident, or the one that rests, where its cause is back or may be."""
        self._streak = 0
        state = self._open
        if state is None:
            return (self._opened(verdict, started_at),)
        rival = verdict.runner_up.cause if verdict.runner_up is not None else None
        if state.incident.cause in (verdict.cause, rival) or verdict.cause is Cause.INSUFFICIENT:
            state.over_at = state.clean_since = None
            return self._consider_change(state, verdict, receding)
        return self._close(state, verdict.at), self._opened(verdict, started_at)

    def _opened(self, verdict: Verdict, started_at: float) -> IncidentChange:
        incident = Incident(
            id=identify(self._subject, verdict.at),
            target=self._target,
            cause=verdict.cause,
            detail=verdict.detail,
            confidence=verdict.confidence,
            suspected=verdict.suspected,
            opened_at=verdict.at,
            named_at=verdict.at,
            closed_at=None,
            affected=verdict.affected,
            networks=verdict.networks,
            vantages=verdict.vantages,
            blames=verdict.blames,
            evidence=verdict.evidence,
            runner_up=verdict.runner_up,
            missing=verdict.missing,
            started_at=min(started_at, verdict.at),
            updated_at=verdict.at,
            rules_version=RULES_VERSION,
        )
        self._open = _Open(incident, 1, verdict, len(verdict.affected))
        return IncidentChange(kind=ChangeKind.OPENED, at=verdict.at, sequence=1, incident=incident)

    def _consider_closing(self, state: _Open, verdict: Verdict, settled: bool) -> tuple[IncidentChange, ...]:
        if verdict.cause is not Cause.OK or not settled:
            state.clean_since = None  # Nobody measures, or it may be chance: silence and luck are not health.
            return ()
        if state.clean_since is None:
            state.clean_since = verdict.at
        if verdict.at - state.clean_since < self._clean_s:
            return ()
        state.over_at = verdict.at
        self._streak = 0
        return self._rest(state, verdict.at)

    def _rest(self, state: _Open, now: float) -> tuple[IncidentChange, ...]:
        """Tell the end of one that is over as soon as it has rested long enough."""
        if state.over_at is None or now - state.over_at < self._quiet_s:
            return ()
        return (self._close(state, now),)

    def _close(self, state: _Open, now: float) -> IncidentChange:
        """The end, as of when it was over, however much later that is told."""
        self._open = None
        incident = replace(state.incident, closed_at=state.over_at, updated_at=now)
        return IncidentChange(kind=ChangeKind.CLOSED, at=now, sequence=state.sequence + 1, incident=incident)

    def _consider_change(self, state: _Open, verdict: Verdict, receding: bool) -> tuple[IncidentChange, ...]:
        previous = state.incident.cause
        if verdict.cause is previous:
            state.challenger, state.challenges = None, 0
            return self._strengthen(state, verdict)
        if receding or not self._clearly_better(state, verdict):
            state.challenger, state.challenges = None, 0
            return self._widen(state, verdict)
        if state.challenger is not verdict.cause:
            state.challenger, state.challenges, state.challenged_at = verdict.cause, 0, verdict.at
        state.challenges += 1
        if state.challenges < CHANGE_TICKS or verdict.at - state.challenged_at < self._unwinding_s(state, verdict):
            return ()
        state.challenger, state.challenges = None, 0
        if _is_another_trouble(state, verdict):
            state.over_at = verdict.at
            return self._close(state, verdict.at), self._opened(verdict, verdict.at)
        state.strongest = verdict
        incident = replace(_with(state.incident, verdict), named_at=verdict.at)
        return (self._emit(state, ChangeKind.CAUSE_CHANGED, incident, verdict.at, previous),)

    def _unwinding_s(self, state: _Open, verdict: Verdict) -> float:
        """How long another cause must lead before the present one gives way to it."""
        told = state.incident
        confirmed = told.cause is Cause.ROUTE_HIJACK and (not told.suspected or _joined(told) > 0)
        return UNWIND_S + self._clean_s if confirmed and verdict.cause is not Cause.ROUTE_MOVED else 0.0

    def abandon(self, at: float, why: str) -> IncidentChange | None:
        """End the open incident, if any, though nobody saw it end; `missing` then says why."""
        state, self._open = self._open, None
        return None if state is None else abandoned(state.incident, state.sequence, at, why)

    @staticmethod
    def _clearly_better(state: _Open, verdict: Verdict) -> bool:
        """Whether another cause leads clearly, while the trouble is not receding.

        What was confirmed on both planes gives way to no weaker story while it fades.
        """
        if verdict.cause is Cause.INSUFFICIENT:
            return _is_refuted(state.strongest, verdict)
        unnamed = state.incident.cause is Cause.INSUFFICIENT
        # Where nobody ever was affected, nobody needs to be: a late ROA makes a strange origin rightful.
        share = NAME_SHARE if unnamed else CHANGE_SHARE
        needed = max(1.0, share * state.peak) if state.peak else 0.0
        if len(verdict.affected) < needed and verdict.cause is not Cause.ROUTE_HIJACK:
            return False
        if unnamed:
            return True
        if verdict.confidence < CHANGE_CONFIDENCE:
            return False
        left = verdict.runner_up.confidence if verdict.runner_up is not None else 0.0
        return verdict.confidence - left >= CHANGE_MARGIN

    def _strengthen(self, state: _Open, verdict: Verdict) -> tuple[IncidentChange, ...]:
        """Take a stronger verdict of the same cause; record it when a reader would notice the difference."""
        if rank(verdict) <= rank(state.strongest):
            return self._widen(state, verdict)
        before, shown = state.strongest, state.incident
        state.strongest = verdict
        incident = _with(state.incident, verdict)
        confirmed = before.suspected and not verdict.suspected
        if confirmed:
            return (self._emit(state, ChangeKind.CAUSE_CHANGED, incident, verdict.at, before.cause),)
        noticeable = (
            verdict.detail != shown.detail
            or incident.affected != shown.affected
            or _joined(verdict) > _joined(shown)
            or verdict.confidence - shown.confidence >= CONFIDENCE_STEP
        )
        if noticeable:
            return (self._emit(state, ChangeKind.UPDATED, incident, verdict.at, None),)
        return self._widen(state, verdict)

    def _widen(self, state: _Open, verdict: Verdict) -> tuple[IncidentChange, ...]:
        """Add newly affected vantages, and another way when one is first seen, whatever the moment's verdict."""
        affected = tuple(sorted({*state.incident.affected, *verdict.affected}))
        networks = tuple(sorted({*state.incident.networks, *verdict.networks}))
        state.peak = max(state.peak, len(verdict.affected))
        detail = _with_way(state.incident.detail, verdict.detail)
        if affected == state.incident.affected and detail == state.incident.detail:
            return ()
        vantages = max(state.incident.vantages, verdict.vantages)
        incident = replace(
            state.incident,
            detail=detail,
            affected=affected,
            networks=networks,
            vantages=vantages,
            updated_at=verdict.at,
        )
        return (self._emit(state, ChangeKind.UPDATED, incident, verdict.at, None),)

    @staticmethod
    def _emit(
        state: _Open, kind: ChangeKind, incident: Incident, at: float, previous: Cause | None
    ) -> IncidentChange:
        state.incident = incident
        state.sequence += 1
        state.peak = max(state.peak, len(incident.affected))
        return IncidentChange(
            kind=kind, at=at, sequence=state.sequence, incident=incident, previous_cause=previous
        )


def _with_way(told: Detail, seen: Detail) -> Detail:
    """What was told, with the way that packets were seen to take since, where none was told."""
    return told if told.new_path else replace(told, old_path=seen.old_path, new_path=seen.new_path)


def _is_another_trouble(state: _Open, verdict: Verdict) -> bool:
    """Whether what is seen now is not what the incident told of for minutes, and for sure, but came beside it."""
    told = state.strongest
    sure = told.cause in _SERVERS and told.confidence >= SURE and verdict.at - state.incident.named_at >= LATE_S
    return sure and verdict.cause in _WAYS and _shows_server(told) and not _shows_server(verdict)


def _is_refuted(told: Verdict, verdict: Verdict) -> bool:
    """Whether a host that was told to be down, before anything was known of the way to it, may not be reached at
    all: packets go another way, and nothing speaks for the host any more.
    """
    leading = verdict.runner_up
    doubted = leading is None or leading.cause is not told.cause or leading.confidence < EVEN
    late = shows_detour(verdict.evidence) and not was_traced(told.evidence)
    return told.cause is Cause.SERVER_DOWN and late and doubted and not _shows_server(verdict)


def _shows_server(verdict: Verdict) -> bool:
    """Whether many met what no way can do: connections that open, and then are served late or badly."""
    return any(one.rule in _OF_SERVERS and (one.strength or 0.0) >= MANY for one in verdict.evidence)


def _ticks_to_open(verdict: Verdict) -> int:
    return OPEN_TICKS_UNNAMED if verdict.cause is Cause.INSUFFICIENT else OPEN_TICKS


def abandoned(incident: Incident, sequence: int, at: float, why: str) -> IncidentChange:
    """The end of an incident that nobody saw end; `missing` says why."""
    closed = replace(incident, closed_at=at, updated_at=at, missing=why)
    return IncidentChange(kind=ChangeKind.CLOSED, at=at, sequence=sequence + 1, incident=closed)


def _with(incident: Incident, verdict: Verdict) -> Incident:
    """The incident as the verdict tells it; vantages once affected stay listed."""
    return replace(
        incident,
        cause=verdict.cause,
        detail=verdict.detail,
        confidence=verdict.confidence,
        suspected=verdict.suspected,
        affected=tuple(sorted({*incident.affected, *verdict.affected})),
        networks=tuple(sorted({*incident.networks, *verdict.networks})),
        vantages=max(incident.vantages, verdict.vantages),
        blames=verdict.blames,
        evidence=verdict.evidence,
        runner_up=verdict.runner_up,
        missing=verdict.missing,
        updated_at=verdict.at,
    )


def rank(verdict: Verdict | Incident) -> tuple[bool, float, bool, int, int]:
    """Which of two verdicts of one cause is the stronger: on both planes, surer, more telling, wider."""
    told = verdict.detail.effect not in (None, HijackEffect.UNKNOWN)
    sure = round(_logit(verdict.confidence), 1)
    return (not verdict.suspected, sure, told, _joined(verdict), len(verdict.affected))


def _logit(confidence: float) -> float:
    """The logarithm of the odds: 98 and 99 % are as far apart as 50 and 67 %."""
    return log(max(confidence, LEAST) / max(1.0 - confidence, LEAST))


def _joined(verdict: Verdict | Incident) -> int:
    """How many pieces of evidence join what BGP says with what packets and answers show."""
    return sum(evidence.group == "joined" for evidence in verdict.evidence)


def identify(subject: str, opened_at: float) -> str:
    """A stable id that a person can read out: subject, UTC minute, four hex digits."""
    moment = datetime.fromtimestamp(opened_at, UTC).strftime("%Y%m%dT%H%M")
    digest = hashlib.sha256(f"{subject}|{opened_at:.3f}".encode()).hexdigest()[:4]
    return f"{subject}-{moment}-{digest}"
