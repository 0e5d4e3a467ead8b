"""Who is whose customer, and who peers with whom: a graph of autonomous systems, generated or CAIDA's.

Generated graphs follow what Gao (2001) found of the real one: a clique of tier-1s that nobody sells transit to,
transit networks with one to three providers, and many stubs; peerings join networks of one level and region.
"""

from __future__ import annotations

import bz2
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random

Neighbours = dict[int, list[int]]


@dataclass(frozen=True, slots=True)
class AsGraph:
    """Relations by AS number; each list is sorted. `top` are the tier-1s."""

    providers: Neighbours
    customers: Neighbours
    peers: Neighbours
    top: frozenset[int]

    @property
    def stubs(self) -> list[int]:
        """The networks without customers, in order of their numbers."""
        return sorted(asn for asn in self.providers if not self.customers[asn] and asn not in self.top)

    @property
    def transits(self) -> list[int]:
        """The networks with customers that are no tier-1, in order of their numbers."""
        return sorted(asn for asn in self.providers if self.customers[asn] and asn not in self.top)

    def is_valley_free(self, path: tuple[int, ...]) -> bool:
        """Whether a path (nearest first) goes up, over at most one peering, and down (seen from its origin)."""
        level = 0  # 0: still among customer-to-provider steps; 1: after a peering or the first step down
        for far, near in zip(path[::-1], path[-2::-1], strict=False):
            if near in self.providers[far]:
                if level:
                    return False
            elif near in self.peers[far]:
                if level:
                    return False
                level = 1
            elif near in self.customers[far]:
                level = 1
            else:
                return False
        return True


@dataclass(slots=True)
class _Drawing:
    """A graph while it is drawn."""

    providers: dict[int, set[int]] = field(default_factory=dict)
    peers: dict[int, set[int]] = field(default_factory=dict)

    def add(self, asn: int, providers: Iterable[int] = ()) -> None:
        self.providers.setdefault(asn, set()).update(providers)
        self.peers.setdefault(asn, set())

    def join(self, one: int, other: int) -> None:
        if one != other and one not in self.providers[other] and other not in self.providers[one]:
            self.peers[one].add(other)
            self.peers[other].add(one)

    def finished(self, top: Iterable[int]) -> AsGraph:
        customers: dict[int, set[int]] = {asn: set() for asn in self.providers}
        for asn, above in self.providers.items():
            for provider in above:
                customers[provider].add(asn)
        return AsGraph(_sorted(self.providers), _sorted(customers), _sorted(self.peers), frozenset(top))


def _sorted(neighbours: dict[int, set[int]]) -> Neighbours:
    return {asn: sorted(others) for asn, others in sorted(neighbours.items())}


def generated(rng: Random, *, tops: int = 6, transits: int = 45, stubs: int = 160) -> AsGraph:
    """A graph of that many networks, with numbers as the registries give them (16 and 32 bit)."""
    numbers = iter(rng.sample([*range(1000, 64000), *range(131_072, 150_000)], tops + transits + stubs))
    drawing = _Drawing()
    top = [next(numbers) for _ in range(tops)]
    for asn in top:
        drawing.add(asn)
    for index, asn in enumerate(top):
        for other in top[:index]:
            drawing.join(asn, other)
    middle: list[int] = []
    for _ in range(transits):
        above = [*top, *middle[: max(len(middle) * 2 // 3, 0)]]
        asn = next(numbers)
        drawing.add(asn, rng.sample(above, k=min(len(above), rng.choice([1, 2, 2, 3]))))
        middle.append(asn)
    for asn in middle:
        for other in rng.sample(middle, k=min(len(middle), 3)):
            drawing.join(asn, other)
    for _ in range(stubs):
        drawing.add(next_one := next(numbers), rng.sample(middle, k=rng.choice([1, 2, 2, 3])))
        if rng.random() < 0.1:
            drawing.join(next_one, rng.choice(middle))
    return drawing.finished(top)


def from_caida(path: Path, rng: Random, *, stubs: int = 160) -> AsGraph:
    """So many stubs of CAIDA's serial-1 relationships (`provider|customer|-1`, `peer|peer|0`), all networks above
    them, and the relations between those."""
    providers, peers, without_customers = _read_caida(path)
    chosen = set(rng.sample(without_customers, k=stubs))
    waiting = list(chosen)
    while waiting:
        # At most three providers of each, or the closure would be half of the Internet.
        above = sorted(providers.get(waiting.pop(), ()))
        for provider in rng.sample(above, k=min(3, len(above))):
            if provider not in chosen:
                chosen.add(provider)
                waiting.append(provider)
    drawing = _Drawing()
    for asn in sorted(chosen):
        drawing.add(asn, providers.get(asn, set()) & chosen)
    for asn in sorted(chosen):
        for other in sorted(peers.get(asn, set()) & chosen):
            drawing.join(asn, other)
    top = [asn for asn in drawing.providers if not drawing.providers[asn]]
    for index, asn in enumerate(top):
        for other in top[:index]:
            drawing.join(asn, other)
    return drawing.finished(top)


@lru_cache(maxsize=1)
def _read_caida(path: Path) -> tuple[dict[int, set[int]], dict[int, set[int]], tuple[int, ...]]:
    """Each network's providers and peers, and the networks without customers in order of their numbers."""
    providers: dict[int, set[int]] = {}
    peers: dict[int, set[int]] = {}
    for one, other, relation in _relations(path):
        if relation == -1:
            providers.setdefault(other, set()).add(one)
            providers.setdefault(one, set())
        else:
            peers.setdefault(one, set()).add(other)
            peers.setdefault(other, set()).add(one)
    below = {provider for above in providers.values() for provider in above}
    return providers, peers, tuple(sorted(asn for asn in providers if asn not in below))


def _relations(path: Path) -> Iterator[tuple[int, int, int]]:
    with bz2.open(path, "rt") as lines:
        for line in lines:
            if not line.startswith("#"):
                one, other, relation = line.split("|")[:3]
                yield int(one), int(other), int(relation)
