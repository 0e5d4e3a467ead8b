"""How many of the peers that had a usual prefix lost it. Pure.

A peer has lost a prefix when it withdrew a rightful route of it and has no other route to the same space: a
stranger who withdraws what he took ends a hijack. A peer whose session ended has lost nothing: its routes are
unknown. Withdrawals are looked at some seconds after they came, because an
origin that resets its session announces again at once; and for a day, because a loss can be slow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.bgp.episodes.interest import Which
from monitor.bgp.prefix_key import prefix_of
from monitor.bgp.rib import PeerKey, Rib
from monitor.model import AsPath

WITHDRAWN_SHARE = 0.6
"""A prefix is withdrawn when this share of the peers that had it lost it."""

LOSS_SHARE = 0.25
FEWEST_LOST = 3
"""Below the first, the loss of this share, and of so many peers, is worth a line."""

HOLD_S = 8.0
"""A route that is announced again so soon was never gone; BGP's own pause between updates is longer (30 s)."""

REMEMBERED_S = 86400.0
"""A peer that lost a route longer ago is none of those that have it."""

_NARROWEST_DEFAULT = {4: 8, 6: 16}


@dataclass(frozen=True, slots=True)
class Loss:
    """When each peer lost a prefix, of how many that had it."""

    lost: dict[PeerKey, float]
    had: int

    def held(self, now: float) -> frozenset[PeerKey]:
        """Those that lost it long enough ago to believe it."""
        return frozenset(peer for peer, at in self.lost.items() if at <= now - HOLD_S)

    @property
    def median_at(self) -> float:
        """When half of them had lost it."""
        return sorted(self.lost.values())[len(self.lost) // 2]


def loss_of(rib: Rib, which: Which, now: float, rightful: Callable[[AsPath], bool]) -> Loss | None:
    """The loss of a prefix that stands at `now`; None: nobody lost it.

    `rightful`: whether a route of the prefix came from somebody who may announce it.
    """
    prefix = prefix_of(*which)
    withdrawn = rib.last_withdrawn(prefix)
    if not withdrawn:
        return None
    elsewhere = _having_another(rib, which)
    lost = {
        peer: at
        for peer, (at, route) in withdrawn.items()
        if peer not in elsewhere and now - at <= REMEMBERED_S and rib.is_known(peer) and rightful(route.path)
    }
    return Loss(lost, len(lost) + len(rib.routes(prefix))) if lost else None


def _having_another(rib: Rib, which: Which) -> set[PeerKey]:
    """The peers that still have a way to the space, by a wider prefix or by parts of it."""
    prefix = prefix_of(*which)
    others = [wide for wide in rib.covering_prefix(prefix) if wide.prefixlen >= _NARROWEST_DEFAULT[which[0]]]
    others += rib.inside(prefix)
    return {peer for other in others for peer in rib.routes(other)}
