"""Messages for the benches of RIS Live: a watched network's ordinary life, and what is done to it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Any

Message = dict[str, Any]

ORIGIN = 64_500
TRANSITS = (3356, 1299, 174)
HIJACKER = 64_666
PEERS = tuple((f"198.18.{n // 200}.{n % 200 + 1}", 20_000 + n, f"rrc{n % 26:02}") for n in range(60))

Peer = tuple[str, int, str]


def watched(count: int) -> list[str]:
    """So many /20s of the watched network."""
    return [f"10.{n // 16}.{n % 16 * 16}.0/20" for n in range(count)]


def inside(prefix: str, number: int) -> str:
    """One of the sixteen /24s of a watched /20."""
    first, second, third, _ = prefix.split("/")[0].split(".")
    return f"{first}.{second}.{int(third) + number % 16}.0/24"


def announce(prefixes: Iterable[str], peer: Peer, *way: int | list[int], next_hop: str | None = None) -> Message:
    """A peer announces prefixes by a way, now."""
    address, asn, host = peer
    return {
        "timestamp": round(time.time(), 2), "peer": address, "peer_asn": str(asn),
        "id": f"{address}-{random.getrandbits(64):016x}", "host": f"{host}.ripe.net", "type": "UPDATE",
        "path": [asn, *way], "community": [[asn % 65536, 100], [3356, 2], [3356, 501]], "origin": "IGP",
        "announcements": [{"next_hop": next_hop or address, "prefixes": list(prefixes)}], "withdrawals": [],
    }  # fmt: skip


def withdraw(prefixes: Iterable[str], peer: Peer) -> Message:
    """A peer withdraws prefixes, now."""
    address, asn, host = peer
    return {
        "timestamp": round(time.time(), 2), "peer": address, "peer_asn": str(asn),
        "id": f"{address}-{random.getrandbits(64):016x}", "host": f"{host}.ripe.net", "type": "UPDATE",
        "path": [], "community": [], "announcements": [], "withdrawals": list(prefixes),
    }  # fmt: skip


def usual(prefixes: Iterable[str], peers: Iterable[Peer] = PEERS) -> list[Message]:
    """The routes that every peer usually has."""
    prefixes = list(prefixes)
    return [announce([prefix], peer, TRANSITS[0], ORIGIN) for peer in peers for prefix in prefixes]


def relationships() -> list[str]:
    """Who buys from whom, as lines of CAIDA's file: everybody buys from the transits, which buy from nobody."""
    buyers = [ORIGIN, *(asn for _, asn, _ in PEERS)]
    return [f"{transit}|{buyer}|-1" for transit in TRANSITS for buyer in buyers]


def churn(prefixes: list[str], count: int, seed: int = 1) -> list[Message]:
    """Ordinary life: the watched prefixes over one transit or another, from the right origin."""
    draw = random.Random(seed)
    return [
        announce([draw.choice(prefixes)], draw.choice(PEERS), draw.choice(TRANSITS), ORIGIN) for _ in range(count)
    ]


def hijack(prefix: str, origin: int = HIJACKER, peers: int = 3) -> list[Message]:
    """A prefix from a foreign origin at several peers: BGPalerter's default wants three of them."""
    return [announce([prefix], peer, TRANSITS[0], origin) for peer in PEERS[:peers]]


def strangers(count: int, distinct: int = 20_000, seed: int = 2) -> list[Message]:
    """What a whole collector says of others: one to nine prefixes a message, a few of them all the time."""
    draw = random.Random(seed)
    names = [f"{20 + n // 65_536}.{n // 256 % 256}.{n % 256}.0/24" for n in range(distinct)]
    made = []
    for _ in range(count):
        peer, size = draw.choice(PEERS), min(1 + int(draw.expovariate(0.5)), 9)
        named = [names[int(distinct * draw.random() ** 2)] for _ in range(size)]
        way = [draw.randrange(1000, 65_000) for _ in range(draw.randrange(2, 6))]
        made.append(withdraw(named, peer) if draw.random() < 0.1 else announce(named, peer, *way))
    return made
