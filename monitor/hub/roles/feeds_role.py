"""The role that listens to BGP and asks whose addresses are: one process at a time, by lease; the others wait.

What it hears goes into the stream, where stores keep it and every partition gets it. What is to be watched it
learns from the partitions, which tell it of addresses that are new.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import structlog

from monitor.bus.crate import CrateError, unpack_crate
from monitor.bus.nats.broker import Broker
from monitor.bus.nats.lease import Lease, held_on, taken
from monitor.bus.nats.sender import Sender
from monitor.bus.partition import Partitions
from monitor.diagnose.fact import parted
from monitor.hub.feeds import Feeds, Sink
from monitor.hub.origin_lookups import Asking, OriginLookups
from monitor.hub.roles.either import done_before
from monitor.hub.roles.ended import ended
from monitor.hub.roles.topics import MET
from monitor.hub.tables import TableLoader, Tables
from monitor.hub.vrp_news import vrp_changes
from monitor.hub.warm_start import file_marks, origins_told
from monitor.model.history_place import HistoryPlace
from monitor.model.settings import Config
from probes import clock

SOURCE = "~feeds"

_log = structlog.get_logger("feeds")


class FeedsRole:
    """`run` it once; `reload` while it runs. `who`: of this process; `ask`: how a DNS service is asked."""

    def __init__(self, config: Config, place: HistoryPlace, broker: Broker, who: str, ask: Asking) -> None:
        self._config = config
        self._place = place
        self._broker = broker
        self._who = who
        self._ask = ask
        self._tables, self._loader = Tables(), TableLoader()
        self._feeds: Feeds | None = None
        self._origins: OriginLookups | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop`, while the lease is ours.

        :raises BusError: the brokers cannot be used
        """
        lease = Lease(self._broker, "feeds", self._who)
        await self._broker.hear(MET, self._met)
        try:
            while await done_before(stop, taken(lease)):
                _log.info("listens", who=self._who)
                await self._listen_while(lease, stop)
                _log.info("listens_no_more", who=self._who)
        finally:
            await lease.give_back(b"")

    async def reload(self, config: Config) -> None:
        """Listen by another configuration."""
        self._config = config
        self._tables = await self._loader.load(config, self._tables)
        if self._feeds is not None and self._origins is not None:
            self._feeds.configure(config, self._tables.prefixes)
            self._origins.configure(config, self._tables.prefixes)

    async def _listen_while(self, lease: Lease, stop: asyncio.Event) -> None:
        self._tables = await self._loader.load(self._config, self._tables)
        partitions = Partitions(self._config.targets, self._broker.settings.partitions)
        sender = Sender(self._broker, partitions, f"{self._who}-{lease.revision}", SOURCE, agents=False)
        feeds = self._feeds = Feeds(sender.put, partial(file_marks, self._place))
        origins = self._origins = OriginLookups(self._ask, sender.put)
        feeds.configure(self._config, self._tables.prefixes)
        origins.configure(self._config, self._tables.prefixes)
        origins.learn(await asyncio.to_thread(origins_told, self._place, clock.wall()))
        sent = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(sender.run(sent))
            chores = [
                group.create_task(one)
                for one in (feeds.run(), origins.run(), self._refresh_vrps(feeds, sender.put))
            ]
            still_ours = not await done_before(stop, held_on(lease))
            await ended(*chores)
            sent.set()
            if not still_ours:
                # Another process listens; what is left here would be heard twice.
                sending.cancel()
        self._feeds = self._origins = None

    async def _met(self, body: bytes) -> None:
        """A partition has met addresses that it had not met lately."""
        if self._feeds is None or self._origins is None:
            return
        try:
            crate = unpack_crate(body)
        except CrateError as error:
            _log.debug("not_read", error=str(error))
            return
        for dispatch in crate.dispatches:
            seen, _ = parted(dispatch.facts)
            self._feeds.learn(seen)
            self._origins.learn(seen)

    async def _refresh_vrps(self, feeds: Feeds, put: Sink) -> None:
        while True:
            await asyncio.sleep(self._config.rpki.refresh_s)
            before = self._tables.vrps
            vrps = await self._loader.load_vrps(self._config.rpki, before)
            if vrps is not before:
                self._tables = replace(self._tables, vrps=vrps)
                await put(await vrp_changes(vrps, before, feeds.watched))
