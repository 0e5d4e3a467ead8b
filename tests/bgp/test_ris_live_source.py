"""The RIS Live client against a real server on loopback that speaks its protocol."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import serve

from monitor.bgp.ris_live import MAX_LINE_BYTES
from monitor.bgp.sources import FeedTimes, RisLiveSource
from monitor.bgp.sources.ris_live_feed import LATE_S
from monitor.bgp.sources.ris_live_session import MOST_BAD_IN_A_ROW
from monitor.bgp.watch import Watch
from monitor.demo.ris_live_server import RisLiveServer
from monitor.model import FeedState, FeedTally, RouteEvent, parse_prefix
from monitor.model.settings import BgpSource, BgpSourceKind
from probes import clock

NET = parse_prefix("203.0.113.0/24")
QUICK = FeedTimes(ping_s=0.05, stale_s=5, acknowledge_s=5, open_s=5, backoff_s=0.01, max_backoff_s=0.02)
DEADLINE_S = 20


class Facts:
    """A sink that keeps facts and lets a test wait for one."""

    def __init__(self) -> None:
        self.all = []
        self._more = asyncio.Condition()

    async def __call__(self, facts) -> None:
        """Take facts."""
        async with self._more:
            self.all += facts
            self._more.notify_all()

    async def until(self, condition) -> None:
        """Return once the facts so far fulfil a condition."""
        async with asyncio.timeout(DEADLINE_S), self._more:
            await self._more.wait_for(lambda: condition(self.all))

    def states(self) -> list[tuple[bool, str]]:
        """The feed's states, in order."""
        return [(fact.live, fact.reason) for fact in self.all if isinstance(fact, FeedState)]

    def prefixes(self) -> list[str]:
        """The prefixes of the route events, in order."""
        return [str(fact.prefix) for fact in self.all if isinstance(fact, RouteEvent)]


async def count_reaches(read, count: int) -> None:
    """Return once a counter, which has no event, is so high."""
    async with asyncio.timeout(DEADLINE_S):
        while read() < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def lives(count: int):
    """The feed became live so many times."""
    return lambda facts: sum(isinstance(fact, FeedState) and fact.live for fact in facts) >= count


def events(count: int):
    """So many route events came."""
    return lambda facts: sum(isinstance(fact, RouteEvent) for fact in facts) >= count


def update(prefix: str, at: float = 1.0) -> dict:
    """An UPDATE that announces a prefix."""
    return {
        "type": "UPDATE",
        "timestamp": at,
        "peer": "198.51.100.1",
        "peer_asn": "64500",
        "host": "rrc00",
        "path": [64500, 64501],
        "announcements": [{"next_hop": "198.51.100.1", "prefixes": [prefix]}],
    }


def ris_live(url: str, prefixes=(NET,), **options) -> RisLiveSource:
    """A client with short pauses."""
    source = BgpSource(kind=BgpSourceKind.RIS_LIVE, name="ris", url=url)
    return RisLiveSource(source, prefixes, **({"times": QUICK} | options))


