"""RIS Live over HTTP, and when it stands in for the websocket: the client against a real server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from monitor.bgp.ris_live import MAX_LINE_BYTES
from monitor.bgp.sources import FeedTimes, RisLiveSource
from monitor.demo.ris_live_client import STREAM_PATH, WEBSOCKET_PATH
from monitor.demo.ris_live_server import RisLiveServer
from monitor.model import FeedState, RouteEvent, RouteFact, parse_prefix
from monitor.model.settings import BgpSource, BgpSourceKind, RisLiveTransport

NET, OTHER = parse_prefix("203.0.113.0/24"), parse_prefix("2001:db8::/32")
QUICK = FeedTimes(ping_s=0.05, open_s=5, backoff_s=0.01, max_backoff_s=0.02, overlap_s=0.1)
DEADLINE_S = 20


class Facts:
    """A sink that keeps facts and lets a test wait for some."""

    def __init__(self) -> None:
        self.all: list[RouteFact] = []
        self._more = asyncio.Condition()

    async def __call__(self, facts: Sequence[RouteFact]) -> None:
        """Take facts."""
        async with self._more:
            self.all += facts
            self._more.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once something holds of the facts so far."""
        async with asyncio.timeout(DEADLINE_S), self._more:
            await self._more.wait_for(condition)

    async def lives(self, count: int) -> None:
        """Return once the feed became live so many times."""
        await self.until(lambda: sum(live for live, _ in self.states()) >= count)

    async def events(self, count: int) -> None:
        """Return once there are so many route events."""
        await self.until(lambda: len(self.prefixes()) >= count)

    def states(self) -> list[tuple[bool, str]]:
        """The feed's states, in order."""
        return [(fact.live, fact.reason) for fact in self.all if isinstance(fact, FeedState)]

    def prefixes(self) -> list[str]:
        """The prefixes of the route events, in order."""
        return [str(fact.prefix) for fact in self.all if isinstance(fact, RouteEvent)]


def update(prefix: str, number: int = 0) -> dict[str, object]:
    """An UPDATE that announces a prefix, with an id as the real ones have."""
    return {
        "type": "UPDATE", "timestamp": 1.0, "peer": "198.51.100.1", "peer_asn": "64500", "host": "rrc00",
        "id": f"198.51.100.1-{number}", "path": [64500, 64501],
        "announcements": [{"next_hop": "198.51.100.1", "prefixes": [prefix]}],
    }  # fmt: skip


def client(server: RisLiveServer, transport: str, times: FeedTimes = QUICK) -> RisLiveSource:
    """A client with short pauses."""
    source = BgpSource(
        kind=BgpSourceKind.RIS_LIVE, name="ris", url=server.url, transport=RisLiveTransport(transport)
    )
    return RisLiveSource(source, (NET,), times=times)


@asynccontextmanager
async def running(feed: RisLiveSource, facts: Facts) -> AsyncIterator[None]:
    """Run a feed, and cancel it at the end."""
    task = asyncio.create_task(feed.run(facts))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Return once something holds that has no event."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_the_stream_brings_the_same_facts_and_counts() -> None:
    """Equal, more specific and less specific; nothing else."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(feed := client(server, "http"), facts):
            await facts.lives(1)
            for number, prefix in enumerate(("203.0.113.0/25", "203.0.112.0/22", "198.51.100.0/24")):
                await server.push(update(prefix, number))
            await server.send_text("{")
            await facts.events(2)
            await until(lambda: feed.counts.received == 3)

            assert facts.prefixes() == ["203.0.113.0/25", "203.0.112.0/22"]
            assert facts.states() == [(True, "")]
            assert (feed.counts.parsed, feed.counts.relevant, feed.counts.bad) == (2, 2, 1)

    asyncio.run(scenario())


def test_a_changed_watch_is_heard_without_a_gap_and_nothing_twice() -> None:
    """The next stream is open before the old one is closed; what both bring in between counts once."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(feed := client(server, "http"), facts):
            await facts.lives(1)
            feed.update_watch([NET, OTHER])
            sent = 0
            async with asyncio.timeout(DEADLINE_S):
                while OTHER not in server.subscribed():
                    sent += await server.push(update("203.0.113.0/24", number=sent)) > 0
                    await asyncio.sleep(0)
            both = await server.push(update("203.0.113.0/24", number=sent))
            await until(lambda: server.clients == 1)
            await server.push(update("2001:db8:1::/48"))
            await facts.events(sent + 2)

            assert both == 2
            assert facts.prefixes() == ["203.0.113.0/24"] * (sent + 1) + ["2001:db8:1::/48"]
            assert facts.states() == [(True, "")]

    asyncio.run(scenario())


