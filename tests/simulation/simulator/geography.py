"""Where networks are, and so how long light takes between them.

A plane of 20,000 by 10,000 km with population centres; a network has one place, but for the tier-1s, which are
everywhere: crossing one costs the way between its neighbours. Fibre is 200 km a millisecond and 1.3 times as
long as the straight line (Singla et al., "The Internet at the speed of light", HotNets 2014, find more).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot
from random import Random

from simulator.as_graph import AsGraph

KM_A_MS = 200.0
DETOUR = 1.3
HOP_S = 0.00015
"""What a network adds by itself, both ways."""

_CENTRES = (
    (4000, 6500),
    (5200, 6200),
    (10_000, 7000),
    (10_600, 6600),
    (17_000, 6400),
    (18_000, 5600),
    (14_500, 3200),
)


class Geography:
    """A place for each network of a graph."""

    def __init__(self, graph: AsGraph, rng: Random) -> None:
        self._top = graph.top
        self._places: dict[int, tuple[float, float]] = {}
        self._known: dict[tuple[int, ...], tuple[float, ...]] = {}
        for asn in sorted(graph.providers, key=lambda asn: (len(graph.providers[asn]) == 0, asn)):
            above = [self._places[p] for p in graph.providers[asn] if p in self._places]
            x, y = above[0] if above and rng.random() < 0.7 else rng.choice(_CENTRES)
            self._places[asn] = (x + rng.gauss(0, 500), y + rng.gauss(0, 400))

    def round_trips(self, path: tuple[int, ...]) -> tuple[float, ...]:
        """Seconds from the first network to each of `path` and back, on the way of that path."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = tuple(self._measured(path))
        return found

    def _measured(self, path: tuple[int, ...]) -> Iterator[float]:
        where = self._places[path[0]]
        km = 0.0
        for count, asn in enumerate(path):
            if asn not in self._top:
                place = self._places[asn]
                km += hypot(place[0] - where[0], place[1] - where[1])
                where = place
            yield 2 * DETOUR * km / KM_A_MS / 1000 + HOP_S * (count + 1)