@asynccontextmanager
async def running(feed: RisLiveSource, sink):
    """Run a feed, and cancel it at the end."""
    task = asyncio.create_task(feed.run(sink))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_only_what_concerns_the_watched_prefixes_arrives():
    """Equal, more specific and less specific; live once every subscription is acknowledged."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(feed := ris_live(server.url), facts):
            await facts.until(lives(1))
            for prefix in ("203.0.113.0/25", "203.0.112.0/22", "198.51.100.0/24", "203.0.113.0/24"):
                await server.push(update(prefix))
            await facts.until(events(3))

            assert facts.prefixes() == ["203.0.113.0/25", "203.0.112.0/22", "203.0.113.0/24"]
            assert facts.states() == [(True, "")]
            assert (feed.counts.facts, feed.counts.bad, feed.counts.connections) == (3, 0, 1)

    asyncio.run(scenario())


def test_watch_changes_over_the_same_connection():
    """A new prefix is subscribed, one no longer watched is unsubscribed."""

    async def scenario() -> None:
        facts = Facts()
        other = parse_prefix("2001:db8::/32")
        async with RisLiveServer() as server, running(feed := ris_live(server.url), facts):
            await facts.until(lives(1))
            feed.update_watch([other])
            async with asyncio.timeout(DEADLINE_S):
                await server.wait_for_subscription(other)

            assert server.subscribed() == {other}
            assert await server.push(update("203.0.113.0/24")) == 0
            await server.push(update("2001:db8:1::/48"))
            await facts.until(events(1))
            assert facts.prefixes() == ["2001:db8:1::/48"]
            assert feed.counts.connections == 1

    asyncio.run(scenario())


def test_only_the_wanted_prefixes_of_a_message_become_facts():
    """The server sends an update whole if one of its prefixes is subscribed; a peer may name hundreds in one."""

    async def scenario() -> None:
        facts = Facts()
        message = update("203.0.113.0/24")
        message["announcements"][0]["prefixes"] += [f"10.{n}.0.0/16" for n in range(200)]
        async with RisLiveServer() as server:
            feed = ris_live(server.url, wants=Watch([NET]).wants)
            async with running(feed, facts):
                await facts.until(lives(1))
                await server.push(message)
                await facts.until(events(1))

                assert facts.prefixes() == ["203.0.113.0/24"]
                assert (feed.counts.relevant, feed.counts.facts) == (1, 1)

    asyncio.run(scenario())


def test_every_message_is_in_a_count_that_is_told():
    """Received, read, relevant, late, bad: as a fact of the time since the last one."""

    async def scenario() -> None:
        facts = Facts()
        times = FeedTimes(ping_s=5, acknowledge_s=5, open_s=5, backoff_s=0.01, tally_s=0.05)
        begun = clock.wall()
        async with RisLiveServer() as server, running(ris_live(server.url, times=times), facts):
            await facts.until(lives(1))
            await server.push(update("203.0.113.0/24", at=clock.wall()))
            await server.push(update("203.0.113.0/24", at=clock.wall() - LATE_S - 5))
            await server.send_text("{")
            await facts.until(lambda found: sum(t.received for t in found if isinstance(t, FeedTally)) == 4)

        tallies = [fact for fact in facts.all if isinstance(fact, FeedTally)]
        counts = {
            name: sum(getattr(tally, name) for tally in tallies)
            for name in ("received", "parsed", "relevant", "late", "dropped", "bad")
        }
        # The fourth is the answer to the subscription.
        assert counts == {"received": 4, "parsed": 3, "relevant": 2, "late": 1, "dropped": 0, "bad": 1}
        assert begun <= tallies[0].since < tallies[0].at <= clock.wall()
        assert all(one.at == other.since for one, other in itertools.pairwise(tallies))

    asyncio.run(scenario())


def test_all_subscriptions_go_out_at_once():
    """Two hundred prefixes: live after one round trip, not after two hundred."""

    async def scenario() -> None:
        facts = Facts()
        many = [parse_prefix(f"10.{n}.0.0/16") for n in range(200)]
        # With a pause between two, as other clients make, this would take longer than the deadline.
        async with RisLiveServer() as server, running(feed := ris_live(server.url, prefixes=many), facts):
            await facts.until(lives(1))

            assert server.subscribed() == set(many)
            assert (feed.counts.received, feed.counts.connections) == (200, 1)

    asyncio.run(scenario())


def test_nothing_to_watch_means_no_connection():
    """Without a filter the server would send the routes of the whole world."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(feed := ris_live(server.url, prefixes=()), facts):
            await asyncio.sleep(0)
            assert feed.counts.connections == 0
            feed.update_watch([NET])
            await facts.until(lives(1))

            assert server.subscribed() == {NET}

    asyncio.run(scenario())