def test_auto_takes_the_stream_where_no_websocket_is_to_be_had() -> None:
    """A proxy that refuses upgrades; the gap before is told as one."""

    async def scenario() -> None:
        facts = Facts()
        refusing = RisLiveServer(closed_paths={WEBSOCKET_PATH})
        async with refusing as server, running(client(server, "auto"), facts):
            await facts.lives(1)
            await server.push(update("203.0.113.0/24"))
            await facts.events(1)

        ((live, reason), *others) = facts.states()
        assert (live, others) == (False, [(True, "")])
        assert "503" in reason

    asyncio.run(scenario())


def test_auto_comes_back_to_the_websocket_when_that_is_there_again() -> None:
    """The stream is the second best: it knows no ping."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer(closed_paths={WEBSOCKET_PATH}) as server, running(client(server, "auto"), facts):
            await facts.lives(1)
            server.closed_paths = frozenset({STREAM_PATH})
            await server.drop_clients("going down")
            await facts.lives(2)

        assert facts.states()[2:] == [
            (False, "the server closed the stream: the server says going down"),
            (True, ""),
        ]

    asyncio.run(scenario())


@pytest.mark.parametrize(("transport", "closed"), [("websocket", WEBSOCKET_PATH), ("http", STREAM_PATH)])
def test_a_configured_transport_is_the_only_one(transport: str, closed: str) -> None:
    """Who forbids one of them has a reason."""

    async def scenario() -> None:
        facts, attempts = Facts(), 0

        async def wait(seconds: float) -> None:
            nonlocal attempts
            attempts += 1
            await asyncio.sleep(0)

        async with RisLiveServer(closed_paths={closed}) as server:
            source = BgpSource(
                kind=BgpSourceKind.RIS_LIVE, name="ris", url=server.url, transport=RisLiveTransport(transport)
            )
            async with running(RisLiveSource(source, (NET,), times=QUICK, wait=wait), facts):
                await until(lambda: attempts >= 5)

        ((live, reason),) = facts.states()
        assert not live
        assert "503" in reason

    asyncio.run(scenario())


def test_a_line_without_end_is_one_bad_line() -> None:
    """In bounded memory, and what comes behind it is read."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(feed := client(server, "http"), facts):
            await facts.lives(1)
            await server.send_text("x" * (3 * MAX_LINE_BYTES))
            await server.push(update("203.0.113.0/24"))
            await facts.events(1)

            assert (feed.counts.bad, feed.counts.received) == (1, 2)
            assert feed.last_error == f"line of {MAX_LINE_BYTES + 1} bytes, above {MAX_LINE_BYTES}"

    asyncio.run(scenario())


def test_after_a_long_silence_another_stream_must_prove_that_the_server_is_there() -> None:
    """A quiet prefix and a server that is gone look alike; the near miss is that nothing was wrong."""

    async def scenario() -> None:
        facts = Facts()
        times = FeedTimes(open_s=5, renew_s=0.05, overlap_s=0.01, backoff_s=0.01, max_backoff_s=0.02)
        async with RisLiveServer() as server, running(client(server, "http", times), facts):
            await facts.lives(1)
            seen: set[int] = set()
            await until(lambda: seen.add(server.arrivals) or len(seen) > 3)
            assert facts.states() == [(True, "")]
            server.closed_paths = frozenset({STREAM_PATH})
            await facts.until(lambda: len(facts.states()) == 2)

        assert facts.states()[1] == (False, "the server answers 503")

    asyncio.run(scenario())


def test_nothing_to_watch_ends_the_stream_and_watching_again_begins_one() -> None:
    """Without a filter the server would send the routes of the whole world."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(feed := client(server, "http"), facts):
            await facts.lives(1)
            feed.update_watch([])
            await until(lambda: server.clients == 0)
            feed.update_watch([OTHER])
            await facts.lives(2)

            assert server.subscribed() == {OTHER}
            assert facts.states()[1] == (False, "nothing to watch")

    asyncio.run(scenario())
