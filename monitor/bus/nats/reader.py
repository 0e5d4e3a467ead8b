"""Reads the stream: the shared consumer of the stores, and each partition's own.

Stores share one durable consumer: a message is given to one of them, and again to any of them when it was not
acknowledged within `AGAIN_AFTER_S`. A partition's reader is alone, needs no acknowledgements and knows where it
is; when its consumer went with a broker, or left something out, it makes another one from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext, api

from monitor.bus.errors import BusError
from monitor.bus.nats.broker import Broker, named_errors
from monitor.bus.nats.connecting import AGAIN_S

AGAIN_AFTER_S = 30.0
"""Longer than a transaction takes on a busy disk."""

MOST_UNSETTLED = 2_000
"""Messages that stores may have in hand together."""

MOST_FETCHED = 100
"""Messages in one transaction of a store."""

WAIT_S = 1.0

SILENT_S = 5.0
"""Marks come every second; without a message for so long the consumer is taken for lost."""

FORGOTTEN_S = 60.0
"""A consumer that nobody asked for so long is forgotten by the brokers."""

WENT_BACK_S = 60.0
"""So much is read again when the stream has lost its end: longer than what brokers keep unwritten."""

STORES = "store"
"""The stores' consumer."""

_log = structlog.get_logger("bus")


@dataclass(frozen=True, slots=True)
class Message:
    """A message with its place in the stream. `kind`: the last word of its subject."""

    place: int
    kind: str
    body: bytes


class StoreReader:
    """What stores have to keep."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._subscription: JetStreamContext.PullSubscription | None = None

    async def fetch(self) -> list[tuple[Message, Msg]]:
        """The next messages, each with what acknowledges it; empty: there were none for a moment.

        :raises BusError: the brokers did not answer
        """
        if self._subscription is None:
            self._subscription = await self._subscribe()
        try:
            with named_errors("give the next facts"):
                found = await self._subscription.fetch(MOST_FETCHED, timeout=WAIT_S)
        except BusError as error:
            if isinstance(error.__cause__, TimeoutError):
                return []
            self._subscription = None
            raise
        return [(_message(one), one) for one in found]

    async def acknowledge(self, messages: Sequence[Msg]) -> None:
        """Say that they are kept. What is not heard of this comes again, and changes nothing."""
        for message in messages:
            with suppress(NatsError, OSError):
                await message.ack()

    async def _subscribe(self) -> JetStreamContext.PullSubscription:
        subject = self._broker.subject("*", "facts")
        with named_errors("make the consumer of the stores"):
            config = api.ConsumerConfig(
                ack_policy=api.AckPolicy.EXPLICIT,
                deliver_policy=api.DeliverPolicy.ALL,
                ack_wait=AGAIN_AFTER_S,
                max_ack_pending=MOST_UNSETTLED,
                max_deliver=-1,
            )
            return await self._broker.js.pull_subscribe(
                subject, durable=STORES, stream=self._broker.stream, config=config
            )


class PartitionReader:
    """A partition's messages in the order of the stream, each once. `start`: the first place, or a time."""

    def __init__(self, broker: Broker, partition: int, start: int | datetime) -> None:
        self._broker = broker
        self._subject = broker.subject(partition, "*")
        self._start = start
        self._subscription: JetStreamContext.PullSubscription | None = None
        self._followed = 0
        self._heard_at = 0.0
        self._given = b""
        self._given_at = datetime.now(UTC)
        self.last = 0
        """The place of the last message that was given."""

    async def fetch(self) -> list[Message]:
        """The next messages; empty: there were none for a moment."""
        try:
            if self._subscription is None:
                self._subscription = await self._subscribe()
            with named_errors("give the next facts"):
                found = await self._subscription.fetch(MOST_FETCHED, timeout=WAIT_S)
        except BusError as error:
            if not isinstance(error.__cause__, TimeoutError):
                _log.debug("partition_not_read", subject=self._subject, error=str(error))
                await self._begin_anew()
                await asyncio.sleep(AGAIN_S)
            elif asyncio.get_running_loop().time() - self._heard_at > SILENT_S:
                await self._begin_anew()
            return []
        self._heard_at = asyncio.get_running_loop().time()
        return await self._in_order(found)

    async def close(self) -> None:
        """Give the consumer up."""
        await self._begin_anew()

    async def _in_order(self, found: Sequence[Msg]) -> list[Message]:
        """Those that follow one another; at the first gap the rest is asked for anew."""
        given: list[Message] = []
        for one in found:
            number = one.metadata.sequence.consumer
            if number != self._followed + 1:
                _log.warning("partition_gap", subject=self._subject, after=self.last)
                await self._begin_anew()
                break
            self._followed = number
            message = _message(one)
            self.last, self._given, self._given_at = message.place, message.body, one.metadata.timestamp
            given.append(message)
        return given

    async def _subscribe(self) -> JetStreamContext.PullSubscription:
        self._followed = 0
        self._heard_at = asyncio.get_running_loop().time()
        start = await self._beginning()
        config = api.ConsumerConfig(
            ack_policy=api.AckPolicy.NONE,
            inactive_threshold=FORGOTTEN_S,
            mem_storage=True,
            num_replicas=1,
        )
        if isinstance(start, int):
            config.deliver_policy = api.DeliverPolicy.BY_START_SEQUENCE
            config.opt_start_seq = max(1, start)
        else:
            config.deliver_policy = api.DeliverPolicy.BY_START_TIME
            config.opt_start_time = start
        with named_errors(f"make a consumer of {self._subject}"):
            return await self._broker.js.pull_subscribe(self._subject, stream=self._broker.stream, config=config)

    async def _beginning(self) -> int | datetime:
        """The next place; or a time, where the last place has another message than the one that was given.

        Brokers that lost their last seconds give those places to other messages: what came since a minute before
        the last one is read again, and known by its numbers. A place that somebody left for us is older than that.
        """
        if not self.last:
            return self._start
        if await self._broker.has(self.last, self._given):
            return self.last + 1
        _log.warning("stream_went_back", subject=self._subject, after=self.last)
        self.last = 0
        self._start = self._given_at - timedelta(seconds=WENT_BACK_S)
        return self._start

    async def _begin_anew(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with suppress(NatsError, TimeoutError, OSError):
                await subscription.unsubscribe()


@dataclass(frozen=True, slots=True)
class Progress:
    """Places in the stream: `end` of the last message, `kept` of the last before which the stores have all."""

    kept: int
    end: int


async def progress(broker: Broker) -> Progress:
    """How far the stores are.

    :raises BusError: the brokers did not answer, or there is no store yet
    """
    end = int((await broker.state()).state.last_seq)
    with named_errors("say how far the stores are"):
        info = await broker.js.consumer_info(broker.stream, STORES)
    if not info.num_pending and not info.num_ack_pending:
        # Nothing is left to keep: what the stores' filter leaves out moves no floor.
        return Progress(end, end)
    return Progress(int(info.ack_floor.stream_seq) if info.ack_floor is not None else 0, end)


async def trim(broker: Broker, before: int) -> None:
    """Let the stream forget what stands before a place.

    :raises BusError: the brokers did not answer
    """
    with named_errors("forget what is kept"):
        await broker.js.purge_stream(broker.stream, seq=before)


def at_time(seconds: float) -> datetime:
    """A start for `PartitionReader`: Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def _message(one: Msg) -> Message:
    return Message(one.metadata.sequence.stream, one.subject.rpartition(".")[2], one.data)
