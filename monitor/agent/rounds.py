"""The measuring half of a monitor: the agent's rounds at their times, in step with the wall clock.

    schedule -> agent -> `take`

`take` is the seam: a hub in the same process, or a spool. Who takes the facts, and what they mean, is not known
here.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from monitor.agent.agent import Agent, Sink
from monitor.agent.clock_step import ClockStep
from monitor.agent.instruments import Instruments
from monitor.agent.schedule import Schedule
from monitor.agent.timetable import Timetable, jobs_of
from monitor.model.settings import Config
from probes import clock

CLOCK_CHECK_S = 5.0

PATIENCE_S = 1.0
"""How long an end waits for rounds to be told as stopped, when nobody takes them any more."""


class Rounds:
    """Start them once, inside a running loop; `configure` and `boost` while they run."""

    def __init__(self, config: Config, instruments: Instruments, take: Sink) -> None:
        self._config = config
        self._agent = Agent(config, instruments, take)
        timetable = Timetable(jobs_of(config), config.boost)
        self._schedule = Schedule(timetable, self._agent.round, take, vantage=config.vantage)
        self._log = structlog.get_logger("rounds")

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self._config

    def configure(self, config: Config) -> None:
        """Probe by another configuration from now on."""
        self._config = config
        self._agent.configure(config)
        self._schedule.replace(jobs_of(config), config.boost)

    def boost(self, target: str) -> None:
        """Look closer at a target, and at the controls: whether it is the target or this machine comes first."""
        for name in (target, *(control.name for control in self._config.controls)):
            self._schedule.boost(name)

    async def run(self, stop: asyncio.Event) -> None:
        """Probe until `stop`; returns when what was under way has been told."""
        self._schedule.start()
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch_clock())
                await stop.wait()
                watch.cancel()
                await self._schedule.stop()
        finally:
            # After a failure the schedule still runs, and nobody takes its last words.
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self._schedule.stop()
            await self._agent.aclose()

    async def _watch_clock(self) -> None:
        clock_step = ClockStep(clock.wall(), clock.monotonic())
        while True:
            await asyncio.sleep(CLOCK_CHECK_S)
            step_s = clock_step.seen(clock.wall(), clock.monotonic())
            if step_s:
                self._log.warning("clock_was_set", by_s=round(step_s, 1))
                self._schedule.realign()
