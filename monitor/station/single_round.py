"""One round of everything through history and diagnosis: what `whydown once` does for cron.

Theory of operation. A process that lives for seconds must open and close incidents that last for hours.
Open incidents and baselines come from the history. One round is too little to open or to close anything:
so what looks bad, or looks well again, is measured anew every few seconds, for at most `confirm_s`, until
the diagnosis has settled. For that time the targets' pace is that of the confirming rounds, not the one of
the daemon. What cannot be settled in time is left to the next run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from monitor.agent.agent import Agent
from monitor.agent.instruments import Instruments, NetworkInstruments
from monitor.agent.schedule import all_once
from monitor.agent.timetable import jobs_of
from monitor.alert.channels import Channels
from monitor.alert.desk import Desk
from monitor.alert.outbox import Outbox
from monitor.diagnose.engine import LONGEST_TICK_S, SHORTEST_TICK_S
from monitor.diagnose.knowledge import Knowledge
from monitor.history import Store
from monitor.hub.judging import Step
from monitor.hub.origin_lookups import OriginLookups
from monitor.hub.pipeline import Pipeline
from monitor.hub.tables import TableLoader, Tables
from monitor.hub.warm_start import engine_from_history, origins_told
from monitor.model.incident import Incident
from monitor.model.settings import Config
from monitor.model.verdict import Cause, Verdict
from probes import HttpObservation, Observation, clock

DELIVERY_S = 30.0
"""How long due mails may take; what is left is sent by the next run."""

ORIGINS_S = 10.0
"""How long whose the met addresses are may take to be told."""

ROUND_S = 300.0
"""A round is over by then; what is usual at the hours after it is of no use."""

_NOT_A_CAUSE = frozenset({Cause.OK, Cause.INSUFFICIENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a round found: its observations, oldest first, and what the engine makes of them.

    `delivered`: how many mails went out.
    """

    observations: tuple[Observation, ...]
    verdicts: dict[str, Verdict]
    open_incidents: tuple[Incident, ...]
    delivered: int


async def single_round(
    config: Config, store: Store, *, confirm_s: float, instruments: Instruments | None = None
) -> Outcome:
    """Measure every target and control once, conclude, tell.

    :raises HistoryError: the history cannot be read or written
    """
    tables = await TableLoader().load(config, Tables())
    knowledge = Knowledge.from_config(
        _at_pace(config), prefix_table=tables.prefixes, vrps=tables.vrps, relationships=tables.relationships
    )
    engine = await asyncio.to_thread(engine_from_history, store.place, knowledge, clock.wall(), judged_s=ROUND_S)
    desk = Desk(store.place, lambda: None if tables.vrps is None else tables.vrps.validate)
    pipeline = Pipeline(store, engine, lambda change: desk.told(change, config), grace_s=0.0)
    seen: list[Observation] = []

    async def keep(observations: Sequence[Observation]) -> None:
        seen.extend(observations)

    # One flow: what an exploration would find is forgotten with the process.
    once = replace(config, traceroute=replace(config.traceroute, flows=1))
    instruments = instruments or NetworkInstruments()
    agent = Agent(once, instruments, keep)
    origins = OriginLookups(instruments.ask, keep)
    origins.configure(config, tables.prefixes)
    origins.learn(await asyncio.to_thread(origins_told, store.place, clock.wall()))
    try:
        step = await _measure(config, agent, origins, pipeline, seen, confirm_s)
    finally:
        await agent.aclose()
    store.save_changes([], desk.due(clock.wall(), config))
    return Outcome(
        observations=tuple(seen),
        verdicts=dict(step.verdicts),
        open_incidents=step.open_incidents,
        delivered=await _deliver(config, store),
    )


def _at_pace(config: Config) -> Config:
    """The configuration with the pace of confirming rounds, by which the engine measures its patience."""
    pace_s = config.boost.interval_s
    return replace(
        config,
        targets=tuple(replace(one, interval_s=min(one.interval_s, pace_s)) for one in config.targets),
        controls=tuple(replace(one, interval_s=min(one.interval_s, pace_s)) for one in config.controls),
    )


async def _measure(
    config: Config,
    agent: Agent,
    origins: OriginLookups,
    pipeline: Pipeline,
    seen: list[Observation],
    confirm_s: float,
) -> Step:
    """A round of everything, and then rounds of what is in doubt."""
    jobs = jobs_of(config)
    controls = {control.name for control in config.controls}
    deadline = clock.monotonic() + confirm_s
    await all_once(jobs, agent.round)
    origins.learn(tuple(seen))
    await origins.settle(ORIGINS_S)
    step = pipeline.accept(tuple(seen), clock.wall())
    done = 0
    while doubtful := in_doubt(config, seen[done:], step):
        if clock.monotonic() + config.boost.interval_s > deadline:
            break
        await asyncio.sleep(config.boost.interval_s)
        done = len(seen)
        await all_once((job for job in jobs if job.target in doubtful | controls), agent.round)
        origins.learn(tuple(seen[done:]))
        await origins.settle(ORIGINS_S)
        step = pipeline.accept(tuple(seen[done:]), clock.wall())
    # The engine judges at moments a third of the pace apart: the last facts wait for the next of them.
    await asyncio.sleep(min(max(config.boost.interval_s / 3, SHORTEST_TICK_S), LONGEST_TICK_S))
    return pipeline.finish(clock.wall())


def in_doubt(config: Config, observations: Iterable[Observation], step: Step) -> frozenset[str]:
    """The targets of which the last round and the diagnosis do not say the same yet.

    Bad without an open incident that names a cause; or answering, with an open incident. (In an overload the
    target answers too, so it is measured for the whole of the time.)
    """
    everybody = frozenset(target.name for target in config.targets)
    failing = {one.target for one in observations if isinstance(one, HttpObservation) and one.failure is not None}
    bad = failing | {name for name, verdict in step.verdicts.items() if verdict.cause not in _NOT_A_CAUSE}
    named: set[str] = set()
    open_: set[str] = set()
    for incident in step.open_incidents:
        # A sick vantage concerns all that it watches.
        concerned = {incident.target, *incident.members} if incident.target is not None else everybody
        open_ |= concerned & everybody
        named |= concerned & everybody if incident.cause not in _NOT_A_CAUSE else frozenset()
    return everybody & ((bad - named) | (open_ - failing))


async def _deliver(config: Config, store: Store) -> int:
    if not config.alert.tells_somebody:
        return 0
    outbox = Outbox(store, Channels(config.alert), clock.wall)
    outbox.recover(clock.wall())
    try:
        async with asyncio.timeout(DELIVERY_S):
            return await outbox.run_once()
    except TimeoutError:
        return 0
