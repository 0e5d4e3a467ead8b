"""How the cluster, the stream and its readers are, for people who ask; makes nothing and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from nats.js import api
from nats.js.errors import NotFoundError

from monitor.bus.nats.broker import Broker, connected, named_errors
from monitor.bus.nats.lease import RENEW_S, Lease
from monitor.bus.nats.reader import STORES
from monitor.model.settings import BusSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class BusState:
    """`replicas`: brokers with the stream's content; `behind`: those of them that are not up to date.

    `waiting`: messages that no store has kept; `fetched`: whether a store asks for more, or was given some while
    it was looked at. `unowned`: tasks that nobody renewed meanwhile. `leader` None: the stream has none, so
    nothing can be written.
    """

    leader: str | None
    replicas: int
    behind: tuple[str, ...]
    bytes_held: int
    most_bytes: int
    waiting: int
    fetched: bool
    unowned: tuple[str, ...]


async def inspect(settings: BusSettings, tasks: Collection[str]) -> BusState | None:
    """How the bus is; `tasks`: what should have an owner. None: no role has run there yet.

    :raises BusError: no broker is reached, or the cluster does not answer
    """
    async with connected(settings, "doctor") as broker:
        with named_errors("tell how the stream is"):
            try:
                info = await broker.js.stream_info(broker.stream)
            except NotFoundError:
                return None
        before = await _stores(broker)
        unowned = await _unowned(broker, tasks)
        stores = await _stores(broker)
        cluster = info.cluster
        peers = (cluster.replicas or []) if cluster is not None else []
        return BusState(
            leader=cluster.leader if cluster is not None else broker.stream,
            replicas=1 + len(peers),
            behind=tuple(peer.name or "?" for peer in peers if not peer.current or peer.offline),
            bytes_held=info.state.bytes,
            most_bytes=settings.most_bytes,
            waiting=(stores.num_pending or 0) + (stores.num_ack_pending or 0) if stores else info.state.messages,
            fetched=_was_asked(before, stores),
            unowned=unowned,
        )


async def _stores(broker: Broker) -> api.ConsumerInfo | None:
    """How the stores' consumer is; None: there is none, as no store has run yet."""
    with named_errors("tell how the stores are"):
        try:
            found: api.ConsumerInfo = await broker.js.consumer_info(broker.stream, STORES)
        except NotFoundError:
            return None
    return found


def _was_asked(before: api.ConsumerInfo | None, after: api.ConsumerInfo | None) -> bool:
    """Whether a store waits, or has been given something: one that is behind never waits for long."""
    if after is None:
        return False
    given = [info.delivered.consumer_seq if info and info.delivered else 0 for info in (before, after)]
    return bool(after.num_waiting) or given[0] != given[1]


async def _unowned(broker: Broker, tasks: Collection[str]) -> tuple[str, ...]:
    """Those whose lease is given back, or was not renewed between two looks."""
    await broker.find_buckets()
    leases = [Lease(broker, task, "") for task in tasks]
    before = [await lease.revision_now() for lease in leases]
    await asyncio.sleep(1.5 * RENEW_S)
    after = [await lease.revision_now() for lease in leases]
    return tuple(lease.name for lease, old, new in zip(leases, before, after, strict=True) if old == new)
