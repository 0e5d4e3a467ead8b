"""The BMP listener on real sockets: routers that come, speak, stall, lie and go."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager, suppress

import pytest

from monitor.bgp.sources import BmpSource
from monitor.bgp.sources.bmp_listener import MOST_ROUTERS
from monitor.model import FeedState, PeerState, RouteEvent, parse_prefix
from monitor.model.settings import BgpSource, BgpSourceKind

PATIENCE_S = 20.0


def feed(**kwargs) -> BgpSource:
    """A feed that listens on a free port of this machine."""
    return BgpSource(kind=BgpSourceKind.BMP, name="bmp", listen="127.0.0.1:0", **kwargs)


def message(kind: int, body: bytes) -> bytes:
    """A BMP message."""
    return struct.pack("!BIB", 3, 6 + len(body), kind) + body


def initiation(name: str) -> bytes:
    """What a router says first."""
    text = name.encode()
    return message(4, struct.pack("!HH", 2, len(text)) + text)


@pytest.fixture
def table(wire) -> bytes:
    """A peer that comes up, and a route of it."""
    header = struct.pack("!BB8x12x4sI4sII", 0, 0, bytes([198, 51, 100, 7]), 64500, bytes(4), 1, 0)
    opens = b"".join(
        wire.message(struct.pack("!BHH4sB", 4, asn, 180, bytes(4), 0), kind=1) for asn in (64999, 64500)
    )
    attributes = wire.attribute(2, wire.as_path([64500, 64510]))
    update = wire.update(attributes=attributes, announced=wire.nlri("203.0.113.0/24"))
    return message(3, header + bytes(20) + opens) + message(0, header + wire.message(update))


class Heard:
    """A sink that can be waited on."""

    def __init__(self) -> None:
        self.facts: list = []
        self._more = asyncio.Condition()

    async def __call__(self, facts) -> None:
        """Take facts."""
        async with self._more:
            self.facts += facts
            self._more.notify_all()

    async def until(self, enough) -> None:
        """Wait for facts of which this holds."""
        async with asyncio.timeout(PATIENCE_S), self._more:
            await self._more.wait_for(lambda: enough(self.facts))

    def states(self) -> list[tuple[str, bool, str]]:
        """What the feed said of itself."""
        return [(f.source, f.live, f.reason) for f in self.facts if isinstance(f, FeedState)]


@asynccontextmanager
async def listening(source: BgpSource):
    """A listener, what it says, and a way to connect."""
    heard = Heard()
    listener = BmpSource(source)
    running = asyncio.create_task(listener.run(heard))
    async with asyncio.timeout(PATIENCE_S):
        await listener.listening.wait()
    writers = []

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*listener.addresses[0])
        writers.append(writer)
        return reader, writer

    try:
        yield heard, connect
    finally:
        for writer in writers:
            writer.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_a_router_connects_tells_its_table_and_goes(table):
    """Its routes, and a gap from when it has gone, for itself and for the feed."""

    async def scenario() -> None:
        async with listening(feed()) as (heard, connect):
            _, writer = await connect()
            for byte in initiation("edge1") + table:
                writer.write(bytes([byte]))
                await writer.drain()
            await heard.until(lambda facts: any(isinstance(fact, RouteEvent) for fact in facts))
            writer.close()
            await heard.until(lambda facts: len(heard.states()) == 4)

        assert heard.states() == [
            ("bmp", True, ""),
            ("bmp/edge1", True, ""),
            ("bmp/edge1", False, "closed by the router"),
            ("bmp", False, "no router is connected"),
        ]
        (event,) = (fact for fact in heard.facts if isinstance(fact, RouteEvent))
        assert (event.collector, str(event.prefix), str(event.path)) == ("edge1", "203.0.113.0/24", "64500 64510")
        assert [(f.collector, f.up) for f in heard.facts if isinstance(f, PeerState)] == [
            ("edge1", True),
            ("edge1", False),
        ]

    asyncio.run(scenario())


def test_many_routers_are_told_apart(table):
    """Each has its own facts; while one is there the feed is not blind."""

    async def scenario() -> None:
        async with listening(feed()) as (heard, connect):
            writers = []
            for number in range(20):
                _, writer = await connect()
                writers.append(writer)
                writer.write(initiation(f"edge{number}") + table)
            await heard.until(lambda facts: sum(isinstance(fact, RouteEvent) for fact in facts) == 20)
            for writer in writers[1:]:
                writer.close()
            await heard.until(lambda facts: sum(not live for _, live, _ in heard.states()) == 19)

        assert {f.collector for f in heard.facts if isinstance(f, RouteEvent)} == {f"edge{n}" for n in range(20)}
        assert ("bmp", False, "no router is connected") not in heard.states()

    asyncio.run(scenario())


def test_a_second_session_of_a_router_takes_the_place_of_the_first(table):
    """It restarted, and the end of the old connection never came through."""

    async def scenario() -> None:
        async with listening(feed()) as (heard, connect):
            reader, first = await connect()
            first.write(initiation("edge1") + table)
            await heard.until(lambda facts: any(isinstance(fact, RouteEvent) for fact in facts))
            _, second = await connect()
            second.write(initiation("edge1") + table)
            await heard.until(lambda facts: sum(isinstance(fact, RouteEvent) for fact in facts) == 2)
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == b""

        assert [fact.up for fact in heard.facts if isinstance(fact, PeerState)] == [True, False, True]
        assert not [state for state in heard.states() if not state[1]]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "BMP version 71, not 3"),
        (struct.pack("!BIB", 3, 2**31, 0), "not in 6..1048576"),
        (struct.pack("!BIB", 3, 500, 0) + b"half", "closed in the middle of a message, after 10 bytes"),
        (message(5, struct.pack("!HHH", 1, 2, 3)), "terminated by the router, reason 3"),
    ],
)
def test_why_a_session_ended_is_said(sent, reason):
    """What cannot be read any more is hung up on."""

    async def scenario() -> None:
        async with listening(feed()) as (heard, connect):
            _, writer = await connect()
            writer.write(initiation("edge1"))
            await heard.until(lambda facts: len(facts) == 2)
            writer.write(sent)
            writer.write_eof()
            await heard.until(lambda facts: len(facts) == 4)

        assert reason in heard.states()[2][2]

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["", "x" * 65, "edge\x1b[2J", " edge"])
def test_a_router_without_a_usable_name_is_called_by_its_address(name):
    """Names stand in mails and on terminals."""

    async def scenario() -> None:
        async with listening(feed()) as (heard, connect):
            _, writer = await connect()
            writer.write(initiation(name))
            await heard.until(lambda facts: len(facts) == 2)

        assert heard.states()[1] == ("bmp/127.0.0.1", True, "")

    asyncio.run(scenario())


def test_strangers_are_refused():
    """Who may send can make hijacks appear and disappear."""

    async def scenario() -> None:
        async with listening(feed(senders=(parse_prefix("198.51.100.0/24"),))) as (heard, connect):
            reader, writer = await connect()
            writer.write(initiation("edge1"))
            # What was sent is thrown away unread, which may reset the connection.
            async with asyncio.timeout(PATIENCE_S):
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""

        assert heard.facts == []

    asyncio.run(scenario())


def test_connections_above_the_limit_are_refused():
    """Others are served on."""

    async def scenario() -> None:
        async with listening(feed()) as (heard, connect):
            for number in range(MOST_ROUTERS):
                _, writer = await connect()
                writer.write(initiation(f"edge{number}"))
            await heard.until(lambda facts: len(facts) == 2 * MOST_ROUTERS)
            reader, _ = await connect()
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == b""

    asyncio.run(scenario())


def test_a_slow_sink_makes_the_router_wait(table):
    """Nothing is thrown away, and no more is read than fits the buffers."""

    async def scenario() -> None:
        go_on, all_heard = asyncio.Event(), asyncio.Event()
        routes = 0

        async def sink(facts) -> None:
            nonlocal routes
            await go_on.wait()
            routes += sum(isinstance(fact, RouteEvent) for fact in facts)
            if routes == 2:
                all_heard.set()

        listener = BmpSource(feed())
        running = asyncio.create_task(listener.run(sink))
        await listener.listening.wait()
        _, writer = await asyncio.open_connection(*listener.addresses[0])
        # More than the kernel's buffers of both ends take.
        writer.write(initiation("edge1") + table + message(200, bytes(1_000_000)) * 40 + table)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await writer.drain()
        assert routes == 0
        go_on.set()
        async with asyncio.timeout(PATIENCE_S):
            await all_heard.wait()
        writer.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())
