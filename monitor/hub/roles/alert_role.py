"""The role that tells people: one process at a time, by lease; the others wait.

It looks every second for changes of incidents that the history has and it has not seen, asks the desk what to
tell, and hands the messages to the outbox. After a takeover the desk reads what was told before, and tells the
difference. Twice is prevented where it counts: a message has a key that the history takes once, and is handed
to a server only from `pending`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from monitor.alert.channels import Channels
from monitor.alert.desk import Desk
from monitor.alert.outbox import Outbox
from monitor.bgp.rpki import VrpTable
from monitor.bus.nats.broker import Broker
from monitor.bus.nats.lease import Lease, held_on, taken
from monitor.history import HistoryError, Notice, Reader, Store
from monitor.hub.roles.either import done_before
from monitor.hub.roles.ended import ended
from monitor.hub.tables import TableLoader
from monitor.model.incident import IncidentChange
from monitor.model.settings import Config
from probes import clock

LOOK_S = 1.0

TELL_S = 5.0
"""Between two looks whether something is to be told because time went on."""

OVERLAP_S = 600.0
"""Changes are looked for so far back: they are dated by the stream, which may stand still."""

_log = structlog.get_logger("alert")


class AlertRole:
    """`run` it once; `reload` while it runs. `who`: of this process."""

    def __init__(self, config: Config, store: Store, broker: Broker, who: str) -> None:
        self._config = config
        self._store = store
        self._broker = broker
        self._who = who
        self._vrps: VrpTable | None = None
        self._delivery = Channels(config.alert)
        self._outbox: Outbox | None = None

    @property
    def looked_at(self) -> float | None:
        """When it last looked what is to be sent, by the monotonic clock; None: another process does."""
        return None if self._outbox is None else self._outbox.looked_at

    @property
    def untold_since(self) -> float | None:
        """Since when (monotonic) nobody takes what is to be told; None: they do, or another process tells."""
        return None if self._outbox is None else self._outbox.refused_since

    async def run(self, stop: asyncio.Event) -> None:
        """Tell people until `stop`, while the lease is ours.

        :raises HistoryError: the history is broken for good
        :raises BusError: the brokers cannot be used
        """
        lease = Lease(self._broker, "alert", self._who)
        try:
            while await done_before(stop, taken(lease)):
                _log.info("tells", who=self._who)
                await self._tell_while(lease, stop)
                await asyncio.to_thread(self._store.stop_telling)
                self._outbox = None
                _log.info("tells_no_more", who=self._who)
        finally:
            await lease.give_back(b"")

    async def reload(self, config: Config) -> None:
        """Tell by another configuration."""
        self._config = config
        self._delivery = Channels(config.alert)

    async def _tell_while(self, lease: Lease, stop: asyncio.Event) -> None:
        self._vrps = await TableLoader().load_vrps(self._config.rpki, self._vrps)
        desk = Desk(self._store.place, lambda: None if self._vrps is None else self._vrps.validate)
        outbox = self._outbox = Outbox(self._store, self._deliver, clock.wall)
        outbox_stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(outbox.run(outbox_stop))
            chores = [
                group.create_task(one) for one in (self._enter_changes(desk, outbox), self._tell(desk, outbox))
            ]
            await done_before(stop, held_on(lease))
            await ended(*chores)
            outbox_stop.set()

    async def _enter_changes(self, desk: Desk, outbox: Outbox) -> None:
        """Every change once, in its incident's order; what there was before is in the desk's own ledger."""
        known = {change.incident.id: change.sequence for change in await self._changes()}
        await self._owe(lambda: desk.due(clock.wall(), self._config), outbox)
        while True:
            for change in await self._changes():
                if change.sequence > known.get(change.incident.id, 0):
                    known[change.incident.id] = change.sequence
                    await self._owe(partial(desk.told, change, self._config), outbox)
            await asyncio.sleep(LOOK_S)

    async def _tell(self, desk: Desk, outbox: Outbox) -> None:
        """What is due because time went on."""
        while True:
            await asyncio.sleep(TELL_S)
            await self._owe(lambda: desk.due(clock.wall(), self._config), outbox)

    async def _changes(self) -> list[IncidentChange]:
        """The changes of the last minutes, oldest first; none while the history is away."""
        since = clock.wall() - OVERLAP_S

        def read() -> list[IncidentChange]:
            with Reader.open(self._store.place) as reader:
                return reader.changes_since(since)

        try:
            return await asyncio.to_thread(read)
        except HistoryError as error:
            if not error.can_retry:
                raise
            _log.warning("changes_not_seen", error=str(error))
            return []

    async def _owe(self, find: Callable[[], Sequence[Notice]], outbox: Outbox) -> None:
        """Keep the messages that are due, however long the history is away: they are told once only."""
        try:
            notices = await asyncio.to_thread(find)
        except Exception:
            # A defect in telling must not end the telling of everything else.
            _log.exception("not_told")
            return
        while notices:
            try:
                await asyncio.to_thread(self._store.save_changes, [], notices)
                break
            except HistoryError as error:
                if not error.can_retry:
                    raise
                _log.warning("messages_not_kept_yet", error=str(error))
            await asyncio.sleep(LOOK_S)
        outbox.wake()

    def _deliver(self, notice: Notice, before_final_dot: Callable[[], None]) -> None:
        self._delivery(notice, before_final_dot)
