"""What collectors hear of it, as RIS Live writes it: each peer's changes, late by its own lag and the feed's.

A peer that loses its route tries longer ones first (path hunting, Labovitz 2000), so a withdrawal comes after
some announcements that mean nothing. A session that resets gives the whole table again.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import msgspec

from simulator.addresses import Network, steady
from simulator.cast import Peer
from simulator.propagation import Path
from simulator.routing import lag_s
from simulator.world import World

FIRST_TABLE_S = 60.0
"""Within what time the peers' tables are sent."""

LISTENED_S = 7200.0
"""How long collectors were listened to before anything is measured, in three of four plays; else not at all."""

Message = tuple[float, Peer, Network | None, Path | str | None]
"""When, who, of which prefix (None: of the session), the path (None: withdrawn; a word: the session's state)."""


def lines(world: World) -> Iterator[bytes]:
    """The messages of all peers in the order in which a collector stamps them."""
    rng = Random(steady("feed", world.seed, world.kind))
    messages = [message for peer in world.setting.peers for message in _of_peer(world, peer, rng)]
    messages += _unrelated(world, rng)
    last = world.setting.end
    for at, peer, prefix, what in sorted(messages, key=lambda one: (one[0], one[1].address, str(one[2]))):
        if at <= last:
            yield msgspec.json.encode(_message(at, peer, prefix, what))


def _of_peer(world: World, peer: Peer, rng: Random) -> Iterator[Message]:
    down = [span for span, collector in world.resets if collector == peer.collector]
    for prefix, epochs in world.routing.epochs.items():
        before: Path | None = None
        for begun, routes in epochs:
            path = routes.get(peer.asn)
            if path == before:
                continue
            at = begun + lag_s(peer.asn) + rng.expovariate(0.3)
            if begun <= world.setting.start:
                at = _heard_since(world) - FIRST_TABLE_S * rng.random()
            elif path is None and before is not None:
                yield from _hunting(world, peer, prefix, before, at - 15, rng)
            yield at, peer, prefix, path
            before = path
        yield from _prepending(world, peer, prefix, rng)
        for span in down:
            path = world.routing.route(peer.asn, prefix, span.end)
            if path is not None:
                yield span.end + rng.uniform(0, 30), peer, prefix, path
    for span in down:
        yield span.start + rng.uniform(0, 2), peer, None, "down"
        yield span.end, peer, None, "connected"


def _heard_since(world: World) -> float:
    """Since when the monitor has every peer's table."""
    listened = steady("listened", world.seed, world.kind) % 4 > 0
    return world.setting.start - (LISTENED_S if listened else 0.0)


def _hunting(world: World, peer: Peer, prefix: Network, last: Path, at: float, rng: Random) -> Iterator[Message]:
    for count in range(rng.choice([0, 1, 2])):
        detour = rng.choice(sorted(world.graph.top))
        # A peer that originates the prefix itself has no other way to try.
        if detour not in last and len(last) > 1:
            yield at + 4 * count, peer, prefix, (last[0], detour, *last[1:])


def _prepending(world: World, peer: Peer, prefix: Network, rng: Random) -> Iterator[Message]:
    for since, prepended, times in world.prepended:
        path = world.routing.route(peer.asn, prefix, since)
        if prepended == prefix and path is not None:
            yield since + rng.uniform(0, 50), peer, prefix, (*path, *[path[-1]] * times)


def _unrelated(world: World, rng: Random) -> Iterator[Message]:
    for at, prefix, origin in world.churn:
        for peer in rng.sample(world.setting.peers, k=max(1, len(world.setting.peers) // 3)):
            yield at + rng.uniform(0, 10), peer, prefix, (peer.asn, origin)
            yield at + rng.uniform(40, 90), peer, prefix, None


def _message(at: float, peer: Peer, prefix: Network | None, what: Path | str | None) -> dict[str, object]:
    base: dict[str, object] = {
        "type": "UPDATE",
        "timestamp": round(at, 2),
        "peer": peer.address,
        "peer_asn": str(peer.asn),
        "host": f"{peer.collector}.ripe.net",
    }
    if prefix is None:
        return {**base, "type": "RIS_PEER_STATE", "state": what}
    if what is None:
        return {**base, "withdrawals": [str(prefix)]}
    announced = [{"next_hop": peer.address, "prefixes": [str(prefix)]}]
    return {**base, "path": list(what), "origin": "igp", "announcements": announced, "withdrawals": []}
