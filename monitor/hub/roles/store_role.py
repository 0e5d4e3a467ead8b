"""The role that keeps: facts from the stream go into the history, in any number of processes.

A message is acknowledged after the commit of what it holds. One whose writer died, or whose acknowledgement was
lost, comes again to any writer, which finds its numbers settled. While the history cannot be written the
messages wait in the stream; nothing is given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import structlog

from monitor.bus.crate import Crate, CrateError, unpack_crate
from monitor.bus.errors import BusError
from monitor.bus.loading import joined
from monitor.bus.nats.broker import Broker
from monitor.bus.nats.connecting import AGAIN_S
from monitor.bus.nats.reader import Message, StoreReader, progress, trim
from monitor.bus.settling import Settling
from monitor.history import HistoryError
from monitor.history.shipment import Shipment
from monitor.hub.hub import BACKLOG_LASTS_S
from monitor.hub.keeping import DispatchStore, FactStore, Keeper, keep_once
from monitor.hub.roles.ended import ended
from monitor.hub.tending import TendedStore, tend
from monitor.model.settings import Config
from probes import clock

SETTLE_S = 10.0
"""Between two looks how far everything is kept, for what may be forgotten then."""

KEPT_BEHIND_S = 900.0
"""What is kept stays in the stream for so long: a diagnosis that begins anew reads the last minutes there."""

RETRY_S = 2.0

_log = structlog.get_logger("store")


class RoleStore(FactStore, DispatchStore, TendedStore, Protocol):
    """What this role needs of the history's writer."""


class StoreRole:
    """`run` it once; `reload` while it runs."""

    def __init__(self, config: Config, store: RoleStore, broker: Broker) -> None:
        self._config = config
        self._store = store
        self._keeper = Keeper(store)
        self._broker = broker
        self._reader = StoreReader(broker)
        self._settling = Settling()
        self._late_at: float | None = None
        self.stored = 0
        """Facts that this process has kept."""

    @property
    def takes_backlog(self) -> bool:
        """Whether facts of a backlog came to this process within the last seconds."""
        return self._late_at is not None and clock.monotonic() - self._late_at < BACKLOG_LASTS_S

    async def run(self, stop: asyncio.Event) -> None:
        """Keep until `stop`.

        :raises HistoryError: the history is broken for good
        """
        async with asyncio.TaskGroup() as group:
            tending = tend(self._store, lambda: self._config.history, is_busy=lambda: self.takes_backlog)
            chores = [group.create_task(one) for one in (self._settle(), tending)]
            while not stop.is_set():
                try:
                    found = await self._reader.fetch()
                except BusError as error:
                    _log.warning("facts_not_fetched", error=str(error))
                    await asyncio.sleep(AGAIN_S)
                    continue
                if found:
                    await self._keep([message for message, _ in found])
                    await self._reader.acknowledge([handle for _, handle in found])
            await ended(*chores)

    async def reload(self, config: Config) -> None:
        """Keep by another configuration."""
        self._config = config

    async def _keep(self, messages: Sequence[Message]) -> None:
        """All of these in the history, however long it takes."""
        crates = [(message.place, crate) for message in messages if (crate := _opened(message)) is not None]
        shipments = joined(one for place, crate in crates for one in self._settling.parted(crate.shipments, place))
        dispatches = [one for _, crate in crates for one in crate.dispatches]
        if any(one.late for one in shipments):
            self._late_at = clock.monotonic()

        def keep() -> int:
            kept = self._keeper.keep((), shipments)
            keep_once(self._store, dispatches)
            return kept.stored

        self.stored += await _patiently(keep) + sum(len(one.facts) for one in dispatches)

    def _keep_shipments(self, shipments: Sequence[Shipment]) -> int:
        return self._keeper.keep((), shipments).stored

    async def _settle(self) -> None:
        """Let vantages' old numbers be forgotten, and the stream what is kept."""
        ends: list[tuple[float, int]] = []
        while True:
            await asyncio.sleep(SETTLE_S)
            try:
                now = clock.monotonic()
                reached = await progress(self._broker)
                ends = [(at, end) for at, end in ends if end <= reached.end] + [(now, reached.end)]
                ripe = self._settling.ripe(reached.kept, reached.end)
                if ripe:
                    await _patiently(partial(self._keep_shipments, ripe))
                while len(ends) > 1 and ends[1][0] <= now - KEPT_BEHIND_S:
                    ends.pop(0)
                if ends[0][0] <= now - KEPT_BEHIND_S:
                    await trim(self._broker, min(ends[0][1], reached.kept))
            except BusError as error:
                _log.debug("not_settled", error=str(error))


async def _patiently(work: Callable[[], int]) -> int:
    """Do `work` in a thread, again and again while the history may yet come back.

    :raises HistoryError: it will not
    """
    while True:
        try:
            return await asyncio.to_thread(work)
        except HistoryError as error:
            if not error.can_retry:
                raise
            _log.warning("not_kept_yet", error=str(error), again_in_s=RETRY_S)
        await asyncio.sleep(RETRY_S)


def _opened(message: Message) -> Crate | None:
    """What is in a message; None: nobody can read it, ever."""
    try:
        return unpack_crate(message.body)
    except CrateError as error:
        _log.error("crate_not_read", place=message.place, error=str(error))
        return None
