"""The routing of the watched prefixes over time, and where packets go by it.

A history is a list of epochs a prefix: from then on, these routes. Networks do not change at one moment: each
has its own lag of some seconds. Forwarding goes from network to network, each by its own longest prefix, so
that a packet can be taken on the way though its sender never heard of the false route.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache

from simulator.addresses import Network, around, steady
from simulator.as_graph import AsGraph
from simulator.propagation import Announcement, Path, Rejects, Routes, propagate

MOST_HOPS = 32
LAG_S = (2.0, 25.0)
"""Seconds that a network is behind the first (RFC 4271's advertisement interval is 30 s)."""


def _nobody(asn: int, path: Path) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Taken:
    """What a network does with packets that it drew to itself: `effect` is blackhole, impostor or interception.

    Only from `since` to `until`, Unix seconds: it may have carried the same prefix for others all along.
    """

    by: int
    effect: str
    since: float = float("-inf")
    until: float = float("inf")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where packets went: the networks passed, whether they arrived somewhere, and who took them."""

    path: Path
    arrived: bool
    taken: Taken | None = None


@dataclass(slots=True)
class RoutingHistory:
    """All epochs of all prefixes. Prefixes must be there before the first look at an address inside them."""

    graph: AsGraph
    epochs: dict[Network, list[tuple[float, Routes]]] = field(default_factory=dict)
    takers: dict[tuple[int, Network], Taken] = field(default_factory=dict)
    _memo: dict[tuple[object, ...], Delivery] = field(default_factory=dict)
    _holding: dict[str, list[Network]] = field(default_factory=dict)

    def announce(self, at: float, prefix: Network, by: list[Announcement], rejects: Rejects = _nobody) -> None:
        """From `at` on these networks announce a prefix; none: it is withdrawn."""
        routes = propagate(self.graph, by, rejects) if by else {}
        self.epochs.setdefault(prefix, []).append((at, routes))
        self.epochs[prefix].sort(key=lambda epoch: epoch[0])
        self._holding.clear()

    def take(self, prefix: Network, taken: Taken) -> None:
        """What the network of `taken` does with packets that its route for `prefix` draws."""
        self.takers[taken.by, prefix] = taken

    def route(self, asn: int, prefix: Network, at: float) -> Path | None:
        """A network's route at a time, its own lag taken into account."""
        return self._routes(prefix, at - lag_s(asn)).get(asn)

    def _routes(self, prefix: Network, at: float) -> Routes:
        epochs = self.epochs.get(prefix, [])
        index = bisect_right(epochs, at, key=lambda epoch: epoch[0]) - 1
        return epochs[index][1] if index >= 0 else {}

    def deliver(self, asn: int, address: str, at: float) -> Delivery:
        """Where a packet goes that `asn` sends to an address at a time."""
        prefixes = self._around(address)
        state = tuple(self._epoch_of(prefix, at) for prefix in prefixes)
        settled = all(at - begun > LAG_S[1] for _, begun in state)
        takers = tuple(one for one in self.takers if one[1] in prefixes and self._taker(*one, at) is not None)
        key = (asn, address, state, takers)
        if settled and key in self._memo:
            return self._memo[key]
        delivery = self._forward(asn, prefixes, at)
        if settled:
            self._memo[key] = delivery
        return delivery

    def _epoch_of(self, prefix: Network, at: float) -> tuple[int, float]:
        epochs = self.epochs[prefix]
        index = bisect_right(epochs, at, key=lambda epoch: epoch[0]) - 1
        return index, epochs[index][0] if index >= 0 else float("-inf")

    def _around(self, address: str) -> list[Network]:
        """The prefixes around an address that were ever announced, longest first."""
        found = self._holding.get(address)
        if found is None:
            longest = 48 if ":" in address else 32
            wider = (around(address, length) for length in range(longest, 15, -1))
            found = self._holding[address] = [prefix for prefix in wider if prefix in self.epochs]
        return found

    def _forward(self, asn: int, prefixes: list[Network], at: float) -> Delivery:
        path = [asn]
        here, ignored = asn, frozenset[Network]()
        while len(path) <= MOST_HOPS:
            found = next(
                ((p, r) for p in prefixes if p not in ignored and (r := self.route(here, p, at)) is not None), None
            )
            if found is None:
                return Delivery(tuple(path), arrived=False)
            prefix, route = found
            taken = self._taker(here, prefix, at)
            if taken is not None and taken.effect != "interception":
                return Delivery(tuple(path), arrived=taken.effect == "impostor", taken=taken)
            if taken is not None:
                # Handed on by a tunnel to the genuine network, whose routes are not looked at on the way.
                onward = _legitimate(self.epochs, prefixes, here)
                return Delivery((*path, *onward[1:]), arrived=True, taken=taken)
            if len(route) == 1:
                return Delivery(tuple(path), arrived=True)
            here = route[1]
            path.append(here)
        return Delivery(tuple(path), arrived=False)

    def _taker(self, asn: int, prefix: Network, at: float) -> Taken | None:
        taken = self.takers.get((asn, prefix))
        heard = at - lag_s(asn)
        return taken if taken is not None and taken.since <= heard < taken.until else None


def _legitimate(epochs: dict[Network, list[tuple[float, Routes]]], prefixes: list[Network], asn: int) -> Path:
    """The route that a network had before anything happened."""
    first = min((epochs[prefix][0] for prefix in prefixes), key=lambda epoch: epoch[0])
    return first[1].get(asn, (asn,))


@lru_cache(maxsize=65_536)
def lag_s(asn: int) -> float:
    """How much later than the first a network changes its routes, seconds."""
    low, high = LAG_S
    return low + (high - low) * (steady("lag", asn) % 1000) / 1000
