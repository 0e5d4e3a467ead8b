"""The engine: facts in, incident changes out. The same live, in replay and in tests.

Time is what the facts say. Verdicts are reached on a fixed grid of moments (every few seconds of fact
time), each from the facts known before it; so the way in which facts are cut into chunks cannot matter.
No I/O, no clock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from monitor.diagnose.conclude import fine
from monitor.diagnose.elsewhere import Elsewhere
from monitor.diagnose.fact import Fact, known_at
from monitor.diagnose.feed_health import FeedHealth
from monitor.diagnose.knowledge import Knowledge
from monitor.diagnose.linking import Linker
from monitor.diagnose.paths.unmapped import Held, UnmappedTraces
from monitor.diagnose.resting import Resting
from monitor.diagnose.route_watch import RouteWatch
from monitor.diagnose.situation import Dependency, DependencyState, Situation
from monitor.diagnose.target_incidents import TargetIncidents
from monitor.diagnose.target_state import TargetState
from monitor.diagnose.tracker import abandoned
from monitor.diagnose.two_causes import conclude_all
from monitor.diagnose.usual_hours import by_series
from monitor.diagnose.vantage_watch import VantageWatch
from monitor.diagnose.view import View
from monitor.model.incident import Incident, IncidentChange
from monitor.model.route import RouteFact
from monitor.model.target import ORIGINS_TARGET, Target
from monitor.model.verdict import Cause, Verdict
from probes.observation import DnsObservation, HttpObservation, NotMeasured

SHORTEST_TICK_S = 1.0
LONGEST_TICK_S = 10.0
"""Bounds of the time between two moments of judgement; a third of the shortest interval lies between."""

SILENCE_S = 600.0
"""After this long without facts the grid jumps to the next fact instead of judging every moment."""

CLOCK_STEP_S = 60.0
"""Late facts come some seconds late; a minute back is a clock that was set."""

LAG_S = 180.0
"""What depends on another target may fail for so long after that one is well: queues drain, breakers stay open."""

UNWATCHED = "its target is no longer watched"

SETTLE_EVERY_S = 60.0
"""While facts of the past are taken in, routes are settled this often, as they would have been then."""


class Engine:
    """Diagnoses all targets of `knowledge` from time-ordered facts."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._controls = knowledge.control_names
        self._routes = RouteWatch(knowledge)
        told = self._routes.told
        self._unmapped = UnmappedTraces(told) if told is not None else None
        past = by_series(knowledge.hours)
        self._states = {
            target.name: TargetState(target, knowledge.vantages, self._routes, past)
            for target in knowledge.targets
        }
        self._order = _dependencies_first(knowledge.targets)
        self._feeds = FeedHealth()
        intervals = [target.interval_s for target in knowledge.targets]
        intervals += [control.interval_s for control in knowledge.controls]
        shortest = knowledge.shortest_s or min(intervals, default=LONGEST_TICK_S)
        self._tick_s = float(max(SHORTEST_TICK_S, min(LONGEST_TICK_S, shortest // 3)))
        self._round_s = max(shortest, self._tick_s)
        self._tracked: dict[str, TargetIncidents] = {}
        self._linker = Linker()
        names = {vantage.name for vantage in knowledge.vantages}
        self._vantages = VantageWatch(knowledge.controls, names, self._round_s, past)
        self._verdicts: dict[str, Verdict] = {}
        self._uneasy: dict[str, float] = {}
        self._next: float | None = None
        self._last_fact: float | None = None
        self._orphans: list[tuple[Incident, int]] = []
        self._ended: dict[str, Incident] = {}

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The latest verdict on each target, by name."""
        return self._verdicts

    @property
    def uneasy(self) -> Mapping[str, float]:
        """The targets of which several vantages see something bad, though it may add up to nothing; since when."""
        return self._uneasy

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """The incidents that are open, oldest first."""
        found = [*self._vantages.open_incidents, *self._linker.open_incidents]
        return tuple(sorted(found, key=lambda incident: (incident.opened_at, incident.id)))

    @property
    def resting(self) -> tuple[Resting, ...]:
        """What is over and not yet told to be: a process that goes on from a history would not know it."""
        return tuple(
            Resting(name, incident.cause, since)
            for name, tracked in self._tracked.items()
            for incident, since in tracked.resting
        )

    def resume(self, incidents: Sequence[tuple[Incident, int]], resting: Collection[Resting] = ()) -> None:
        """Go on with the open incidents of an earlier process; each with its last sequence number.

        One whose target is no longer watched is closed at the next moment: nobody would see it end. `resting`: as
        that process had it.
        """
        over = {(one.target, one.cause): one.since for one in resting}
        for incident, sequence in incidents:
            if incident.target is None and incident.affected:
                self._vantages.resume(incident, sequence)
                continue
            own = self._linker.resume(incident, sequence, self._states.keys())
            if not own:
                self._orphans.append((incident, sequence))
            for case in own:
                name = case.target or ""
                self._incidents(name).resume(case, sequence, over.get((name, case.cause)))

    def warm_up(self, facts: Iterable[Fact], until: float | None = None) -> None:
        """Rebuild what is usual, and the routes, from facts of the past, without judging them.

        Judging begins after `until`, or after the newest of the facts: a process that was down for an hour
        has nothing to say of that hour.
        """
        settled_at: float | None = None
        for fact in facts:
            at = known_at(fact)
            if settled_at is None or at - settled_at > SETTLE_EVERY_S:
                if self._last_fact is not None and at - self._last_fact > SETTLE_EVERY_S:
                    # Before a silence of days: what was met then is known by the routes of then.
                    self._routes.settle(self._last_fact)
                self._routes.settle(at)
                settled_at = at
            self._take(fact, at)
            self._last_fact = max(self._last_fact or 0.0, at)
        self._last_fact = until if until is not None else self._last_fact

    def feed(self, facts: Iterable[Fact]) -> list[IncidentChange]:
        """Take facts in the order in which they became known; gives the changes that happened on the way."""
        changes: list[IncidentChange] = []
        for fact in facts:
            at = known_at(fact)
            changes += self._judge_until(at)
            self._take(fact, at)
        return changes

    def advance(self, now: float) -> list[IncidentChange]:
        """Let time pass up to `now` (Unix seconds) without facts.

        A `now` well before the last moment means that the clock was set back: judging goes on from there.
        """
        if self._next is not None and now < self._next - CLOCK_STEP_S:
            self._next = self._grid(now)
        return self._judge_until(now)

    def _take(self, fact: Fact, at: float) -> None:
        if isinstance(fact, DnsObservation) and fact.target == ORIGINS_TARGET:
            self._take_origin(fact)
            return
        self._routes.take(fact)
        self._feeds.take(fact)
        if isinstance(fact, HttpObservation):
            if fact.target in self._controls:
                self._vantages.add(fact, at)
            elif fact.target in self._states:
                self._states[fact.target].add_http(fact, at)
        elif isinstance(fact, NotMeasured):
            self._vantages.take(fact)
        elif isinstance(fact, RouteFact) or fact.target not in self._states:
            return
        elif isinstance(fact, DnsObservation):
            self._states[fact.target].add_dns(fact, at)
        elif self._unmapped is None or not self._unmapped.hold(fact, at):
            self._states[fact.target].add_trace(fact, at)

    def _take_origin(self, fact: DnsObservation) -> None:
        """A DNS service has said whose some addresses are; traces may have waited for it."""
        told = self._routes.take_origin(fact)
        if told is not None and self._unmapped is not None:
            self._add_traces(self._unmapped.told(told.place))

    def _add_traces(self, held: Iterable[Held]) -> None:
        for trace, at in held:
            self._states[trace.target].add_trace(trace, at)

    def _judge_until(self, now: float) -> list[IncidentChange]:
        """Judge every moment of the grid that lies before or at `now`."""
        if self._next is None:
            self._next = self._grid(self._last_fact if self._last_fact is not None else now)
        elif now - self._next > SILENCE_S:
            # Two moments close what the silence left open to judgement; the rest would repeat them.
            changes = self._judge(self._next) + self._judge(self._next + self._tick_s)
            self._next = self._grid(now)
            return changes
        changes = []
        while self._next <= now:
            changes += self._judge(self._next)
            self._next += self._tick_s
        return changes

    def _grid(self, at: float) -> float:
        return (at // self._tick_s + 1) * self._tick_s

    def _judge(self, now: float) -> list[IncidentChange]:
        if self._unmapped is not None:
            self._add_traces(self._unmapped.overdue(now))
        self._routes.settle(now)
        by_vantage: dict[str, dict[str, View]] = {}
        for name, state in self._states.items():
            for vantage, view in state.views.items():
                by_vantage.setdefault(vantage, {})[name] = view
        changes = [abandoned(*orphan, now, UNWATCHED) for orphan in self._orphans]
        self._orphans.clear()
        changes += self._vantages.judge(now, by_vantage, self._is_led_away)
        left_out = self._vantages.left_out
        own = [change for name in self._order for change in self._judge_target(name, now, left_out)]
        linked = self._linker.take(own, now)
        return changes + linked

    def _is_led_away(self, vantage: str, since: float) -> bool:
        return any(state.is_led_away(vantage, since) for state in self._states.values())

    def _judge_target(self, name: str, now: float, left_out: frozenset[str]) -> list[IncidentChange]:
        state, tracked = self._states[name], self._incidents(name)
        incident = tracked.incident
        is_calm = state.calm(now)
        if not is_calm and state.widely_uneasy(now):
            self._uneasy.setdefault(name, now)
        else:
            self._uneasy.pop(name, None)
        settled = partial(state.are_settled, now=now, sick=left_out)
        if incident is None and is_calm:
            return tracked.update((self._fine(name, state.measuring(now, left_out), now),), now, settled)
        situation = state.situation(
            now,
            sick=left_out,
            vouched=self._vantages.vouched(now),
            dependencies=tuple(self._dependency(other, now, incident) for other in state.target.depends_on),
            incident=incident,
        )
        situation = self._with_elsewhere(situation)
        verdicts = conclude_all(situation, self._feeds.shortfall(situation.onset, now))
        self._verdicts[name] = verdicts[0]
        state.heed(verdicts[0])
        changes = tracked.update(verdicts, situation.onset, settled, receding=situation.receding)
        if incident is not None and tracked.incident is None:
            self._ended[name] = replace(incident, closed_at=now)
            state.forget_trouble(incident.started_at or incident.opened_at, now)
        return changes

    def _with_elsewhere(self, situation: Situation) -> Situation:
        """It, with what else is known of the vantages whose packets go astray, where there are any."""
        name, astray = situation.target.name, [view for view in situation.affected if view.is_astray]
        if not astray:
            return situation
        found = {view.vantage: self._elsewhere(name, view.vantage, view.failing_since) for view in astray}
        return dataclasses.replace(situation, elsewhere=found, carrying=self._routes.carrying(name))

    def _elsewhere(self, name: str, vantage: str, since: float | None) -> tuple[Elsewhere, ...]:
        """How a vantage reaches its controls, and the other targets, since a moment (None: nothing fails there).

        Up to the first that fares worse: that one says enough, and in a large outage many do.
        """
        if since is None:
            return ()
        near, found = self._states[name].home, list(self._vantages.elsewhere(vantage, since))
        for of, state in self._states.items():
            if found and not found[-1].as_ever:
                break
            other = state.elsewhere(vantage, since, near) if of != name else None
            if other is not None:
                found.append(other)
        return tuple(found)

    def _fine(self, name: str, vantages: int, now: float) -> Verdict:
        """The verdict where there is nothing to judge."""
        verdict = fine(name, vantages, now)
        self._verdicts[name] = verdict
        return verdict

    def _dependency(self, name: str, now: float, of: Incident | None) -> Dependency:
        """How another target is doing; judged before those that depend on it. `of`: the dependant's open incident.

        Trouble that is over explains for a while what began while it lasted.
        """
        state, verdict = self._states.get(name), self._verdicts.get(name)
        if state is None or verdict is None or not any(view.current(now) for view in state.views.values()):
            return Dependency(name, DependencyState.UNKNOWN)
        incident = self._incidents(name).incident
        cause = incident.cause if incident is not None else verdict.cause
        if cause is not Cause.OK:
            named = cause is not Cause.INSUFFICIENT
            return Dependency(name, DependencyState.TROUBLED if named else DependencyState.SUSPECT, cause)
        ended = self._ended.get(name)
        if ended is not None and of is not None and of.opened_at < (ended.closed_at or now) >= now - LAG_S:
            return Dependency(name, DependencyState.TROUBLED, ended.cause)
        share = state.unease(now)
        return (
            Dependency(name, DependencyState.SUSPECT, share=share)
            if share
            else Dependency(name, DependencyState.FINE)
        )

    def _incidents(self, name: str) -> TargetIncidents:
        if name not in self._tracked:
            round_s = max(self._states[name].target.interval_s, self._tick_s)
            self._tracked[name] = TargetIncidents(name, round_s)
        return self._tracked[name]


def _dependencies_first(targets: tuple[Target, ...]) -> tuple[str, ...]:
    """Target names so that each comes after those it depends on; a cycle is cut where it is met."""
    by_name = {target.name: target for target in targets}
    ordered: dict[str, None] = {}

    def visit(name: str, above: frozenset[str]) -> None:
        if name in ordered or name in above or name not in by_name:
            return
        for other in by_name[name].depends_on:
            visit(other, above | {name})
        ordered[name] = None

    for target in targets:
        visit(target.name, frozenset())
    return tuple(ordered)
