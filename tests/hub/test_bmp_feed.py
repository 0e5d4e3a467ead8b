"""A configured BMP feed: it listens once it is known what to watch, and says when nobody is there."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence

from monitor.diagnose.fact import Fact
from monitor.hub.feeds import Feeds
from monitor.model.prefix import parse_prefix
from monitor.model.route import FeedState
from monitor.model.settings import BgpSource, BgpSourceKind, Config
from monitor.model.target import Target

PATIENCE_S = 20.0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def _connected(port: int) -> asyncio.StreamWriter:
    """A connection, as soon as somebody listens."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return (await asyncio.open_connection("127.0.0.1", port))[1]
            except ConnectionRefusedError:
                await asyncio.sleep(0)


def test_a_router_is_heard_of_and_its_end_too() -> None:
    """From the configuration to the facts; the end of the feed is a gap like any other."""
    port = _free_port()
    source = BgpSource(kind=BgpSourceKind.BMP, name="own", listen=f"127.0.0.1:{port}")
    shop = Target(name="shop", url="https://shop.example/", prefixes=(parse_prefix("203.0.113.0/24"),))
    facts: list[Fact] = []

    async def scenario() -> None:
        heard = asyncio.Event()

        async def sink(more: Sequence[Fact]) -> None:
            facts.extend(more)
            if any(isinstance(fact, FeedState) and fact.source == "own/edge1" for fact in more):
                heard.set()

        feeds = Feeds(sink)
        feeds.configure(Config(vantage="v", targets=(shop,), bgp=(source,)), None)
        running = asyncio.create_task(feeds.run())
        writer = await _connected(port)
        writer.write(struct.pack("!BIBHH", 3, 15, 4, 2, 5) + b"edge1")
        async with asyncio.timeout(PATIENCE_S):
            await heard.wait()
        running.cancel()
        await asyncio.wait({running})
        writer.close()

    asyncio.run(scenario())
    states = [(fact.source, fact.live, fact.reason) for fact in facts if isinstance(fact, FeedState)]

    assert states == [
        ("own", False, "no router is connected"),
        ("own", True, ""),
        ("own/edge1", True, ""),
        ("own", False, "stopped"),
    ]
