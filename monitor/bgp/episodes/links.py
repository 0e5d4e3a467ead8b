"""Which networks were seen side by side in AS paths, and since when. Pure.

Shared by all watched prefixes: a neighbour that an origin shows at one of its prefixes is no news at another.
Bounded; when full, a link that is not known is simply not new either, so that nothing is raised from what
was forgotten.
"""

from __future__ import annotations

from itertools import pairwise

from monitor.model import Asn

MAX_LINKS = 500_000
"""The whole Internet shows about as many in all collectors' tables; one takes 0.2 kB."""

_COUNTED = 64
"""Neighbours of one network that are counted; more tell nothing more."""

Link = tuple[Asn, Asn]
"""Two neighbouring networks of a path, the one nearer to the peer first."""


class Links:
    """The links known so far, with the time of each one's first sight."""

    def __init__(self, *, max_links: int = MAX_LINKS) -> None:
        self._since: dict[Link, float] = {}
        self._neighbours: dict[Asn, set[Asn]] = {}
        self._max = max_links

    def learn(self, sequence: tuple[Asn, ...], at: float) -> None:
        """Know every link of a path without prepending."""
        for link in pairwise(sequence):
            if link not in self._since and len(self._since) < self._max:
                self._since[link] = at
        if len(sequence) > 1:
            self.note_neighbour((sequence[-2], sequence[-1]))

    def is_new(self, link: Link) -> bool:
        """Whether the link was never seen, in either direction."""
        if link in self._since or (link[1], link[0]) in self._since:
            return False
        return len(self._since) < self._max

    def note_neighbour(self, link: Link) -> None:
        """Count an origin's neighbour, also one that is in doubt."""
        known = self._neighbours.setdefault(link[1], set()) if len(self._neighbours) < self._max else set()
        if len(known) < _COUNTED:
            known.add(link[0])

    def neighbours(self, asn: Asn) -> int:
        """How many networks were seen next to an origin."""
        return len(self._neighbours.get(asn, ()))
