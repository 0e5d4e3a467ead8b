"""The paths that one vantage has taken to one target: the usual set, and what was walked lately. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from monitor.bgp.address_owners import Owners
from monitor.diagnose.paths.change import compare
from monitor.diagnose.paths.other_interface import KnownHops
from monitor.diagnose.paths.trail import Trail, trail_of
from monitor.model.asn import Asn
from probes.observation import TraceObservation

SETTLED_S = 300.0
"""A path is usual when it was first seen this long before the trouble; the correlation window and more."""

YOUNG_S = 60.0
"""A target younger than `SETTLED_S` is known by the paths of its first minute, as all flows are traced then."""

KEPT_TRAILS = 32
"""Different AS paths remembered for one vantage and target."""

KEPT_TRACES = 64
"""The newest traces remembered: a boost's rounds and an exploration of all flows."""

KEPT_SERIES = 64
"""Series whose routers are remembered: the flows of an exploration, to a few addresses."""


OF_LATE = 8
"""Traces before the trouble that tell which of the usual paths were in use: two rounds of four flows."""

OF_LATE_S = 900.0
"""They must reach back so far: those of a boost's one minute show what one minute showed."""


@dataclass(frozen=True, slots=True)
class Series:
    """What two traces must share to be the same question asked twice. `flow` None: the tracer did not say."""

    address: str | None
    method: str
    flow: int | None

    @property
    def family(self) -> int:
        """4 or 6: paths of the two protocols have nothing in common."""
        return 6 if ":" in (self.address or "") else 4


@dataclass(frozen=True, slots=True)
class Walked:
    """One trace as it is remembered; `at`: when it was complete, Unix seconds."""

    at: float
    series: Series
    trail: Trail


@dataclass(slots=True)
class _Seen:
    trail: Trail
    first_at: float
    last_at: float
    again_at: float | None = None
    """When it was seen for the second time."""


@dataclass(slots=True)
class _Followed:
    """One series: since when it is traced, and by which routers it goes."""

    first_at: float
    hops: KnownHops


class PathMemory:
    """What one vantage has seen of its ways to one target, under a prefix-to-AS table.

    `changes`: how often anything in it changed, so that a reader knows whether anything is new.
    """

    def __init__(self, table: Owners) -> None:
        self._table = table
        self._seen: dict[tuple[int, tuple[Asn, ...], bool, bool], _Seen] = {}
        self._followed: OrderedDict[Series, _Followed] = OrderedDict()
        self._lately: deque[Walked] = deque(maxlen=KEPT_TRACES)
        self.changes = 0

    def add(self, trace: TraceObservation, at: float) -> bool:
        """Remember one trace, known at `at`; whether it is of another path than all before."""
        series = Series(trace.address, trace.method, trace.flow)
        followed = self._followed.setdefault(series, _Followed(at, KnownHops()))
        self._followed.move_to_end(series)
        if len(self._followed) > KEPT_SERIES:
            self._followed.popitem(last=False)
        renamed = followed.hops.other_interfaces(trace, self._table)
        followed.hops.learn(trace, renamed)
        trail = trail_of(trace, self._table, renamed)
        is_new = self._remember(trail, series.family, at)
        self._lately.append(Walked(at, series, trail))
        self.changes += 1
        return is_new

    def forget(self, since: float, until: float) -> None:
        """Unlearn what was first seen during trouble, so that it never becomes the usual path."""
        self.changes += 1
        for family in (4, 6):
            usual = set(self.usual(since, family))
            for key in [k for k, s in self._seen.items() if since - SETTLED_S <= s.first_at <= until]:
                if key[0] == family and self._seen[key].trail not in usual:
                    del self._seen[key]

    def usual(self, onset: float, family: int = 4) -> list[Trail]:
        """The set of trails that were usual before `onset`.

        Those seen more than once and settled, failing that settled, failing that of the first minute: a path that
        was walked once must not become usual by growing old, else a fault of yesterday hides one of today.
        """
        seen = [s for (of, *_), s in self._seen.items() if of == family and s.first_at < onset]
        settled = [s for s in seen if s.first_at < onset - SETTLED_S]
        if not settled:
            earliest = min((s.first_at for s in seen), default=onset)
            return [s.trail for s in seen if s.first_at <= earliest + YOUNG_S]
        again = [s for s in settled if s.again_at is not None and s.again_at < onset - SETTLED_S]
        return [s.trail for s in again or settled]

    def of_late(self, onset: float, family: int) -> list[Trail]:
        """The trails of the newest traces before `onset`; none where these are too few, or of too short a time."""
        newest = [one for one in self._lately if one.at < onset and one.series.family == family][-OF_LATE:]
        long_enough = len(newest) == OF_LATE and newest[0].at <= onset - OF_LATE_S
        return list(dict.fromkeys(one.trail for one in newest)) if long_enough else []

    def walked(self, onset: float) -> list[Walked]:
        """The traces that were complete at or after `onset`, oldest first."""
        return [walked for walked in self._lately if walked.at >= onset]

    def is_followed(self, series: Series, onset: float) -> bool:
        """Whether this very question was asked before `onset`, so that its answer then is known."""
        followed = self._followed.get(series)
        return followed is not None and followed.first_at < onset

    def has_traced(self, address: str | None, before: float) -> bool:
        """Whether the way to this address was traced before."""
        return any(
            series.address == address and known.first_at < before for series, known in self._followed.items()
        )

    def _remember(self, trail: Trail, family: int, at: float) -> bool:
        key = (family, trail.ases, trail.reached, trail.gap_before_end)
        seen = self._seen.get(key)
        if seen is not None:
            seen.trail = Trail(trail.ases, trail.reached, _wider(seen.trail.silent, trail.silent))
            seen.last_at = at
            seen.again_at = at if seen.again_at is None else seen.again_at
            return False
        others = [s.trail for (of, *_), s in self._seen.items() if of == family]
        if len(self._seen) >= KEPT_TRAILS:
            del self._seen[min(self._seen, key=lambda old: self._seen[old].last_at)]
        self._seen[key] = _Seen(trail, at, at)
        return bool(others) and compare(trail, others, frozenset()).is_change


def _wider(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The longer of each two silent stretches of one path."""
    return tuple(map(max, one, other))
