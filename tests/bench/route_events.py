"""What the route-event detector costs: `python tests/bench/route_events.py [--facts N] [--watched N]`.

Decoding is not in it: facts are made first, then applied and timed in CPU seconds. Three mixes, all with
the prefixes of `--watched` targets learned: routes of prefixes that nobody watches; the ordinary life of
watched ones (the same again, other ways, back again), which opens nothing; and one hijack after the other.
Memory is the growth of the process over the ordinary mix, after a tenth of it.
"""

from __future__ import annotations

import argparse
import ipaddress
import random
import resource
import time
from collections.abc import Iterator

from monitor.bgp.episodes import Declared, RouteDetector
from monitor.bgp.ip_to_as import PrefixTable
from monitor.model import Asn, AsPath, Prefix, RouteEvent, RouteKind

PEERS = 300
START = 1_700_000_000.0
BATCH = 50_000


class Mix:
    """Makes facts from a seed."""

    def __init__(self, watched: int) -> None:
        self.random = random.Random(7)
        self.watched = [ipaddress.IPv4Network((11 << 24 | n << 8, 24)) for n in range(watched)]
        self.strange = [ipaddress.IPv4Network((96 << 24 | n << 8, 24)) for n in range(20_000)]
        self.peers = [(f"198.18.{n // 250}.{n % 250}", Asn(20_000 + n), f"rrc{n % 26:02}") for n in range(PEERS)]
        self.ways = [[self.path(n, transit, 64_500) for transit in (3356, 1299, 174)] for n in range(PEERS)]
        self.at = START

    def path(self, peer: int, transit: int, origin: int) -> AsPath:
        """One of a peer's ways."""
        return AsPath((self.peers[peer][1], Asn(transit), Asn(64_499), Asn(origin)))

    def fact(
        self, prefix: Prefix, peer: int, path: AsPath, kind: RouteKind = RouteKind.ANNOUNCEMENT
    ) -> RouteEvent:
        """One route, a little later than the last."""
        self.at += 0.0002
        address, asn, collector = self.peers[peer]
        return RouteEvent(
            at=self.at, kind=kind, prefix=prefix, peer=address, peer_asn=asn, collector=collector, path=path
        )

    def table(self) -> Iterator[RouteEvent]:
        """What every peer has before anything happens."""
        for prefix in self.watched:
            for peer in range(PEERS):
                yield self.fact(prefix, peer, self.ways[peer][0], RouteKind.RIB)

    def ordinary(self, prefixes: list[ipaddress.IPv4Network], count: int) -> list[RouteEvent]:
        """The same again, or another known way."""
        draw = self.random
        chosen = ((draw.choice(prefixes), draw.randrange(PEERS), draw.randrange(3)) for _ in range(count))
        return [self.fact(prefix, peer, self.ways[peer][way]) for prefix, peer, way in chosen]

    def hijacks(self, count: int) -> list[RouteEvent]:
        """A more-specific prefix from a foreign origin, at every peer in turn."""
        made = []
        for n in range(count):
            inside = next(self.watched[n // PEERS % len(self.watched)].subnets(1))
            made.append(self.fact(inside, n % PEERS, self.path(n % PEERS, 3356, 64_666)))
        return made


def rss_mb() -> float:
    """The largest size of the process so far, megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apply_all(detector: RouteDetector, facts: list[RouteEvent]) -> tuple[float, int]:
    """CPU seconds, and episodes opened; settled once a batch as the engine would."""
    opened = 0
    begun = time.process_time()
    for fact in facts:
        opened += len(detector.apply(fact))
    opened += len(detector.settle(facts[-1].at))
    detector.take_stirred()
    return time.process_time() - begun, opened


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--facts", type=int, default=500_000, help="facts of each mix")
    asked.add_argument("--watched", type=int, default=1_000, help="watched prefixes, one target each")
    options = asked.parse_args()
    mix = Mix(options.watched)
    detector = RouteDetector(table=PrefixTable.parse(f"{prefix} 64500" for prefix in mix.watched))
    for number, prefix in enumerate(mix.watched):
        detector.watch_address(f"target-{number}", prefix[10], declared=Declared())
    begun = time.process_time()
    for fact in mix.table():
        detector.apply(fact)
    detector.settle(mix.at)
    routes = options.watched * PEERS
    print(f"table of {routes} routes taken in: {routes / (time.process_time() - begun):,.0f} facts/s")
    for name in ("unwatched", "ordinary", "hijack"):
        spent, opened, settled_mb = 0.0, 0, 0.0
        for done in range(0, options.facts, BATCH):
            count = min(BATCH, options.facts - done)
            if name == "hijack":
                facts = mix.hijacks(count)
            else:
                facts = mix.ordinary(mix.watched if name == "ordinary" else mix.strange, count)
            cost, changes = apply_all(detector, facts)
            spent, opened = spent + cost, opened + changes
            if done <= options.facts // 10:
                settled_mb = rss_mb()
        grown = rss_mb() - settled_mb
        print(
            f"{name:9} {options.facts / spent:10,.0f} facts/s, {opened} changes of episodes, "
            f"{len(detector.episodes())} remembered, memory +{grown:.1f} MB after the first tenth"
        )


if __name__ == "__main__":
    main()
