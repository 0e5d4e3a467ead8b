"""Feeds follow the addresses that probes meet, over a real websocket to a local RIS Live server."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import MutableMapping, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import structlog

from monitor.demo.ris_live_server import RisLiveServer
from monitor.diagnose.fact import Fact
from monitor.hub.feeds import Feeds
from monitor.model.route import FeedState, FeedTally, RouteEvent
from monitor.model.settings import BgpSource, BgpSourceKind, Config
from monitor.model.target import Target
from probes import DnsObservation, HttpObservation

SHOP = Target(name="shop", url="https://shop.example/")
MESSAGE = {
    "type": "UPDATE", "timestamp": 1700000000.0, "peer": "198.51.100.1", "peer_asn": "64496", "host": "rrc00",
    "path": [64496, 64666], "origin": "igp",
    "announcements": [{"next_hop": "198.51.100.1", "prefixes": ["203.0.113.0/24"]}], "withdrawals": [],
}  # fmt: skip


async def _logged(entries: list[MutableMapping[str, Any]], *events: str) -> None:
    """Return once all these were logged."""
    while not {entry["event"] for entry in entries}.issuperset(events):  # noqa: ASYNC110  (a log has no event)
        await asyncio.sleep(0.01)


def _http(address: str, target: str = "shop") -> HttpObservation:
    return HttpObservation(at=1.0, vantage="v", target=target, address=address)


def test_the_address_a_probe_met_is_subscribed_and_its_routes_arrive() -> None:
    """Nothing was declared: one exchange with 203.0.113.10 is enough to hear of 203.0.113.0/24."""
    facts: list[Fact] = []

    async def scenario() -> None:
        heard = asyncio.Event()

        async def sink(batch: Sequence[Fact]) -> None:
            facts.extend(batch)
            if any(isinstance(fact, RouteEvent) for fact in batch):
                heard.set()

        async with RisLiveServer() as server, asyncio.timeout(20):
            feeds = Feeds(sink)
            source = BgpSource(kind=BgpSourceKind.RIS_LIVE, name="ris", url=server.url)
            feeds.configure(Config(vantage="v", targets=(SHOP,), bgp=(source,)), None)
            running = asyncio.create_task(feeds.run())
            feeds.learn([_http("203.0.113.10")])
            await server.wait_for_subscription(ip_network("203.0.113.0/24"))
            await server.push(MESSAGE)
            await heard.wait()
            running.cancel()
            await asyncio.wait({running})

    asyncio.run(scenario())
    events = [fact for fact in facts if isinstance(fact, RouteEvent)]

    assert [(event.prefix, set(event.origins)) for event in events] == [(ip_network("203.0.113.0/24"), {64666})]
    states = [(fact.live, fact.reason) for fact in facts if isinstance(fact, FeedState)]
    assert states == [(False, "starting"), (True, ""), (False, "stopped")]
    # The answer to the subscription, and the message: told at the end, since the minute was not over.
    (tally,) = (fact for fact in facts if isinstance(fact, FeedTally))
    assert (tally.received, tally.parsed, tally.relevant, tally.late) == (2, 2, 1, 1)


def test_a_feed_that_a_reload_removes_is_ended() -> None:
    """The server loses its client, and the new feed gets one; that the old one is blind now is told."""
    facts: list[Fact] = []

    async def sink(batch: Sequence[Fact]) -> None:
        facts.extend(batch)

    async def scenario() -> None:
        async with RisLiveServer() as old, RisLiveServer() as new, asyncio.timeout(20):
            prefix = ip_network("203.0.113.0/24")
            target = Target(name="shop", url="https://shop.example/", prefixes=(prefix,))
            feeds = Feeds(sink)
            for server, name in ((old, "old"), (new, "new")):
                source = BgpSource(kind=BgpSourceKind.RIS_LIVE, name=name, url=server.url)
                feeds.configure(Config(vantage="v", targets=(target,), bgp=(source,)), None)
                if name == "old":
                    running = asyncio.create_task(feeds.run())
                await server.wait_for_subscription(prefix)
            while old.subscribed():  # noqa: ASYNC110  (the server has no event for a client that left)
                await asyncio.sleep(0.01)
            assert [fact.live for fact in facts if isinstance(fact, FeedState) and fact.source == "old"][
                -1
            ] is False
            running.cancel()
            await asyncio.wait({running})

    asyncio.run(scenario())


def test_a_hub_that_takes_nothing_any_more_does_not_hold_up_the_end() -> None:
    """After the history has failed nobody empties the queue; a feed that wants to say farewell gives up."""

    async def scenario() -> None:
        asked = asyncio.Event()

        async def sink(batch: Sequence[Fact]) -> None:
            if any(isinstance(fact, FeedState) and fact.live for fact in batch):
                asked.set()
            if asked.is_set():
                await asyncio.Event().wait()

        async with RisLiveServer() as server, asyncio.timeout(20):
            target = Target(name="shop", url="https://shop.example/", prefixes=(ip_network("203.0.113.0/24"),))
            feeds = Feeds(sink)
            source = BgpSource(kind=BgpSourceKind.RIS_LIVE, name="ris", url=server.url)
            feeds.configure(Config(vantage="v", targets=(target,), bgp=(source,)), None)
            running = asyncio.create_task(feeds.run())
            await asked.wait()
            running.cancel()
            await asyncio.wait({running})
            assert running.cancelled()

    asyncio.run(scenario())


def test_an_operator_hears_of_feeds_and_of_files_that_are_damaged(tmp_path: Path) -> None:
    """A glob that finds a torn download looks like a quiet world otherwise."""
    (tmp_path / "updates.1").write_bytes(b"\0" * 5)

    async def sink(batch: Sequence[Fact]) -> None:
        pass

    async def scenario(seen: list[MutableMapping[str, Any]]) -> None:
        target = Target(name="shop", url="https://shop.example/", prefixes=(ip_network("203.0.113.0/24"),))
        async with RisLiveServer() as server, asyncio.timeout(20):
            feeds = Feeds(sink)
            sources = (
                BgpSource(kind=BgpSourceKind.RIS_LIVE, name="ris", url=server.url),
                BgpSource(kind=BgpSourceKind.MRT, name="files", path=str(tmp_path / "*")),
            )
            feeds.configure(Config(vantage="v", targets=(target,), bgp=sources), None)
            running = asyncio.create_task(feeds.run())
            await _logged(seen, "feed_live", "mrt_file_read")
            await server.drop_clients("too slow")
            await _logged(seen, "feed_blind")
            running.cancel()
            await asyncio.wait({running})

    with structlog.testing.capture_logs() as entries:
        asyncio.run(scenario(entries))
    logged = {entry["event"]: entry for entry in entries}

    assert logged["mrt_file_read"]["log_level"] == "warning"
    assert logged["mrt_file_read"]["damage"] == "record header cut at byte 0"
    assert (logged["feed_ended"]["bad"], logged["feed_ended"]["dropped"]) == (0, 0)
    assert logged["feed_live"]["feed"] == "ris"
    assert logged["feed_blind"]["reason"].endswith("the server says too slow")


def test_files_wait_for_the_first_round_of_every_target(tmp_path: Path) -> None:
    """The second target's prefix is learned a moment after the first's; its routes must not be lost by that."""
    (tmp_path / "rib.1").write_bytes(b"".join(_table_entry(net) for net in ("203.0.113.0", "198.51.100.0")))
    facts: list[Fact] = []

    async def scenario() -> None:
        read = asyncio.Event()

        async def sink(batch: Sequence[Fact]) -> None:
            facts.extend(batch)
            read.set()

        feeds = Feeds(sink)
        source = BgpSource(kind=BgpSourceKind.MRT, name="files", path=str(tmp_path / "*"))
        mail = Target(name="mail", url="https://mail.example/")
        feeds.configure(Config(vantage="v", targets=(SHOP, mail), bgp=(source,)), None)
        running = asyncio.create_task(feeds.run())
        feeds.learn([_http("203.0.113.10")])
        for _ in range(50):
            await asyncio.to_thread(
                lambda: None
            )  # turns of loop and threads: reading begun too early would be over
        feeds.learn([_http("198.51.100.10", "mail")])
        async with asyncio.timeout(20):
            await read.wait()
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(scenario())

    assert {str(fact.prefix) for fact in facts if isinstance(fact, RouteEvent)} == {
        "203.0.113.0/24", "198.51.100.0/24",
    }  # fmt: skip


def _table_entry(net: str) -> bytes:
    """A /24 in an old TABLE_DUMP (RFC 6396 section 4.2), from one peer by the path 64496."""
    attributes = bytes((0x40, 2, 4, 2, 1)) + (64496).to_bytes(2, "big")
    body = struct.pack(
        "!HH4sBBI4sHH", 0, 0, ip_address(net).packed, 24, 1, 0, b"\xc0\0\2\1", 64496, len(attributes)
    )
    return struct.pack("!IHHI", 1_700_000_000, 12, 1, len(body + attributes)) + body + attributes


def test_only_addresses_of_targets_that_may_be_announced_are_watched() -> None:
    """Controls, loopback and what is no address add nothing."""

    async def sink(batch: Sequence[Fact]) -> None:
        pass

    async def scenario() -> tuple[str, ...]:
        feeds = Feeds(sink)
        feeds.configure(Config(vantage="v", targets=(SHOP,)), None)
        answers = DnsObservation(
            at=1.0, vantage="v", target="shop", server="198.51.100.53", name="shop.example",
            answers=("198.51.100.7", "not an address"),
        )  # fmt: skip
        feeds.learn([_http("127.0.0.1"), _http("203.0.113.10", "control"), answers])
        return tuple(str(prefix) for prefix in feeds.watched)

    assert asyncio.run(scenario()) == ("198.51.100.0/24",)


def test_a_reload_keeps_what_was_learned_of_the_targets_that_stay() -> None:
    """The address space of a target that is gone is nobody's to watch any more."""

    async def sink(batch: Sequence[Fact]) -> None:
        pass

    async def scenario() -> tuple[str, ...]:
        feeds = Feeds(sink)
        feeds.configure(
            Config(vantage="v", targets=(SHOP, Target(name="mail", url="https://mail.example/"))), None
        )
        feeds.learn([_http("203.0.113.10"), _http("198.51.100.10", "mail")])
        feeds.configure(Config(vantage="v", targets=(SHOP,)), None)
        return tuple(str(prefix) for prefix in feeds.watched)

    assert asyncio.run(scenario()) == ("203.0.113.0/24",)
