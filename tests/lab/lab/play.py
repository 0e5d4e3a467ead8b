"""Plays scenarios on one stage with the monitor inside, and tells how each was answered.

One laboratory serves many scenarios: each is done, watched until it is answered or its time is over, undone,
and waited out until the monitor has closed what it had opened.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
from lab import deeds, papers
from lab.hub import HubRoom
from lab.internet import Way
from lab.judge import Answer, Transcript, answers, in_words
from lab.live_feed import LiveFeed
from lab.monitor_config import TARGET, UPSTREAM, Pace, hub_config
from lab.scenario import Expectation, Scenario, Whom
from lab.stage import NO_TUN, Stage
from lab.topology import Link, lab_topology

from monitor.config import load_config
from monitor.demo.children import Child, ChildError
from monitor.demo.mailbox import Mailbox
from monitor.demo.ris_live_server import RisLiveServer
from monitor.diagnose.fact import Fact
from monitor.history import Store
from monitor.hub.pipeline import Step
from monitor.model.incident import Incident
from monitor.station.board import Board
from probes import HttpObservation, TraceObservation, clock
from probes.observation import decode

_SUBSCRIBED_S = 20.0
_WARM_S = 240.0
_LOOK_EVERY_S = 0.2
# How long a right answer must stay right before the scenario counts as answered.
_SETTLED_S = 3.0
_WARM_TRACES = 2
# Rounds that an answer may take besides its scenario's own time.
_ROUNDS = 3
_CONTROLS = ("control-1", "control-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one scenario was answered. `false_alarms`: incidents that nothing called for, in words.

    `not_staged`: why the scenario did not take place as it should, by the kernels and servers; empty when it did.
    """

    scenario: Scenario
    answers: tuple[Answer, ...]
    false_alarms: tuple[str, ...]
    closed_s: float | None
    not_staged: str = ""

    @property
    def right(self) -> bool:
        """Every expectation was met, nothing else was claimed, and it ended when the trouble did."""
        met = all(answer.right for answer in self.answers) and not self.false_alarms
        return met and self.closed_s is not None and not self.not_staged


def in_lines(outcome: Outcome) -> list[str]:
    """An outcome for people."""
    lines = [f"{outcome.scenario.name}: {'right' if outcome.right else 'WRONG'}"]
    for answer in outcome.answers:
        soon = "" if answer.cause_s is None else f" after {answer.cause_s:.1f} s"
        mail = "" if answer.mail_s is None else f", mail after {answer.mail_s:.1f} s"
        whom = "right" if answer.right_vantages else f"wrong: {', '.join(answer.given_vantages)}"
        lines.append(f"   expected {answer.expected}; given {answer.given}{soon}{mail}; vantages {whom}")
        if not answer.right_vantages:
            lines.append(f"   truly hit: {', '.join(answer.expected_vantages)}")
    lines += [f"   false alarm: {alarm}" for alarm in outcome.false_alarms]
    if outcome.not_staged:
        lines.append(f"   the laboratory failed: {outcome.not_staged}")
    if outcome.closed_s is None:
        lines.append("   an incident stayed open after the trouble was over")
    return lines


Show = Callable[[str], None]


