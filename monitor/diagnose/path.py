"""AS-level paths from traceroutes, and how a new one differs from the usual ones. Pure.

Paths are compared as sequences of AS numbers: silent hops are wildcards, unmapped private hops are left
out, and hop counts are never used, because load balancers and silent routers change them for no reason.
The destination's own answer is left out too: its address stays the same whoever answers, so it says
nothing of who did; the last network *before* it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.bgp.ip_to_as import PrefixTable
from monitor.model.asn import Asn
from monitor.model.prefix import as_address
from probes.observation import HopReply, TraceObservation

SETTLED_S = 300.0
"""A path is usual when it was first seen this long before the trouble; the correlation window and more."""

KEPT_TRAILS = 32
"""Different AS paths remembered for one vantage and target."""

_REFUSALS = (HopReply.HOST_UNREACHABLE, HopReply.NET_UNREACHABLE, HopReply.ADMIN_PROHIBITED)


@dataclass(frozen=True, slots=True)
class Trail:
    """The AS-level path of one traceroute: `ases` without repetition, nearest first."""

    ases: tuple[Asn, ...]
    reached: bool
    gap_before_end: bool
    """Whether silent or unmapped hops lie between the last mapped AS and the end."""

    @property
    def tail(self) -> Asn | None:
        """The last network seen before the destination itself."""
        return self.ases[-1] if self.ases else None


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


def trail_of(trace: TraceObservation, table: PrefixTable) -> Trail:
    """The AS-level path of a traceroute under a prefix-to-AS table.

    An address of several ASes maps to the one before it if that is among them, else to the least.
    """
    ases: list[Asn] = []
    gap = False
    for hop in trace.hops:
        if hop.address is None:
            gap = True
            continue
        if hop.address == trace.address and hop.reply not in _REFUSALS:
            continue
        address = as_address(hop.address)
        mapped = table.lookup(address) if address is not None else None
        if not mapped:
            gap = gap or address is None or not address.is_private
            continue
        gap = False
        asn = next((asn for asn in ases[-1:] if asn in mapped), min(mapped))
        if not ases or ases[-1] != asn:
            ases.append(asn)
    return Trail(tuple(ases), trace.reached, gap)


@dataclass(slots=True)
class _Seen:
    first_at: float
    last_at: float


class PathMemory:
    """The AS paths that one vantage has seen to one target, and the latest of them."""

    def __init__(self) -> None:
        self._seen: dict[Trail, _Seen] = {}
        self.latest: Trail | None = None
        self.latest_at: float | None = None

    def add(self, trail: Trail, at: float) -> bool:
        """Remember one trail, known at `at`; whether it is another than all before."""
        seen = self._seen.get(trail)
        if seen is None:
            if len(self._seen) >= KEPT_TRAILS:
                del self._seen[min(self._seen, key=lambda old: self._seen[old].last_at)]
            self._seen[trail] = _Seen(at, at)
        else:
            seen.last_at = at
        self.latest, self.latest_at = trail, at
        return seen is None and len(self._seen) > 1

    def forget(self, since: float, until: float) -> None:
        """Unlearn what was first seen during trouble, so that it never becomes the usual path."""
        usual = set(self.usual(since))
        for trail in [t for t, seen in self._seen.items() if since - SETTLED_S <= seen.first_at <= until]:
            if trail not in usual:
                del self._seen[trail]

    def usual(self, onset: float) -> list[Trail]:
        """The trails that were usual before `onset`: settled ones, or failing those the very first."""
        settled = [t for t, seen in self._seen.items() if seen.first_at < onset - SETTLED_S]
        if settled:
            return settled
        before = [t for t, seen in self._seen.items() if seen.first_at < onset]
        return sorted(before, key=lambda trail: self._seen[trail].first_at)[:1]

    def change(self, onset: float, expected_origins: frozenset[Asn]) -> PathChange:
        """How the latest trail differs from the usual ones; UNKNOWN without a trail since `onset`."""
        if self.latest is None or self.latest_at is None or self.latest_at < onset:
            return PathChange.UNKNOWN
        usual = self.usual(onset)
        if not usual:
            return PathChange.UNKNOWN
        return compare(self.latest, usual, expected_origins)


def compare(trail: Trail, usual: list[Trail], expected_origins: frozenset[Asn]) -> PathChange:
    """Classify `trail` against the usual trails (at least one) of the same vantage and target."""
    if not trail.ases:
        return PathChange.UNKNOWN if not trail.reached else PathChange.UNCHANGED
    known = {asn for old in usual for asn in old.ases}
    tails = {old.tail for old in usual if old.tail is not None}
    new = [asn for asn in trail.ases if asn not in known]
    if new:
        at_home = trail.tail in tails or trail.tail in expected_origins
        return PathChange.REROUTED if at_home else PathChange.ENDS_ELSEWHERE
    if trail.tail in tails:
        same_order = any(_is_within(trail.ases, old.ases) for old in usual)
        return PathChange.UNCHANGED if same_order else PathChange.REROUTED
    if trail.reached and not trail.gap_before_end:
        return PathChange.ENDS_ELSEWHERE if any(old.reached for old in usual) else PathChange.UNCHANGED
    return PathChange.UNCHANGED if trail.reached else PathChange.STOPS_SHORT


def new_networks(trail: Trail, usual: list[Trail]) -> tuple[Asn, ...]:
    """The networks on `trail` that no usual trail has, in path order."""
    known = {asn for old in usual for asn in old.ases}
    return tuple(asn for asn in trail.ases if asn not in known)


def _is_within(part: tuple[Asn, ...], whole: tuple[Asn, ...]) -> bool:
    """Whether `part` is `whole` with some networks silent."""
    remaining = iter(whole)
    return all(asn in remaining for asn in part)
