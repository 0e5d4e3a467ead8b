"""One vantage with a hub of its own, in one process: what `whydown run` runs.

    schedule -> agent -> hub -> pipeline (history, engine) -> outbox -> mail server
                feeds ->  |
                          +-> boost -> schedule,  addresses -> feeds

This file makes the parts from a configuration, starts them in the order in which they need each other,
and stops them so that nothing that was measured is lost: first what measures, then what keeps, last what
tells. It draws nothing and parses no arguments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import structlog

from monitor.agent.agent import Agent
from monitor.agent.instruments import Instruments, NetworkInstruments
from monitor.agent.schedule import Schedule
from monitor.agent.timetable import Timetable, jobs_of
from monitor.alert.delivery import TemporaryError
from monitor.alert.mail import notices
from monitor.alert.outbox import Outbox
from monitor.alert.smtp import SmtpDelivery
from monitor.bgp.rpki import VrpTable
from monitor.diagnose.fact import Fact
from monitor.diagnose.knowledge import Knowledge
from monitor.history import Keep, Notice, Store, Tended
from monitor.hub.clock_step import ClockStep
from monitor.hub.feeds import Feeds
from monitor.hub.hub import Hub, Listeners
from monitor.hub.origin_lookups import OriginLookups
from monitor.hub.pipeline import GRACE_S, Pipeline, Step
from monitor.hub.reaction import Reaction
from monitor.hub.tables import TableLoader, Tables
from monitor.hub.warm_start import engine_from_history, origins_told
from monitor.model.incident import IncidentChange
from monitor.model.prefix import Prefix, covers
from monitor.model.settings import Config
from monitor.model.vrp import VrpChange
from monitor.station.board import Board
from monitor.station.trace_mode import log_trace_mode
from probes import Observation, clock
from probes.traceroute import permitted

DAY_S = 86400.0

CLOCK_CHECK_S = 5.0

TEND_S = 10.0
"""Between two looks whether the history has something to roll up or to forget."""

PATIENCE_S = 1.0
"""How long a stop waits for rounds to be told as stopped, when the hub takes nothing any more."""


class Station:
    """All parts of one monitor. `run` it once; `reload` while it runs. Make it inside a running loop.

    `board` is kept up to date for whoever shows it; `stepped` is called after each step of the pipeline.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        board: Board,
        stepped: Callable[[Step], object] = lambda step: None,
        instruments: Instruments | None = None,
    ) -> None:
        self._config = config
        self._store = store
        self._board = board
        self._stepped = stepped
        self._log = structlog.get_logger("station")
        self._tables, self._loader = Tables(), TableLoader()
        self._hub = Hub(Listeners(boost=self._boost, located=self._located, stepped=self._step_done))
        instruments = instruments or NetworkInstruments()
        self._agent = Agent(config, instruments, self._take)
        self._origins = OriginLookups(instruments.ask, self._take)
        timetable = Timetable(jobs_of(config), config.boost)
        self._schedule = Schedule(timetable, self._agent.round, self._take, vantage=config.vantage)
        self._feeds = Feeds(self._take)
        self._delivery = _delivery(config)
        self._outbox = Outbox(store, self._deliver, clock.wall)
        self._pipeline: Pipeline | None = None

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self._config

    @property
    def waiting(self) -> int:
        """Facts that are not stored yet."""
        return self._hub.waiting

    async def run(self, stop: asyncio.Event) -> None:
        """Monitor until `stop`; returns when all that was measured is stored.

        :raises ExceptionGroup: the history failed (HistoryError), or a part has a defect
        """
        hub_stop, outbox_stop = asyncio.Event(), asyncio.Event()
        self._outbox.recover(clock.wall())
        if self._config.traceroute.enabled:
            log_trace_mode(self._config.traceroute.method, permitted(), self._log)
        try:
            async with asyncio.TaskGroup() as group:
                self._schedule.start()
                hub = group.create_task(self._diagnose(hub_stop))
                group.create_task(self._outbox.run(outbox_stop))
                chores = [
                    group.create_task(chore)
                    for chore in (self._feeds.run(), self._origins.run(), self._tend(), self._watch_clock())
                ]
                await stop.wait()
                self._log.info("stopping", waiting=self.waiting)
                for chore in chores:
                    chore.cancel()
                await self._schedule.stop()
                hub_stop.set()
                await hub
                outbox_stop.set()
        finally:
            # After a failure the schedule still runs, and nobody takes its last words.
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self._schedule.stop()
            await self._agent.aclose()

    async def reload(self, config: Config) -> None:
        """Go on with another configuration. Baselines and open incidents are kept, through the history."""
        config = self._keep_what_needs_a_restart(config)
        before, self._config = self._config, config
        self._agent.configure(config)
        self._schedule.replace(jobs_of(config), config.boost)
        self._delivery = _delivery(config)
        self._board.keep_targets(_names(config))
        tables = await self._loader.load(config, self._tables)
        same_place = config.rpki.vrps == before.rpki.vrps
        changes = await self._vrp_changes(tables.vrps, self._tables.vrps) if same_place else ()
        self._tables = tables
        await self._take(changes)
        await self._renew_engine(changes)
        self._feeds.configure(config, self._tables.prefixes)
        self._origins.configure(config, self._tables.prefixes)
        self._log.info("reloaded", targets=len(config.targets), controls=len(config.controls))

    # What the parts call

    async def _take(self, facts: Sequence[Fact]) -> None:
        self._board.see(facts)
        await self._hub.put(facts)

    def _boost(self, target: str) -> None:
        # The controls with it: whether it is the target or this machine is the first question of all.
        for name in (target, *(control.name for control in self._config.controls)):
            self._schedule.boost(name)

    def _located(self, seen: Sequence[Observation]) -> None:
        self._feeds.learn(seen)
        self._origins.learn(seen)

    def _step_done(self, step: Step) -> None:
        if step.subjects:
            self._outbox.wake()
        self._stepped(step)

    def _deliver(self, notice: Notice, before_final_dot: Callable[[], None]) -> None:
        self._delivery(notice, before_final_dot)

    # Diagnosis

    async def _diagnose(self, stop: asyncio.Event) -> None:
        """Probing has begun already; its facts wait in the hub's queue while the engine remembers."""
        self._tables = await self._loader.load(self._config, self._tables)
        self._feeds.configure(self._config, self._tables.prefixes)
        self._origins.configure(self._config, self._tables.prefixes)
        now = clock.wall()
        self._origins.learn(await asyncio.to_thread(origins_told, self._store.path, now))
        engine = await asyncio.to_thread(engine_from_history, self._store.path, self._knowledge(), now)
        self._pipeline = Pipeline(self._store, engine, _notices_for(self._config))
        self._log.info(
            "started", vantage=self._config.vantage, targets=len(self._config.targets),
            controls=len(self._config.controls), history=str(self._store.path),
            open_incidents=len(engine.open_incidents), warm_up_s=round(clock.wall() - now, 2),
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            refresh = group.create_task(self._refresh_vrps())
            await self._hub.run(self._pipeline, Reaction(self._config.targets), stop)
            refresh.cancel()

    async def _renew_engine(self, coming: Sequence[VrpChange] = ()) -> None:
        pipeline = self._pipeline
        if pipeline is None:
            return  # still starting: it will start with the new configuration
        config, knowledge = self._config, self._knowledge()

        def change() -> None:
            # Younger facts wait in the pipeline, and will be fed to the new engine.
            engine = engine_from_history(self._store.path, knowledge, clock.wall() - GRACE_S, coming)
            pipeline.replace(engine, _notices_for(config))

        await self._hub.exchange(change, Reaction(config.targets))

    def _knowledge(self) -> Knowledge:
        tables = self._tables
        return Knowledge.from_config(
            self._config, prefix_table=tables.prefixes, vrps=tables.vrps, relationships=tables.relationships
        )

    # Chores

    async def _refresh_vrps(self) -> None:
        while True:
            await asyncio.sleep(self._config.rpki.refresh_s)
            before = self._tables.vrps
            vrps = await self._loader.load_vrps(self._config.rpki, before)
            if vrps is not before:
                self._tables = replace(self._tables, vrps=vrps)
                changes = await self._vrp_changes(vrps, before)
                await self._take(changes)
                await self._renew_engine(changes)

    async def _vrp_changes(self, vrps: VrpTable | None, before: VrpTable | None) -> tuple[VrpChange, ...]:
        """A ROA that comes or goes under a watched prefix changes what its routes are worth."""
        if vrps is None or before is None:
            return ()
        near = partial(_touches_any, tuple(self._feeds.watched))
        changes = await asyncio.to_thread(vrps.changes_since, before, near, clock.wall())
        for change in changes:
            self._log.warning("vrp_issued" if change.added else "vrp_gone", vrp=str(change.vrp))
        return changes

    async def _tend(self) -> None:
        """Roll up and forget, a piece at a time: between two of them the hub's facts are stored."""
        while True:
            tended, pieces, deleted = await self._tend_once(), 0, 0
            while tended.more:
                pieces, deleted = pieces + 1, deleted + tended.deleted
                tended = await self._tend_once()
            if deleted:
                self._log.info("forgotten", rows=deleted, pieces=pieces)
            await asyncio.sleep(TEND_S)

    async def _tend_once(self) -> Tended:
        history = self._config.history
        keep = Keep(
            facts_s=history.keep_days * DAY_S,
            minutes_s=history.keep_minutes_days * DAY_S,
            five_minutes_s=history.keep_five_minutes_days * DAY_S,
        )
        return await asyncio.to_thread(self._store.tend, clock.wall(), keep)

    async def _watch_clock(self) -> None:
        clock_step = ClockStep(clock.wall(), clock.monotonic())
        while True:
            await asyncio.sleep(CLOCK_CHECK_S)
            step_s = clock_step.seen(clock.wall(), clock.monotonic())
            if step_s:
                self._log.warning("clock_was_set", by_s=round(step_s, 1))
                self._schedule.realign()

    def _keep_what_needs_a_restart(self, config: Config) -> Config:
        old = self._config
        if config.history.path != old.history.path:
            self._log.warning("restart_needed", key="history.path", kept=str(old.history.path))
            config = replace(config, history=replace(config.history, path=old.history.path))
        if config.vantage != old.vantage:
            self._log.warning("restart_needed", key="vantage.name", kept=old.vantage)
            config = replace(config, vantage=old.vantage)
        return config


def _touches_any(watched: tuple[Prefix, ...], prefix: Prefix) -> bool:
    return any(covers(prefix, one) or covers(one, prefix) for one in watched)


def _names(config: Config) -> tuple[str, ...]:
    return (*(target.name for target in config.targets), *(control.name for control in config.controls))


def _notices_for(config: Config) -> Callable[[IncidentChange], tuple[Notice, ...]]:
    return lambda change: notices(change, config.alert)


def _delivery(config: Config) -> Callable[[Notice, Callable[[], None]], None]:
    mail = config.alert.mail
    if mail is not None:
        return SmtpDelivery(settings=mail)

    def nobody(notice: Notice, before_final_dot: Callable[[], None]) -> None:
        raise TemporaryError("the configuration names no mail server any more")

    return nobody