def test_loss_is_a_gap_that_shows_and_ends():
    """The server's last words are the reason; the subscription is made again."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(ris_live(server.url), facts):
            await facts.until(lives(1))
            await server.drop_clients("client is too slow")
            await facts.until(lives(2))
            await server.push(update("203.0.113.0/24"))
            await facts.until(events(1))

        (first, lost, again) = facts.states()
        assert (first, again) == ((True, ""), (True, ""))
        assert lost[0] is False
        assert lost[1].endswith("the server says client is too slow")

    asyncio.run(scenario())


def test_close_reason_of_the_server_is_made_safe():
    """It is shown to people, and a stranger wrote it."""

    async def hang_up(connection) -> None:
        await connection.close(1008, "go \x1b[31maway")

    async def scenario() -> None:
        facts = Facts()
        async with serve(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with running(ris_live(f"ws://127.0.0.1:{port}/"), facts):
                await facts.until(lambda found: len(found) == 1)

        ((live, reason),) = facts.states()
        assert live is False
        assert "go ?[31maway" in reason

    asyncio.run(scenario())


def test_absent_server_makes_the_feed_blind_once():
    """Not one fact an attempt; it is found when it comes."""

    async def scenario() -> None:
        facts = Facts()
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            port = reserved.getsockname()[1]
        async with running(ris_live(f"ws://127.0.0.1:{port}/"), facts):
            await facts.until(lambda found: len(found) == 1)
            async with RisLiveServer(port=port):
                await facts.until(lives(1))

        assert [live for live, _ in facts.states()][:2] == [False, True]
        assert "Connect" in facts.states()[0][1]

    asyncio.run(scenario())


def test_silent_server_is_left():
    """It takes subscriptions but answers no ping."""

    async def scenario() -> None:
        facts = Facts()
        times = FeedTimes(ping_s=0.02, stale_s=0.1, acknowledge_s=5, backoff_s=0.01, max_backoff_s=0.02)
        async with RisLiveServer(answer_pings=False) as server, running(ris_live(server.url, times=times), facts):
            await facts.until(lives(2))

        live, blind, *_ = (fact for fact in facts.all if isinstance(fact, FeedState))
        assert (blind.live, blind.reason) == (False, "silent for 0 s")
        # Blind since the server was last heard, which was when it confirmed the subscription.
        assert blind.at - live.at < 0.1

    asyncio.run(scenario())


def test_answered_pings_keep_a_quiet_feed_alive():
    """The near miss: nothing happens to the prefixes, and the server is there."""

    async def scenario() -> None:
        facts = Facts()
        times = FeedTimes(ping_s=0.02, stale_s=0.5, acknowledge_s=5, backoff_s=0.01)
        async with RisLiveServer() as server, running(feed := ris_live(server.url, times=times), facts):
            await count_reaches(lambda: feed.counts.received, 50)

        assert facts.states() == [(True, "")]

    asyncio.run(scenario())


def test_unacknowledged_subscription_is_no_live_feed():
    """It would be silence taken for calm."""

    async def scenario() -> None:
        facts = Facts()
        times = FeedTimes(ping_s=0.02, stale_s=5, acknowledge_s=0.1, backoff_s=0.01, max_backoff_s=0.02)
        async with RisLiveServer(acknowledge=False) as server, running(ris_live(server.url, times=times), facts):
            await facts.until(lambda found: len(found) == 1)

        assert facts.states() == [(False, "1 subscriptions not acknowledged")]

    asyncio.run(scenario())


def test_bad_lines_are_counted_and_passed_over():
    """A faulty server does not end the feed."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(feed := ris_live(server.url), facts):
            await facts.until(lives(1))
            await server.send_text("{")
            await server.send_text('{"type":"ris_message","data":{"type":"UPDATE","withdrawals":["x"]}}')
            await server.push(update("203.0.113.0/24"))
            await facts.until(events(1))

            assert (feed.counts.bad, feed.last_error) == (2, "not a prefix: 'x'")
            assert facts.states() == [(True, "")]

    asyncio.run(scenario())


