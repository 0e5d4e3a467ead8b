"""What is remembered of one prefix in or around watched space. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.bgp.episodes.ground import Ground
from monitor.bgp.episodes.interest import Which
from monitor.bgp.episodes.judge import Judgement
from monitor.bgp.episodes.register import Record
from monitor.bgp.rib import PeerKey
from monitor.model import AsPath

HUNTING_S = 120.0
"""How long after withdrawals odd paths are taken for path hunting; it seldom lasts longer (Labovitz 2000)."""

HUNTING_SHARE = 0.1
"""Withdrawals by this share of a prefix's peers, two at least, send routers hunting."""

MAX_JUDGED = 1_000
"""Paths of one prefix whose judgement is kept; a prefix shows some 300 at a time."""

Move = tuple[float, AsPath | None, AsPath | None]
"""When a peer's path changed, from which, to which."""


@dataclass(slots=True, eq=False)
class Book:
    """One prefix: what it is judged by, the judgement of each of its paths, and who carries which episode.

    `dumped`: a RIB dump showed its usual ways. `sighting`: its origins may still be trusted on sight.
    `doubted`: a path was not judged, because routers were hunting. `lost_at`: when most peers had lost it.
    """

    which: Which
    ground: Ground
    judged: dict[AsPath, Judgement | None] = field(default_factory=dict)
    carried: dict[PeerKey, Record] = field(default_factory=dict)
    moves: dict[PeerKey, Move] = field(default_factory=dict)
    withdrawals: dict[PeerKey, float] = field(default_factory=dict)
    dumped: bool = False
    sighting: bool = True
    doubted: bool = False
    lost_at: float | None = None
    prepends: int = 0

    def remember(self, path: AsPath, judgement: Judgement | None) -> None:
        """Keep the judgement of a path, so that the next peer's costs nothing."""
        if len(self.judged) >= MAX_JUDGED:
            self.judged.clear()
        self.judged[path] = judgement

    def note_move(self, peer: PeerKey, at: float, old: AsPath, new: AsPath) -> None:
        """A peer's path changed; more or less prepending is no other way."""
        if old.sequence != new.sequence:
            self.moves[peer] = (at, old, new)

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