class Play:
    """The monitor at work on a stage. Made by `playing`."""

    def __init__(self, stage: Stage, pace: Pace, show: Show) -> None:
        self.stage = stage
        self.board = Board()
        self.step: Step | None = None
        self.mails: list[str] = []
        self.controls = _CONTROLS
        self._pace = pace
        self._show = show
        self._transcript = Transcript(began_at=clock.wall())
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._boosted_at = 0.0
        self._peace: dict[tuple[str, str], Way] = {}

    # What the monitor tells

    def boost(self, target: str) -> None:
        """The hub wishes for a closer look at a target; every vantage takes it, and at the controls."""
        self._boosted_at = clock.monotonic()
        for vantage in self.stage.vantages.values():
            for name in (target, *_CONTROLS):
                vantage.tell(f"boost {name}")

    def heard(self, facts: Sequence[Fact]) -> None:
        """Facts on their way to the hub."""
        self.board.see(facts)
        for fact in facts:
            if isinstance(fact, HttpObservation) and fact.failure is None:
                self._seen["http", fact.vantage, fact.target] += 1
            elif isinstance(fact, TraceObservation) and fact.reached:
                self._seen["trace", fact.vantage, fact.target] += 1

    def stepped(self, step: Step) -> None:
        """The hub has concluded."""
        self.step = step
        self._transcript.hear(clock.wall(), step.changes)
        for change in step.changes:
            self._show(f"{change.kind.value}: {in_words(change.incident)} ({', '.join(change.incident.affected)})")

    def mailed(self, subject: str) -> None:
        """The mail server has a mail in its hands."""
        self.mails.append(subject)
        self._transcript.mails.append(clock.wall())
        self._show(f"mail: {subject}")

    # The play

    async def warm_up(self) -> None:
        """Let the monitor learn what is usual.

        :raises ChildError: it does not see the laboratory as healthy
        """
        self._show("the monitor learns what is usual")
        end = clock.monotonic() + _WARM_S
        # The first routes are news, and boost; a scenario begins at the ordinary pace.
        while not self._is_warm() or clock.monotonic() - self._boosted_at < self._pace.boost_for_s:
            if clock.monotonic() > end:
                raise ChildError(f"the vantages saw too little in {_WARM_S:g} s: {dict(self._seen)}")
            await asyncio.sleep(_LOOK_EVERY_S)
        self._peace = await self._ways()

    async def play(self, scenario: Scenario) -> Outcome:
        """Do, watch, undo, wait."""
        self._show(f"scenario {scenario.name}: {scenario.title}")
        self._transcript = transcript = Transcript(began_at=clock.wall())
        undos: list[deeds.Undo] = []
        for name in ("service", "authority"):
            await self.stage.state(name)  # counts from now on
        try:
            for step in scenario.do:
                transcript.began_at = clock.wall()
                undos.append(await deeds.do(self.stage, step))
            found, false_alarms = await self._watch(scenario, transcript)
            not_staged = await self._not_staged(scenario, found)
        finally:
            for undo in reversed(undos):
                await undo()
        closed_s = await self._wait_for_calm()
        return Outcome(
            scenario=scenario,
            answers=tuple(found),
            false_alarms=tuple(map(in_words, false_alarms)),
            closed_s=closed_s,
            not_staged=not_staged,
        )

    async def _watch(self, scenario: Scenario, transcript: Transcript) -> tuple[list[Answer], list[Incident]]:
        waited_for = any(not wanted.optional for wanted in scenario.expect)
        rounds_s = _ROUNDS * self._pace.interval_s
        until = clock.monotonic() + rounds_s + (scenario.limit_s if waited_for else scenario.calm_s)
        right_since: float | None = None
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            expected = [(wanted, await self._truly_hit(wanted)) for wanted in scenario.expect]
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
            if self.step is not None and not self.step.open_incidents and await self._ways() == self._peace:
                return clock.monotonic() - start
            await asyncio.sleep(_LOOK_EVERY_S)
        return None

    # Ground truth

    async def _not_staged(self, scenario: Scenario, found: Sequence[Answer]) -> str:
        """Why the trouble was none, whatever the monitor said; empty when it was real."""
        hit = zip(scenario.expect, found, strict=True)
        if any(wanted.affected is not Whom.ANY and not answer.expected_vantages for wanted, answer in hit):
            return "no vantage was hit"
        states = {name: await self.stage.state(name) for name in ("service", "authority")}
        if scenario.busy and states[scenario.busy].most_inside <= states[scenario.busy].workers:
            return f"{scenario.busy} was never busy: {states[scenario.busy]}"
        return ""

    async def _truly_hit(self, wanted: Expectation) -> tuple[str, ...]:
        names = self.stage.topology.vantages
        if wanted.affected is Whom.ALL:
            return names
        if wanted.affected is Whom.DIVERTED:
            ways = await self._ways()
            there = wanted.towards
            return tuple(name for name in names if ways[name, there] != self._peace[name, there])
        if wanted.affected is Whom.CROSSING:
            crossing = await asyncio.to_thread(
                self._crossing, self.stage.topology.link(wanted.over), wanted.towards
            )
            return tuple(name for name in names if name in crossing)
        return () if wanted.affected is Whom.ANY else tuple(wanted.affected)

    async def _ways(self) -> dict[tuple[str, str], Way]:
        """Where each vantage's packets to the service and its name servers go now, by the kernels' tables."""
        topology, way = self.stage.topology, self.stage.internet.way
        return {
            (name, there): await asyncio.to_thread(way, name, topology.hosts[there].address)
            for name in topology.vantages
            for there in ("service", "names")
        }

    def _crossing(self, link: Link, there: str) -> set[str]:
        hosts, way = self.stage.topology.hosts, self.stage.internet.way
        both = {(link.one.asn, link.other.asn), (link.other.asn, link.one.asn)}
        return {
            name
            for name in self.stage.topology.vantages
            for one in (way(name, hosts[there].address), way(there, hosts[name].address))
            if both & set(pairwise(one.networks))
        }

    def _is_warm(self) -> bool:
        names = self.stage.topology.vantages
        watched = (TARGET, UPSTREAM, *_CONTROLS)
        return all(
            self._seen["http", name, target] >= self._pace.warm_rounds for name in names for target in watched
        ) and all(self._seen["trace", name, TARGET] >= _WARM_TRACES for name in names)