def test_a_server_that_only_talks_nonsense_is_left():
    """A line now and then is its fault; a hundred in a row are a feed that is blind and does not know it."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(feed := ris_live(server.url), facts):
            await facts.until(lives(1))
            for number in range(2 * MOST_BAD_IN_A_ROW):
                # One good line in between starts the count again.
                await server.send_text('{"type":"pong"}' if number == 50 else "<html>")
            await facts.until(lives(2))
            assert feed.counts.bad >= MOST_BAD_IN_A_ROW

        assert facts.states()[1] == (False, f"{MOST_BAD_IN_A_ROW} lines in a row that are no messages")

    asyncio.run(scenario())


def test_a_line_above_the_limit_ends_the_connection_and_not_the_feed():
    """Memory is bounded whatever a server sends; the line at the limit is merely bad."""

    async def scenario() -> None:
        facts = Facts()
        async with RisLiveServer() as server, running(feed := ris_live(server.url), facts):
            await facts.until(lives(1))
            await server.send_text(" " * MAX_LINE_BYTES)
            await count_reaches(lambda: feed.counts.bad, 1)
            await server.send_text(" " * (MAX_LINE_BYTES + 1))
            await facts.until(lives(2))

        assert "1009" in facts.states()[1][1]

    asyncio.run(scenario())


@pytest.mark.parametrize(("steady_s", "pauses"), [(60.0, [2, 4, 8, 8, 8]), (0.0, [1, 1, 1, 1, 1])])
def test_pauses_grow_until_a_connection_has_lasted(steady_s, pauses):
    """A server that greets and hangs up is left alone longer and longer; one that lasted is back at once."""
    waited, enough = [], asyncio.Event()

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == len(pauses):
            enough.set()
            await asyncio.Event().wait()

    async def greet_and_hang_up(connection) -> None:
        request = json.loads(await connection.recv())
        await connection.send(json.dumps({"type": "ris_subscribe_ok", "data": request["data"]}))
        await connection.close()

    async def scenario() -> None:
        times = FeedTimes(backoff_s=1, max_backoff_s=8, steady_s=steady_s)
        async with serve(greet_and_hang_up, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            feed = ris_live(url, times=times, jitter=lambda: 1.0, wait=wait)
            async with running(feed, Facts()), asyncio.timeout(DEADLINE_S):
                await enough.wait()
        assert feed.counts.connections == len(pauses)

    asyncio.run(scenario())
    assert waited == pauses


@pytest.mark.parametrize(("random", "share"), [(0.0, 0.5), (1.0, 1.0)])
def test_half_of_a_pause_is_random(random, share):
    """So that all monitors do not come back in the same second."""
    waited, asked = [], asyncio.Event()

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        asked.set()
        await asyncio.Event().wait()

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            port = reserved.getsockname()[1]
        feed = ris_live(f"ws://127.0.0.1:{port}/", times=FeedTimes(backoff_s=1), jitter=lambda: random, wait=wait)
        async with running(feed, Facts()), asyncio.timeout(DEADLINE_S):
            await asked.wait()

    asyncio.run(scenario())
    assert waited == [2 * share]


def test_slow_sink_loses_facts_openly():
    """What the backlog cannot hold is counted, and the feed says that it was blind."""

    async def scenario() -> None:
        facts, gate = Facts(), asyncio.Event()

        async def slow(batch) -> None:
            await facts(batch)
            await gate.wait()

        async with RisLiveServer() as server, running(feed := ris_live(server.url, backlog=3), slow):
            await facts.until(lives(1))
            for number in range(10):
                await server.push(update("203.0.113.0/24", at=float(number)))
            await count_reaches(lambda: feed.counts.dropped, 7)
            gate.set()
            await facts.until(lives(2))

        assert [fact.at for fact in facts.all if isinstance(fact, RouteEvent)] == [0, 1, 2]
        assert facts.states()[1:] == [(False, "backlog of 3 facts is full"), (True, "")]

    asyncio.run(scenario())


def test_failing_sink_ends_the_run():
    """Facts that cannot be kept must not be received for nothing."""

    async def scenario() -> None:
        async def broken(batch) -> None:
            raise RuntimeError("the store is gone")

        async with RisLiveServer() as server, running(ris_live(server.url), broken) as task:
            async with asyncio.timeout(DEADLINE_S):
                (error,) = (await asyncio.gather(task, return_exceptions=True))[0].exceptions

        assert str(error) == "the store is gone"

    asyncio.run(scenario())
