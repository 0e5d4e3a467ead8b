"""The judging half of a monitor: what was measured is stored, diagnosed and told, whoever measured it.

    facts, shipments -> hub -> pipeline (history, engine) -> outbox -> mail server
              feeds ->  |
                        +-> boost, addresses -> feeds

It makes its parts from a configuration, starts them in the order in which they need each other, and stops them
so that nothing that came is lost: first what listens, then what keeps, last what tells. It does not probe, and
knows no agent but by the name in its facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from monitor.alert.channels import Channels
from monitor.alert.delivery import PermanentError
from monitor.alert.desk import Desk
from monitor.alert.outbox import Outbox
from monitor.diagnose.fact import Fact
from monitor.diagnose.knowledge import Knowledge
from monitor.history import Notice, Store
from monitor.history.shipment import Shipment, Taken
from monitor.hub.feeds import Feeds
from monitor.hub.hub import Hub
from monitor.hub.judging import GRACE_S, Step
from monitor.hub.lookout import Listeners
from monitor.hub.origin_lookups import Asking, OriginLookups
from monitor.hub.pipeline import Pipeline
from monitor.hub.reaction import Reaction
from monitor.hub.tables import TableLoader, Tables
from monitor.hub.tending import tend
from monitor.hub.vrp_news import vrp_changes
from monitor.hub.warm_start import engine_from_history, file_marks, origins_told
from monitor.model.incident import IncidentChange
from monitor.model.settings import Config
from monitor.model.vrp import VrpChange
from probes import Observation, clock

TELL_S = 5.0
"""Between two looks whether something is to be told because time went on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom the centre tells; all are called on the event loop's thread and return at once.

    `boost` a target to probe faster; `look`: from one vantage (target, vantage); `heard` the facts as they
    come; `stepped` after each step of the pipeline; `sent` with the key of a message that was taken.
    `notices`: the messages that are due with a change; `due`: because time went on. `overtaken`: why one that is
    owed shall not be sent any more. These three are called on other threads.
    """

    boost: Callable[[str], object]
    look: Callable[[str, str], object]
    heard: Callable[[Sequence[Fact]], object]
    stepped: Callable[[Step], object]
    notices: Callable[[IncidentChange, Config, Desk], Sequence[Notice]] = lambda change, config, desk: desk.told(
        change, config
    )
    due: Callable[[float, Config, Desk], Sequence[Notice]] = lambda now, config, desk: desk.due(now, config)
    overtaken: Callable[[Notice], str | None] = lambda notice: None
    sent: Callable[[str], object] = lambda key: None


class Centre:
    """Takes facts from the start. `run` it once; `reload` while it runs. Make it inside a running loop.

    `ask`: how a DNS service is asked whose an address is, where the configuration names one.
    """

    def __init__(self, config: Config, store: Store, audience: Audience, ask: Asking) -> None:
        self._config = config
        self._store = store
        self._audience = audience
        self._log = structlog.get_logger("centre")
        self._tables, self._loader = Tables(), TableLoader()
        self._hub = Hub(
            Listeners(boost=audience.boost, look=audience.look, located=self._located, stepped=self._step_done)
        )
        self._feeds = Feeds(self.put, partial(file_marks, store.place))
        self._origins = OriginLookups(ask, self.put)
        self._delivery = Channels(config.alert)
        self._desk = Desk(store.place, lambda: None if self._tables.vrps is None else self._tables.vrps.validate)
        self._outbox = Outbox(store, self._deliver, clock.wall, sent=audience.sent)
        self._pipeline: Pipeline | None = None

    @property
    def waiting(self) -> int:
        """Facts and shipments that are not stored yet."""
        return self._hub.waiting

    @property
    def outbox(self) -> Outbox:
        """What is owed to people."""
        return self._outbox

    async def put(self, facts: Sequence[Fact]) -> None:
        """Take facts; waits while too many wait already."""
        self._audience.heard(facts)
        await self._hub.put(facts)

    async def take(self, shipment: Shipment) -> Taken | None:
        """Take an agent's shipment, and say when it is durable what became of it; see `Hub.take`."""
        taken = await self._hub.take(shipment)
        if taken is not None and not shipment.late:
            self._audience.heard(taken.fresh)  # an outage's backlog says nothing of now
        return taken

    async def owe(self, messages: Sequence[Notice]) -> None:
        """Send these messages too."""
        await asyncio.to_thread(self._store.save_changes, [], messages)
        self._outbox.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; returns when all that came is stored.

        :raises ExceptionGroup: the history failed (HistoryError), or a part has a defect
        """
        hub_stop, outbox_stop = asyncio.Event(), asyncio.Event()
        self._outbox.recover(clock.wall())
        tending = tend(self._store, lambda: self._config.history, is_busy=lambda: self._hub.takes_backlog)
        async with asyncio.TaskGroup() as group:
            hub = group.create_task(self._diagnose(hub_stop))
            group.create_task(self._outbox.run(outbox_stop))
            chores = [
                group.create_task(chore)
                for chore in (self._feeds.run(), self._origins.run(), tending, self._tell())
            ]
            await stop.wait()
            for chore in chores:
                chore.cancel()
            hub_stop.set()
            await hub
            outbox_stop.set()

    async def reload(self, config: Config) -> None:
        """Go on with another configuration. Baselines and open incidents are kept, through the history."""
        before, self._config = self._config, config
        self._delivery = Channels(config.alert)
        tables = await self._loader.load(config, self._tables)
        same_place = config.rpki.vrps == before.rpki.vrps
        changes = await vrp_changes(tables.vrps, self._tables.vrps, self._feeds.watched) if same_place else ()
        self._tables = tables
        await self.put(changes)
        await self._renew_engine(changes)
        self._feeds.configure(config, self._tables.prefixes)
        self._origins.configure(config, self._tables.prefixes)

    # What the parts call

    def _located(self, seen: Sequence[Observation]) -> None:
        self._feeds.learn(seen)
        self._origins.learn(seen)

    def _step_done(self, step: Step) -> None:
        if step.subjects:
            self._outbox.wake()
        self._audience.stepped(step)

    def _deliver(self, notice: Notice, before_final_dot: Callable[[], None]) -> None:
        if (reason := self._audience.overtaken(notice)) is not None:
            raise PermanentError(reason)
        self._delivery(notice, before_final_dot)

    def _notices_for(self, change: IncidentChange) -> Sequence[Notice]:
        return self._audience.notices(change, self._config, self._desk)

    # Diagnosis

    async def _diagnose(self, stop: asyncio.Event) -> None:
        """Probing has begun already; its facts wait in the hub's queue while the engine remembers."""
        self._tables = await self._loader.load(self._config, self._tables)
        self._feeds.configure(self._config, self._tables.prefixes)
        self._origins.configure(self._config, self._tables.prefixes)
        now = clock.wall()
        self._origins.learn(await asyncio.to_thread(origins_told, self._store.place, now))
        engine = await asyncio.to_thread(engine_from_history, self._store.place, self._knowledge(), now)
        self._pipeline = Pipeline(self._store, engine, self._notices_for)
        self._log.info(
            "started", vantage=self._config.vantage, targets=len(self._config.targets),
            controls=len(self._config.controls), history=str(self._store.place),
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
        knowledge = self._knowledge()

        def change() -> None:
            # Younger facts wait in the pipeline, and will be fed to the new engine.
            pipeline.replace(engine_from_history(self._store.place, knowledge, clock.wall() - GRACE_S, coming))

        await self._hub.exchange(change, Reaction(self._config.targets))

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
                changes = await vrp_changes(vrps, before, self._feeds.watched)
                await self.put(changes)
                await self._renew_engine(changes)

    async def _tell(self) -> None:
        """Send what is due because time went on, once the engine knows what is open."""
        while True:
            await asyncio.sleep(TELL_S)
            if self._pipeline is None:
                continue
            try:
                due = await asyncio.to_thread(self._audience.due, clock.wall(), self._config, self._desk)
            except Exception:
                # As in the pipeline: a defect in telling must not end the monitor in the middle of an incident.
                self._log.exception("not_told")
                continue
            if due:
                await self.owe(due)