@asynccontextmanager
async def playing(folder: Path, pace: Pace, show: Show) -> AsyncIterator[Play]:
    """Build the laboratory, start the monitor in it, and let it learn.

    :raises NetworkError, ChildError, OSError: it cannot be built
    """
    topology = lab_topology()
    certificates = papers.issue(folder)
    show("building the networks")
    async with (
        Stage(topology, folder, certificates, pace) as stage,
        RisLiveServer() as server,
    ):
        if not stage.has_delays:
            show(NO_TUN)
        play = Play(stage, pace, show)
        table = "".join(f"{prefix}\t{asn}\n" for prefix, asn in topology.origins().items())
        (folder / "prefix_to_as.txt").write_text(table, encoding="ascii")
        roas = [{"prefix": str(vrp.prefix), "maxLength": vrp.max_length, "asn": vrp.asn} for vrp in stage.vrps]
        (folder / "vrps.json").write_bytes(msgspec.json.encode({"roas": roas}))
        async with Mailbox(lambda mail: play.mailed(mail.subject)) as mailbox:
            path = folder / "config.toml"
            path.write_text(
                hub_config(
                    topology, pace, certificates.trusted, ris_url=server.url, smtp_port=mailbox.port, tables=folder
                ),
                encoding="utf-8",
            )
            config = load_config(path)
            with Store.open(config.history.path) as store:
                room = HubRoom(config, store, boost=play.boost, stepped=play.stepped, heard=play.heard)
                stop = asyncio.Event()
                async with asyncio.TaskGroup() as group:
                    hub = group.create_task(room.run(stop))
                    async with asyncio.timeout(_SUBSCRIBED_S):
                        for prefix in config.targets[0].prefixes:
                            await server.wait_for_subscription(prefix)
                    # Only now may the collector's peers tell it their tables: RIS Live repeats nothing.
                    beside = [group.create_task(LiveFeed(stage.recording, server).run())]
                    await stage.start_collector()
                    await stage.start_vantages()
                    beside += [group.create_task(_listen(child, room)) for child in stage.vantages.values()]
                    await play.warm_up()
                    yield play
                    for task in beside:
                        task.cancel()
                    stop.set()
                    await hub


async def _listen(child: Child, room: HubRoom) -> None:
    async for line in child.lines():
        try:
            observation = decode(line)
        except msgspec.DecodeError as error:
            raise ChildError(f"{child.name}: printed what is no observation: {error}") from error
        await room.put((observation,))
    raise ChildError(f"{child.name}: ended in the middle of the play")
