"""Plays scenarios on one stage with the monitor inside, and tells how each was answered.

One laboratory serves many scenarios: each is done, watched until it is answered or its time is over, undone,
and waited out until the monitor has closed what it had opened.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from lab import deeds
from lab.judge import Answer, Transcript, answers, in_words
from lab.monitor_config import CONTROLS, TARGET, UPSTREAM, Pace
from lab.opening import Laboratory
from lab.outcome import Outcome
from lab.scenario import Scenario, Whom
from lab.truth import Truth

from monitor.demo.children import ChildError
from monitor.demo.mailbox import Mail
from monitor.diagnose.fact import Fact
from monitor.history import Reader
from monitor.model.incident import Incident, IncidentChange
from monitor.model.route import FeedState
from monitor.station.board import Board
from probes import HttpObservation, TraceObservation, clock

_WARM_S = 240.0
_LOOK_EVERY_S = 0.2
# How long a right answer must stay right before the scenario counts as answered.
_SETTLED_S = 3.0
_WARM_TRACES = 2
# Rounds that an answer may take besides its scenario's own time.
_ROUNDS = 3
# How long what has been before a scenario lasts.
_BEFORE_ROUNDS = 6
# Sooner after the one before than this share of an interval, a round is a boosted one.
_HURRIED = 0.7
# As many intervals after the last boosted round there has been an ordinary one.
_ORDINARY = 1.2
# Of the rounds that fit into a time; those under way at its ends do not count as complete in it.
_NEARLY_ALL = 0.7

Show = Callable[[str], None]


class Play:
    """Plays on a laboratory in which the monitor is at work; hears of it as a chronicle's ear."""

    def __init__(self, laboratory: Laboratory, pace: Pace, show: Show) -> None:
        self.stage = laboratory.stage
        self._history = laboratory.history
        self.board = Board()
        self.open_incidents: dict[str, Incident] = {}
        self.mails: list[str] = []
        self._pace = pace
        self._show = show
        self._transcript = Transcript(began_at=clock.wall())
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._asked_at: dict[str, float] = {}
        self._hurried_at = 0.0
        self._truth = Truth(self.stage.internet)

    # What the monitor tells

    def heard(self, facts: Sequence[Fact]) -> None:
        """Facts that the hub has stored."""
        self.board.see(facts)
        for fact in facts:
            if isinstance(fact, HttpObservation):
                self._heard_exchange(fact)
            elif isinstance(fact, TraceObservation) and fact.reached:
                self._seen["trace", fact.vantage, fact.target] += 1
            elif isinstance(fact, FeedState) and fact.live:
                self._seen["feed", fact.source, ""] += 1

    def changed(self, at: float, changes: Sequence[IncidentChange]) -> None:
        """The hub has concluded."""
        self._transcript.hear(at, changes)
        for change in changes:
            incident = change.incident
            self.open_incidents.pop(incident.id, None)
            if incident.closed_at is None:
                self.open_incidents[incident.id] = incident
            self._show(f"{change.kind.value}: {in_words(incident)} ({', '.join(incident.affected)})")

    def mailed(self, at: float, mail: Mail) -> None:
        """The mail server has a mail in its hands."""
        self.mails.append(mail.subject)
        self._transcript.mails.append(at)
        self._show(f"mail: {mail.subject}")

    def _heard_exchange(self, fact: HttpObservation) -> None:
        if fact.failure is None:
            self._seen["http", fact.vantage, fact.target] += 1
        if fact.target == TARGET and fact.family == 4:
            gap_s = fact.at - self._asked_at.get(fact.vantage, 0.0)
            if gap_s < _HURRIED * self._pace.interval_s:
                self._hurried_at = max(self._hurried_at, fact.at)
            self._asked_at[fact.vantage] = fact.at

    # The play

    async def warm_up(self) -> None:
        """Let the monitor learn what is usual.

        :raises ChildError: it does not see the laboratory as healthy
        """
        self._show("the monitor learns what is usual")
        end = clock.monotonic() + _WARM_S
        # The first routes are news, and boost; a scenario begins at the ordinary pace.
        # What a busy machine seemed to be is over then, too.
        while (
            not self._is_warm()
            or self.open_incidents
            or clock.wall() - self._hurried_at < _ORDINARY * self._pace.interval_s
        ):
            if clock.monotonic() > end:
                raise ChildError(f"the vantages saw too little in {_WARM_S:g} s: {dict(self._seen)}")
            await asyncio.sleep(_LOOK_EVERY_S)
        await self._truth.remember()

    async def play(self, scenario: Scenario) -> Outcome:
        """Do, watch, undo, wait."""
        self._show(f"scenario {scenario.name}: {scenario.title}")
        if scenario.before:
            await self._play_what_has_been(scenario)
        self._transcript = transcript = Transcript(began_at=clock.wall())
        undos: list[deeds.Undo] = []
        not_staged = ""
        try:
            try:
                for step in scenario.do:
                    transcript.began_at = clock.wall()
                    undos.append(await deeds.do(self.stage, step))
            except deeds.DeedError as error:
                not_staged = str(error)
            found, false_alarms = await self._watch(scenario, transcript)
            not_staged = not_staged or _not_staged(scenario, found)
            ended_at = clock.wall()
        finally:
            for undo in reversed(undos):
                await undo()
        if scenario.late:
            if not await self._came_late(scenario.late, transcript.began_at, ended_at):
                not_staged = not_staged or f"what {scenario.late} measured meanwhile never came"
            await asyncio.sleep(_ROUNDS * self._pace.interval_s)
            expected = [(wanted, await self._truth.hit(wanted)) for wanted in scenario.expect]
            found, false_alarms = answers(transcript, expected)
        closed_s = await self._wait_for_calm()
        return Outcome(
            scenario=scenario,
            answers=tuple(found),
            false_alarms=tuple(map(in_words, false_alarms)),
            closed_s=closed_s,
            not_staged=not_staged,
        )

    async def _play_what_has_been(self, scenario: Scenario) -> None:
        undos = [await deeds.do(self.stage, step) for step in scenario.before]
        await asyncio.sleep(_BEFORE_ROUNDS * self._pace.interval_s)
        for undo in reversed(undos):
            await undo()
        if await self._wait_for_calm() is None:
            raise ChildError(f"scenario {scenario.name} could not begin: what was before it did not end")
        self._show("that is over")

    async def _watch(self, scenario: Scenario, transcript: Transcript) -> tuple[list[Answer], list[Incident]]:
        waited_for = any(not wanted.optional for wanted in scenario.expect) and not scenario.late
        rounds_s = _ROUNDS * self._pace.interval_s
        until = clock.monotonic() + rounds_s + (scenario.limit_s if waited_for else scenario.calm_s)
        right_since: float | None = None
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            expected = [(wanted, await self._truth.hit(wanted)) for wanted in scenario.expect]
            found, false_alarms = answers(transcript, expected)
            now = clock.monotonic()
            required = [one for one, wanted in zip(found, scenario.expect, strict=True) if not wanted.optional]
            if required and not false_alarms and all(one.right and one.mail_s for one in required):
                right_since = now if right_since is None else right_since
            else:
                right_since = None
            if now >= until or (right_since is not None and now - right_since >= _SETTLED_S):
                return found, false_alarms

    async def _wait_for_calm(self) -> float | None:
        """Until no incident is open; the seconds that took, None when one stays open."""
        start = clock.monotonic()
        while clock.monotonic() - start < _WARM_S:
            if not self.open_incidents and await self._truth.is_peace():
                return clock.monotonic() - start
            await asyncio.sleep(_LOOK_EVERY_S)
        return None

    async def _came_late(self, vantage: str, since: float, until: float) -> bool:
        """Whether the hub gets at last what a vantage measured of the target meanwhile, nearly all of it."""
        wanted = _NEARLY_ALL * (until - since) / self._pace.interval_s
        end = clock.monotonic() + _WARM_S
        with Reader.open(self._history) as reader:
            while clock.monotonic() < end:
                # Also the rounds of which it says that the one before them still went on.
                found = reader.observations(since, until, target=TARGET, vantage=vantage)
                if len({one.at // self._pace.interval_s for one in found}) >= wanted:
                    return True
                await asyncio.sleep(_LOOK_EVERY_S)
        return False

    # Ground truth

    def _is_warm(self) -> bool:
        names = self.stage.topology.vantages
        watched = (TARGET, UPSTREAM, *CONTROLS)
        return (
            all(self._seen["http", name, target] >= self._pace.warm_rounds for name in names for target in watched)
            and all(self._seen["trace", name, TARGET] >= _WARM_TRACES for name in names)
            and all(self._seen["feed", name, ""] for name in ("ris-live", *(["bmp"] * self.stage.has_bmp)))
        )


def _not_staged(scenario: Scenario, found: Sequence[Answer]) -> str:
    """Why the trouble was none, whatever the monitor said, though all was done; empty when it was real."""
    hit = zip(scenario.expect, found, strict=True)
    if any(wanted.affected is not Whom.ANY and not answer.expected_vantages for wanted, answer in hit):
        return "no vantage was hit"
    return ""
