"""The connection to a NATS cluster, and the stream and buckets that whydown keeps there; makes what is missing.

    stream NAME            subjects NAME.PARTITION.facts|copy|mark   files, replicated, refuses what it cannot hold
    bucket NAME-leases     who does what                             files, replicated, no expiry
    bucket NAME-members    who is there                              memory, entries expire
    bucket NAME-epoch      a word that outlives no loss of memory    memory, replicated

One stream, so that its order is the order of all: a mark stands behind what it speaks of. A consumer of one
partition filters `NAME.PARTITION.*`, one that stores filters `NAME.*.facts`; nats-server 2.9 takes one filter
for a consumer.

The stream refuses new messages when it is full (`discard: new`): agents then keep what they have. The broker's own
default, to drop the oldest, would lose facts in silence.

Library errors become `BusError` here and in this folder, nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import TypeVar

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext, api
from nats.js.errors import BucketNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from monitor.bus.errors import BusError
from monitor.bus.nats.connecting import AGAIN_S, connect, reason
from monitor.model.settings import BusSettings

ANSWER_S = 5.0
"""For an answer of the cluster: the change of a leader takes one to four seconds."""

READY_S = 30.0
"""How long a start waits for a cluster that has no leader yet."""

DUPLICATE_WINDOW_S = 120.0
"""How long a broker knows a message by its id; what comes again later is refused by the store."""

MEMBER_S = 10.0
"""A member that has said nothing for so long is gone."""

LEASES, EPOCH, MEMBERS = "leases", "epoch", "members"

_log = structlog.get_logger("bus")

T = TypeVar("T")


class Broker:
    """An open connection. Close it, or use `open_broker`."""

    def __init__(self, settings: BusSettings, client: Client) -> None:
        self._client = client
        self.settings = settings
        self.stream = settings.name
        self.js: JetStreamContext = client.jetstream(timeout=ANSWER_S)
        self._buckets: dict[str, KeyValue] = {}

    def subject(self, partition: int | str, kind: str) -> str:
        """Where messages of a kind for a partition go; `*` for all."""
        return f"{self.stream}.{partition}.{kind}"

    async def publish(self, subject: str, body: bytes, message_id: str) -> int:
        """Put a message into the stream, once however often it is tried with this id; its place there.

        :raises BusError: it is not known whether the brokers hold it
        """
        with named_errors(f"publish to {subject}"):
            headers = {"Nats-Msg-Id": message_id}
            return int((await self.js.publish(subject, body, headers=headers, stream=self.stream)).seq)

    async def put_down(self, subject: str, body: bytes) -> None:
        """Put a message into the stream, behind all that is held already, and do not wait to hear of it.

        :raises BusError: there is no connection, and has not been for long
        """
        with named_errors(f"take {subject}"):
            await self._client.publish(subject, body)

    async def say(self, topic: str, body: bytes) -> None:
        """Tell who listens just now; nothing is kept."""
        with named_errors(f"say {topic}"):
            await self._client.publish(f"{self.stream}-{topic}", body)

    async def hear(self, topic: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        """Give what is said on a topic to `take`, until the connection closes."""

        async def heard(message: Msg) -> None:
            await take(message.data)

        with named_errors(f"hear {topic}"):
            await self._client.subscribe(f"{self.stream}-{topic}", cb=heard)

    def bucket(self, name: str) -> KeyValue:
        """LEASES, EPOCH or MEMBERS."""
        return self._buckets[name]

    async def state(self) -> api.StreamInfo:
        """How the stream is.

        :raises BusError: the cluster does not say
        """
        with named_errors("ask for the stream"):
            return await self.js.stream_info(self.stream)

    async def has(self, place: int, body: bytes) -> bool:
        """Whether a place has this very message, or is so old that it was forgotten.

        :raises BusError: the cluster does not say
        """
        with named_errors(f"show message {place}"):
            try:
                return (await self.js.get_msg(self.stream, seq=place)).data == body
            except NotFoundError:
                return place < int((await self.js.stream_info(self.stream)).state.first_seq)

    async def close(self) -> None:
        """Send what waits, and close. Closing twice is fine."""
        if self._client.is_closed:
            return
        with suppress(NatsError, TimeoutError, OSError):
            await asyncio.wait_for(self._client.flush(), 1.0)
        with suppress(NatsError, TimeoutError, OSError):
            await self._client.close()

    async def prepare(self) -> None:
        """Make stream and buckets, or bring them up to the configuration; waits while the cluster has no leader.

        :raises BusError: the cluster refused, or was not ready within READY_S
        """
        deadline = asyncio.get_running_loop().time() + READY_S
        while True:
            try:
                with named_errors("make the stream and buckets"):
                    await self._make_stream()
                    await self._make_buckets()
                return
            except BusError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(AGAIN_S)

    async def _make_stream(self) -> None:
        settings = self.settings
        wanted = api.StreamConfig(
            name=self.stream,
            subjects=[f"{self.stream}.*.*"],
            retention=api.RetentionPolicy.LIMITS,
            storage=api.StorageType.FILE,
            discard=api.DiscardPolicy.NEW,
            num_replicas=settings.replicas,
            max_age=settings.keep_s,
            max_bytes=settings.most_bytes,
            duplicate_window=DUPLICATE_WINDOW_S,
        )
        try:
            found = (await self.js.stream_info(self.stream)).config
        except NotFoundError:
            await self.js.add_stream(wanted)
            _log.info("stream_made", stream=self.stream, replicas=settings.replicas)
            return
        same = (found.num_replicas, found.max_age, found.max_bytes)
        if same != (wanted.num_replicas, wanted.max_age, wanted.max_bytes):
            await self.js.update_stream(wanted)

    async def _make_buckets(self) -> None:
        replicas, memory = self.settings.replicas, api.StorageType.MEMORY
        for config in (
            api.KeyValueConfig(bucket=LEASES, storage=api.StorageType.FILE, replicas=replicas),
            api.KeyValueConfig(bucket=EPOCH, storage=memory, replicas=replicas),
            api.KeyValueConfig(bucket=MEMBERS, storage=memory, replicas=replicas, ttl=MEMBER_S),
        ):
            self._buckets[config.bucket] = await self._made_bucket(config)

    async def find_buckets(self) -> None:
        """Use the buckets that are there.

        :raises BusError: one is missing, or the brokers did not answer
        """
        with named_errors("show their buckets"):
            for name in (LEASES, EPOCH, MEMBERS):
                self._buckets[name] = await self.js.key_value(f"{self.stream}-{name}")

    async def _made_bucket(self, config: api.KeyValueConfig) -> KeyValue:
        name = f"{self.stream}-{config.bucket}"
        try:
            return await self.js.key_value(name)
        except BucketNotFoundError:
            return await self.js.create_key_value(replace(config, bucket=name))


@asynccontextmanager
async def open_broker(settings: BusSettings, who: str) -> AsyncIterator[Broker]:
    """Connect and prepare; `who` is what brokers call this connection.

    :raises BusError: no broker is reached, or the cluster does not do
    """
    async with connected(settings, who) as broker:
        await broker.prepare()
        yield broker


@asynccontextmanager
async def connected(settings: BusSettings, who: str) -> AsyncIterator[Broker]:
    """Connect, and make nothing.

    :raises BusError: no broker is reached
    """
    client = await connect(settings, who)
    broker = Broker(settings, client)
    try:
        yield broker
    finally:
        await broker.close()


@contextmanager
def named_errors(what: str) -> Iterator[None]:
    """Make the library's errors one of ours that says what was tried."""
    try:
        yield
    except (NatsError, TimeoutError, OSError) as error:
        raise BusError(f"the brokers did not {what}: {reason(error)}") from error
