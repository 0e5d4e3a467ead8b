"""One round of everything through history and diagnosis: what `whydown once` does for cron.

Theory of operation. A process that lives for seconds must open and close incidents that last for hours.

- Open incidents and baselines come from the history. The facts of the run before are fed once more, after
  the incidents were resumed, so that clean rounds of two runs add up to a close. Nothing else is fed twice:
  older facts could close an incident that was opened after them.
- One bad round is not an incident. What looks bad is measured again every few seconds, for at most
  `confirm_s`, until the diagnosis has settled.
- The engine judges at moments some seconds apart; time is let pass to the next of them at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.agent import Agent
from monitor.alert.mail import notices
from monitor.alert.outbox import Outbox
from monitor.alert.smtp import SmtpDelivery
from monitor.diagnose.engine import LONGEST_TICK_S
from monitor.diagnose.fact import Fact, known_at
from monitor.diagnose.knowledge import Knowledge
from monitor.history import Reader, Store
from monitor.instruments import Instruments, NetworkInstruments
from monitor.model.incident import Incident
from monitor.model.settings import Config
from monitor.model.verdict import Cause, Verdict
from monitor.pipeline import Pipeline, Step
from monitor.schedule import all_once
from monitor.tables import TableLoader, Tables
from monitor.timetable import Job, jobs_of
from monitor.warm_start import engine_from_history
from probes import HttpObservation, Observation, clock

BETWEEN_RUNS_S = 20.0
"""A pause in the facts longer than this lies between two runs; within one, no probe takes so long."""

LONGEST_RUN_S = 120.0
"""Of a monitor that wrote without a pause, this much at the end counts as the run before."""

DELIVERY_S = 30.0
"""How long due mails may take; what is left is sent by the next run."""

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
    knowledge = Knowledge.from_config(config, prefix_table=tables.prefixes, vrps=tables.vrps)
    begun = clock.wall()
    before = await asyncio.to_thread(facts_of_last_run, store.path, begun)
    until = known_at(before[0]) if before else begun
    engine = await asyncio.to_thread(engine_from_history, store.path, knowledge, until)
    pipeline = Pipeline(store, engine, lambda change: notices(change, config.alert), grace_s=0.0)
    pipeline.recall(before, begun)
    seen: list[Observation] = []

    async def keep(observations: Sequence[Observation]) -> None:
        seen.extend(observations)

    agent = Agent(config, instruments or NetworkInstruments(), keep)
    try:
        step = await _measure(config, agent, pipeline, seen, confirm_s)
    finally:
        await agent.aclose()
    return Outcome(
        observations=tuple(seen),
        verdicts=dict(step.verdicts),
        open_incidents=step.open_incidents,
        delivered=await _deliver(config, store),
    )


def facts_of_last_run(path: Path, now: float) -> list[Fact]:
    """The facts of the run before, in order; empty when there was none within six hours."""
    with Reader.open(path) as reader:
        since = now - 6 * 3600.0
        recent = [known_at(seen) for seen in reader.observations(since, now)]
        if not recent:
            return []
        start = start_of_last_run(recent)
        return list(reader.observations(start, now))


def start_of_last_run(times: Sequence[float]) -> float:
    """When the last of the runs that left these times (sorted, not empty) began."""
    start = times[-1]
    for at in reversed(times):
        if start - at > BETWEEN_RUNS_S or times[-1] - at > LONGEST_RUN_S:
            break
        start = at
    return start


async def _measure(
    config: Config, agent: Agent, pipeline: Pipeline, seen: list[Observation], confirm_s: float
) -> Step:
    """A round of everything, and rounds of what looks bad until that is settled."""
    jobs = jobs_of(config)
    deadline = clock.monotonic() + confirm_s
    await all_once(jobs, agent.round)
    step = pipeline.accept(tuple(seen), clock.wall())
    controls = {control.name for control in config.controls}
    done = 0
    while doubtful := _doubtful(seen[done:], step) - controls:
        if clock.monotonic() + config.boost.interval_s > deadline:
            break
        await asyncio.sleep(config.boost.interval_s)
        done = len(seen)
        await all_once(_only(jobs, doubtful | controls), agent.round)
        step = pipeline.accept(tuple(seen[done:]), clock.wall())
    return pipeline.finish(clock.wall() + LONGEST_TICK_S)


def _only(jobs: Iterable[Job], targets: set[str]) -> list[Job]:
    return [job for job in jobs if job.target in targets]


def _doubtful(observations: Iterable[Observation], step: Step) -> set[str]:
    """The targets that look bad and have no open incident that names a cause."""
    failing = {
        seen.target for seen in observations if isinstance(seen, HttpObservation) and seen.failure is not None
    }
    blamed = {name for name, verdict in step.verdicts.items() if verdict.cause not in _NOT_A_CAUSE}
    settled = {
        member
        for incident in step.open_incidents
        if incident.cause not in _NOT_A_CAUSE
        for member in (incident.target, *incident.members)
        if member is not None
    }
    return (failing | blamed) - settled


async def _deliver(config: Config, store: Store) -> int:
    if config.alert.mail is None:
        return 0
    outbox = Outbox(store, SmtpDelivery(settings=config.alert.mail), clock.wall)
    outbox.recover(clock.wall())
    try:
        async with asyncio.timeout(DELIVERY_S):
            return await outbox.run_once()
    except TimeoutError:
        return 0
