"""What is remembered of one prefix in or around watched space. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.bgp.episodes.ground import Ground
from monitor.bgp.episodes.interest import Which
from monitor.bgp.episodes.judgement import Judgement
from monitor.bgp.episodes.register import Record
from monitor.bgp.rib import PeerKey
from monitor.model import Asn, AsPath, AsSet

HUNTING_S = 120.0
"""How long after withdrawals odd paths are taken for path hunting; it seldom lasts longer (Labovitz 2000)."""

HUNTING_SHARE = 0.1
"""Withdrawals by this share of a prefix's peers, two at least, send routers hunting."""

MAX_JUDGED = 500
"""Paths of one prefix whose judgement is kept; a prefix shows some 300 at a time."""

Segments = tuple[Asn | AsSet, ...]
"""A path as the plain tuple it is made of, which is hashed much faster than the value."""

Move = tuple[float, AsPath | None, AsPath | None]
"""When a peer's path changed, from which, to which."""


@dataclass(slots=True, eq=False)
class Book:
    """One prefix: what it is judged by, the judgement of each unusual path, and who carries which episode.

    `since`: its first route. `sighting`: origins may be trusted on sight.
    `quiet`: the origins of which a route over usual ways says nothing. `lost_at`: when most peers had lost it.
    """

    which: Which
    ground: Ground
    since: float
    judged: dict[Segments, Judgement] = field(default_factory=dict)
    carried: dict[PeerKey, Record] = field(default_factory=dict)
    moves: dict[PeerKey, Move] = field(default_factory=dict)
    withdrawals: dict[PeerKey, float] = field(default_factory=dict)
    sighting: bool = True
    quiet: frozenset[Asn] = frozenset()
    lost_at: float | None = None
    prepends: int = 0

    def remember(self, path: AsPath, judgement: Judgement) -> None:
        """Keep what is unusual about a path, so that the next peer's costs nothing."""
        if len(self.judged) >= MAX_JUDGED:
            self.judged.clear()
        self.judged[path.segments] = judgement

    def note_withdrawal(self, peer: PeerKey, at: float) -> None:
        """A peer withdrew the prefix."""
        self.withdrawals.pop(peer, None)
        self.withdrawals[peer] = at

    def is_hunted(self, at: float, peers: int) -> bool:
        """Whether so many of the `peers` that have or had it withdrew it lately that odd paths prove nothing."""
        while self.withdrawals:
            peer, withdrawn_at = next(iter(self.withdrawals.items()))
            if withdrawn_at >= at - HUNTING_S:
                break
            del self.withdrawals[peer]
        return len(self.withdrawals) >= max(2.0, HUNTING_SHARE * peers)
