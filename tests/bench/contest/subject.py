"""The part of the monitor that the benches of RIS Live measure, as a process of its own.

`python tests/bench/contest/subject.py URL` reads what it is to know beforehand from its standard input: the
watched prefixes, their routes as a RIB dump gives them, and lines of a relationship file. Then it follows the
prefixes with the real feeds into the real detector of route events, and prints a line an event as soon as it is
known. On SIGTERM it prints its counts.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import signal
import sys
import time
from collections.abc import Sequence

import msgspec
import structlog

from monitor.bgp.episodes import Declared, Relationships, RouteDetector
from monitor.bgp.ris_live import decode
from monitor.diagnose.fact import Fact
from monitor.hub.feeds import Feeds
from monitor.model import Asn, FeedState, FeedTally, PeerState, RouteEvent, Target
from monitor.model.settings import BgpSource, BgpSourceKind, Config
from monitor.station.heap import tame_collector

ORIGIN = Asn(64_500)


def say(*words: object) -> None:
    """A line at once."""
    print(*words, flush=True)


class Beforehand(msgspec.Struct):
    """What is known at the start."""

    prefixes: list[str]
    table: list[msgspec.Raw]
    relationships: list[str]


async def follow(url: str, known: Beforehand, stop: asyncio.Event) -> None:
    """Run the feeds into the detector until stopped."""
    nets = tuple(map(ipaddress.ip_network, known.prefixes))
    detector = RouteDetector(relationships=Relationships.parse(known.relationships))
    for net in nets:
        detector.watch_prefix("service", net, Declared(origins=frozenset({ORIGIN})))
    for line in known.table:
        for fact in decode(bytes(line)):
            if isinstance(fact, RouteEvent):
                detector.apply(fact)
    detector.settle(time.time())
    totals = dict.fromkeys(("received", "parsed", "relevant", "late", "dropped", "bad"), 0)

    async def sink(facts: Sequence[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, RouteEvent | PeerState):
                for change in detector.apply(fact):
                    say(change.turn, change.kind, change.prefix, change.offender)
            elif isinstance(fact, FeedState):
                say("live" if fact.live else "blind", fact.at, fact.reason)
            elif isinstance(fact, FeedTally):
                for name in totals:
                    totals[name] += getattr(fact, name)

    async def settle() -> None:
        while True:
            await asyncio.sleep(1)
            for change in detector.settle(time.time()):
                say(change.turn, change.kind, change.prefix, change.offender)

    feeds = Feeds(sink)
    target = Target(name="service", url="https://service.example/", prefixes=nets, origins=(ORIGIN,))
    source = BgpSource(kind=BgpSourceKind.RIS_LIVE, name="ris", url=url)
    feeds.configure(Config(vantage="v", targets=(target,), bgp=(source,)), None)
    running = [asyncio.create_task(feeds.run()), asyncio.create_task(settle())]
    await stop.wait()
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    for episode in detector.episodes():
        say("episode", json.dumps({"kind": episode.kind, "prefix": str(episode.prefix), "share": episode.share}))
    say("totals", json.dumps(totals))


async def main() -> None:
    """Read what to watch, and follow it."""
    # Logs would stand among the reports.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    known = msgspec.json.decode(sys.stdin.buffer.read(), type=Beforehand)
    tame_collector(tracing=False)  # as `whydown run` does
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await follow(sys.argv[1], known, stop)


if __name__ == "__main__":
    asyncio.run(main())
