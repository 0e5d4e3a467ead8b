"""Which route every network chooses for a prefix, given who announces it (Gao and Rexford, 2001).

Customers' routes are preferred to peers', those to providers', then the shortest path, then a fixed tie-break.
A route from a customer is told to everybody, any other to customers only; a network never takes a path that it
is in. A forged origin, a forged path and a leak are announcements whose `tail` continues behind the announcer.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.as_graph import AsGraph

Path = tuple[int, ...]
"""Nearest network first; a network's own path begins with itself."""

Routes = dict[int, Path]
"""The chosen path of every network that has a route."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """`by` announces a prefix with `tail` behind itself; to the neighbours in `only_to` where that is given."""

    by: int
    tail: Path = ()
    only_to: frozenset[int] | None = None

    @property
    def path(self) -> Path:
        """As its neighbours hear it."""
        return (self.by, *self.tail)


Rejects = Callable[[int, Path], bool]
"""Whether a network refuses a path, for instance because its origin is RPKI-invalid."""


def propagate(
    graph: AsGraph, announcements: Sequence[Announcement], rejects: Rejects = lambda asn, path: False
) -> Routes:
    """The chosen routes of all networks."""
    limits = {one.by: one.only_to for one in announcements}
    own = {one.by: one.path for one in announcements}
    accept = _Accept(rejects, limits)
    customer = _spread(dict(own), graph.providers, accept)
    peer: Routes = {}
    for asn in sorted(customer):
        for other in graph.peers[asn]:
            path = (other, *customer[asn])
            if other not in customer and accept(other, path) and _better(path, peer.get(other)):
                peer[other] = path
    return _spread(customer | peer, graph.customers, accept)


@dataclass(frozen=True, slots=True)
class _Accept:
    rejects: Rejects
    limits: dict[int, frozenset[int] | None]

    def __call__(self, asn: int, path: Path) -> bool:
        """Whether `asn` takes `path`, which begins with itself."""
        limit = self.limits.get(path[1])
        if limit is not None and asn not in limit:
            return False
        return asn not in path[1:] and not self.rejects(asn, path)


def _spread(routes: Routes, towards: dict[int, list[int]], accept: _Accept) -> Routes:
    """`routes` and what they become when every network tells those it is joined to by `towards`."""
    chosen: Routes = {}
    waiting = [(len(path), _tie(path), path[0], path, True) for path in routes.values()]
    heapq.heapify(waiting)
    while waiting:
        _, _, asn, path, held = heapq.heappop(waiting)
        if asn in chosen or (not held and asn in routes):
            continue
        chosen[asn] = path
        for other in towards[asn]:
            longer = (other, *path)
            if other not in chosen and other not in routes and accept(other, longer):
                heapq.heappush(waiting, (len(longer), _tie(longer), other, longer, False))
    return chosen


def _better(path: Path, than: Path | None) -> bool:
    return than is None or (len(path), _tie(path)) < (len(than), _tie(than))


def _tie(path: Path) -> int:
    """Stands for the lowest router identifier: arbitrary, and always the same."""
    return zlib.crc32(f"{path[0]} {path[1] if len(path) > 1 else 0}".encode())
