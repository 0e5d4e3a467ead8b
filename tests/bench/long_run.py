"""Memory over a long feed: `python tests/bench/long_run.py [--messages N] [--hostile N]`

All in this process, from a line's bytes through decoding and filter to each peer's state and the episodes, at
5,000 messages a second of the feed's own time, which passes as fast as it can be worked off. First a whole feed:
ever other prefixes over ever other paths, one message in a hundred of a watched prefix. Then, as facts, a hostile
one: each names a new origin, a new neighbour of the usual origin, a new path, or a new part of the watched space,
none of which ever came before, from 60 peers. Shown is the resident memory at each tenth, and its slope, by least
squares, over the last four fifths.

50,000,000 messages take some ten minutes: `--messages 50_000_000`.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from contest.messages import ORIGIN, PEERS, TRANSITS, watched

from monitor.bgp.episodes import Declared, RouteDetector
from monitor.bgp.ris_live import Reader
from monitor.bgp.watch import Watch
from monitor.model import Asn, AsPath, Prefix, RouteEvent, RouteKind

WATCHED: list[Prefix] = [ipaddress.ip_network(text) for text in watched(1000)]
WATCHED_V6 = ipaddress.ip_network("2001:db8::/32")
PER_S = 5_000
START = 1_700_000_000.0
RELEVANT_EVERY = 100
_PEERS = [(address.encode(), asn, host.encode()) for address, asn, host in PEERS]
_LINE = (
    b'{"type":"ris_message","data":{"timestamp":%.2f,"peer":"%s","peer_asn":"%d","id":"%s-%016x",'
    b'"host":"%s.ripe.net","type":"UPDATE","path":[%d,%d,%d,%d],"community":[[3356,2],[3356,501]],'
    b'"origin":"IGP","announcements":[{"next_hop":"%s","prefixes":["%s"]}],"withdrawals":[]}}'
)

Step = Callable[[int, float], None]
"""Works off the n-th message, of that time."""


def resident_mb() -> float:
    """What this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def feed_lines(draw: random.Random) -> Iterator[Callable[[int, float], bytes]]:
    """Makes the lines of the whole feed, endlessly the same maker."""
    names = [str(net).encode() for net in WATCHED]

    def line(number: int, at: float) -> bytes:
        address, asn, host = _PEERS[number % len(_PEERS)]
        bits = draw.getrandbits(48)
        if number % RELEVANT_EVERY:
            # 1.0.0.0 to 9.255.255.0 and 11.0.0.0 on: the watched space is in 10.0.0.0/8.
            first = bits % 200 + 1
            where = b"%d.%d.%d.0/24" % (first + (first >= 10), bits >> 8 & 255, bits >> 16 & 255)
            way = (1000 + (bits >> 24) % 64_000, 1000 + (bits >> 32) % 64_000, 1000 + (bits >> 20) % 64_000)
        else:
            where, way = names[bits % len(names)], (bits % 4000, TRANSITS[bits % 3], ORIGIN)
        return _LINE % (at, address, asn, address, bits, host, asn, *way, address, where)

    while True:
        yield line


def hostile_fact(number: int, at: float) -> RouteEvent:
    """Something that never was before."""
    address, asn, host = PEERS[number % len(PEERS)]
    new, kind = Asn(1_000_000 + number), number // len(PEERS) % 4
    prefix: Prefix = WATCHED[number // 7 % len(WATCHED)]
    usual, transit = Asn(ORIGIN), Asn(TRANSITS[0])
    path = {
        0: (Asn(asn), transit, new),
        1: (Asn(asn), transit, new, usual),
        2: (Asn(asn), new, Asn(number % 60_000 + 1), transit, usual),
        3: (Asn(asn), transit, new),
    }[kind]
    if kind == 3:
        prefix = ipaddress.IPv6Network((int(WATCHED_V6.network_address) | number << 64, 64))
    return RouteEvent(
        at=at, kind=RouteKind.ANNOUNCEMENT, prefix=prefix, peer=address, peer_asn=Asn(asn), collector=host,
        path=AsPath(path),
    )  # fmt: skip


def knowing_detector() -> RouteDetector:
    """One that has read the usual routes as from a RIB dump."""
    detector = RouteDetector()
    for net in (*WATCHED, WATCHED_V6):
        detector.watch_prefix("service", net, Declared(origins=frozenset({Asn(ORIGIN)})))
        for number, (address, asn, host) in enumerate(PEERS):
            usual = AsPath((Asn(asn), Asn(TRANSITS[number % 3]), Asn(ORIGIN)))
            detector.apply(
                RouteEvent(
                    at=START, kind=RouteKind.RIB, prefix=net, peer=address, peer_asn=Asn(asn), collector=host,
                    path=usual,
                )
            )  # fmt: skip
    detector.settle(START)
    return detector


def run(name: str, count: int, step: Step, detector: RouteDetector) -> None:
    """Work off so many messages, and print what became of the memory."""
    sizes: list[tuple[float, float]] = []
    begun = time.process_time()
    for number in range(count):
        at = START + 1 + number / PER_S
        step(number, at)
        if not number % PER_S:
            detector.settle(at)
            detector.take_stirred()
        if (number + 1) % max(count // 100, 1) == 0:
            sizes.append(((number + 1) / 1e6, resident_mb()))
    spent = time.process_time() - begun
    tenths = ", ".join(f"{mb:.0f}" for _, mb in sizes[9::10])
    print(
        f"{name} {count:,} messages in {spent:,.0f} s of CPU, made ones included; {tenths} MB; "
        f"{slope(sizes[len(sizes) // 5 :]):+.3f} MB a million; {len(detector.rib):,} prefixes, "
        f"{len(detector.episodes()):,} episodes remembered",
        flush=True,
    )


def slope(points: list[tuple[float, float]]) -> float:
    """Of the line through the points, by least squares."""
    middle = sum(x for x, _ in points) / len(points)
    return sum((x - middle) * y for x, y in points) / sum((x - middle) ** 2 for x, _ in points)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--hostile", type=int, default=500_000)
    asked = parser.parse_args()
    if asked.messages:
        detector = knowing_detector()
        reader = Reader(Watch(WATCHED).wants)
        line = next(feed_lines(random.Random(5)))

        def read(number: int, at: float) -> None:
            for fact in reader.receive(line(number, at)).facts:
                if isinstance(fact, RouteEvent):
                    detector.apply(fact)

        run("feed   ", asked.messages, read, detector)
    if asked.hostile:
        wary = knowing_detector()

        def apply(number: int, at: float) -> None:
            wary.apply(hostile_fact(number, at))

        run("hostile", asked.hostile, apply, wary)


if __name__ == "__main__":
    main()
