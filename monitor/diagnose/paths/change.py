"""How one AS-level path differs from the set of usual ones. Pure.

A set, because load balancers hold several ways open at once, by flow or by packet: a trail is unchanged when
it fits any of them. A network missing from a trail is no difference (its routers may be silent, hidden in a
tunnel, or numbered from a neighbour's network); a network that is new in it is one, unless it lies where a
usual trail had silent hops enough to hide it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.diagnose.paths.trail import Trail
from monitor.model.asn import Asn


class PathChange(StrEnum):
    """How a trail differs from the usual ones of the same vantage."""

    UNKNOWN = "unknown"
    UNCHANGED = "unchanged"
    REROUTED = "rerouted"
    """New networks on the way, the same network at the end."""
    ENDS_ELSEWHERE = "ends_elsewhere"
    """New networks, and the last one before the destination is none of the usual ones."""
    STOPS_SHORT = "stops_short"
    """The usual way, but it ends before the networks where it used to end."""

    @property
    def is_change(self) -> bool:
        """Whether it says that the path is another one."""
        return self not in (PathChange.UNKNOWN, PathChange.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a trail leaves the usual ones: the last network that it shares with them, and the first new one."""

    behind: Asn | None
    into: Asn


def compare(trail: Trail, usual: Sequence[Trail], expected_origins: frozenset[Asn]) -> PathChange:
    """Classify `trail` against the usual trails (at least one) of the same vantage and target."""
    if not trail.ases:
        return PathChange.UNKNOWN if not trail.reached else PathChange.UNCHANGED
    tails = {old.tail for old in usual if old.tail is not None}
    as_usual = any(fits(trail, old) for old in _fullest(usual))
    if not as_usual and new_networks(trail, usual):
        at_home = trail.tail in tails or trail.tail in expected_origins
        return PathChange.REROUTED if at_home else PathChange.ENDS_ELSEWHERE
    if trail.tail in tails:
        return PathChange.UNCHANGED if as_usual else PathChange.REROUTED
    if trail.reached and not trail.gap_before_end:
        return PathChange.ENDS_ELSEWHERE if any(old.reached for old in usual) else PathChange.UNCHANGED
    return PathChange.UNCHANGED if trail.reached else PathChange.STOPS_SHORT


def new_networks(trail: Trail, usual: Sequence[Trail]) -> tuple[Asn, ...]:
    """The networks on `trail` that no usual trail has, in path order."""
    known = {asn for old in usual for asn in old.ases}
    return tuple(asn for asn in trail.ases if asn not in known)


def divergence(trail: Trail, usual: Sequence[Trail]) -> Divergence | None:
    """Where `trail` first enters a network that no usual trail has; None when it enters none."""
    new = new_networks(trail, usual)[:1]
    if not new:
        return None
    index = trail.ases.index(new[0])
    return Divergence(trail.ases[index - 1] if index else None, new[0])


def fits(trail: Trail, old: Trail) -> bool:
    """Whether `trail` may be `old` with other hops silent.

    Each network of `trail` is one of `old`, in its order, or lies in a silent stretch of `old` that has room for
    it. The last one must be of `old`: what ends in a network that was never seen is another path.
    """
    position, room = 0, old.room(0)
    matched = True
    for asn in trail.ases:
        try:
            position = old.ases.index(asn, position) + 1
        except ValueError:
            if room == 0 or position == len(old.ases):
                return False
            room -= 1
            matched = False
        else:
            room = old.room(position)
            matched = True
    return matched


def _fullest(usual: Sequence[Trail]) -> list[Trail]:
    """The usual trails without those that only lack networks of another one.

    Their silent stretches are explained by that one: a hop that is silent at times hides no stranger.
    """
    return [old for old in usual if not any(_is_part(old, other) for other in usual)]


def _is_part(part: Trail, whole: Trail) -> bool:
    """Whether `part` has some of the networks of `whole` only, in its order."""
    remaining = iter(whole.ases)
    return len(part.ases) < len(whole.ases) and all(asn in remaining for asn in part.ases)
