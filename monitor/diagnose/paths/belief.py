"""When a changed path is believed: asked again, and told the same. Pure.

Theory of operation. One odd trace is nothing: a router under another address, a stray packet of a load balancer,
a route that flaps for seconds. A trace that differs from the usual set is a question, and what answers it is

- the next trace with the same flow to the same address (the agent sends it at once), or
- a trace with another flow, or to another address of the target, or
- a trace from another vantage that meets the same new network, or likewise ends early, or
- BGP, when it says that this very network announces the target's prefix now, or
- whoever answers the vantage with a key that the target never had, where the trace ends in another network.

`AGREEING` such witnesses, the first trace included, make a change. Until then the path is `UNKNOWN`: the odd trace
is no evidence, and neither does the trace before it still show that all is as ever.

Load balancers by flow hold several ways open at once, and a flow that was never traced before the trouble may
show one that nobody has met yet. So as long as flows that were followed from before are traced on, only these can
be odd; a new flow can bear witness, but not accuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from monitor.diagnose.paths.change import PathChange, compare, new_networks
from monitor.diagnose.paths.memory import PathMemory, Series
from monitor.diagnose.paths.trail import Trail
from monitor.model.asn import Asn

AGREEING: Final = 2
"""Traces that must agree on a change, the first included. Two of one flow within seconds, as the agent sends them,
rule out strays; a third would cost a sparsely traced vantage another interval of minutes."""

REFUTING: Final = 2
"""So many later traces to the same address by other flows, all unchanged, take back what one flow showed: its way
was restored, and its turn has not come again."""

ROUND_S: Final = 30.0
"""The traces of one round, to all addresses of a target, are complete within it. The addresses may lie in
different prefixes, of which one was taken, so that inside a round none refutes another; later, any of them does,
since a pool that rotates may never show the odd one again."""


@dataclass(frozen=True)
class Reading:
    """One trace compared with the usual set of its family, `usual`, as it was before the trouble."""

    at: float
    series: Series
    trail: Trail
    change: PathChange
    usual: tuple[Trail, ...]

    @cached_property
    def new(self) -> frozenset[Asn]:
        """The networks that no usual trail has."""
        return frozenset(new_networks(self.trail, self.usual))


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a vantage's path: how it differs, by which trail, when that was traced, and to where."""

    change: PathChange = PathChange.UNKNOWN
    trail: Trail | None = None
    usual: tuple[Trail, ...] = ()
    at: float | None = None
    address: str | None = None

    @property
    def new_networks(self) -> tuple[Asn, ...]:
        """The networks on the trail that no usual one has, in path order."""
        return () if self.trail is None else new_networks(self.trail, self.usual)


def readings(memory: PathMemory, onset: float, expected_origins: frozenset[Asn]) -> tuple[Reading, ...]:
    """The traces since `onset`, oldest first, each compared with what was usual before; those that say nothing,
    and new flows where followed ones were traced, left out. A usual way that was out of use of late, as before an
    hour of maintenance, says nothing either: it is no strange one, and to be back on it is no rest.
    """
    walked = memory.walked(onset)
    followed = {one.series for one in walked if memory.is_followed(one.series, onset)}
    usual = {family: tuple(memory.usual(onset, family)) for family in {one.series.family for one in walked}}
    of_late = {family: memory.of_late(onset, family) for family in usual}
    compared: dict[tuple[int, Trail], PathChange] = {}
    found = []
    for one in walked:
        family = one.series.family
        known = usual[family]
        if not known:
            continue
        key = (family, one.trail)
        if key not in compared:
            compared[key] = _compare(one.trail, known, of_late[family], expected_origins)
        if compared[key] is not PathChange.UNKNOWN:
            found.append(Reading(one.at, one.series, one.trail, compared[key], known))
    accusing = [reading for reading in found if reading.series in followed]
    return tuple(found if not accusing else [r for r in found if r.series in followed or _bears_out(r, accusing)])


def _compare(
    trail: Trail, usual: Sequence[Trail], of_late: Sequence[Trail], expected_origins: frozenset[Asn]
) -> PathChange:
    change = compare(trail, usual, expected_origins)
    back = change is PathChange.UNCHANGED and of_late and compare(trail, of_late, expected_origins).is_change
    return PathChange.UNKNOWN if back else change


def ends_at_stranger(own: tuple[Reading, ...]) -> Belief:
    """What to believe of a vantage that somebody with another key answers, and whose readings are `own`.

    Its latest trace, where that shows another network right before who answered; else nothing.
    """
    if not own or own[-1].change is not PathChange.ENDS_ELSEWHERE:
        return Belief()
    return _belief(own[-1]) if own[-1].trail.reached and not own[-1].trail.gap_before_end else Belief()


def believe(own: tuple[Reading, ...], others: Iterable[Reading], told: frozenset[Asn]) -> Belief:
    """What to believe of a vantage whose readings are `own`.

    `others`: the latest readings of the other vantages. `told`: networks that BGP says took the target's prefix.
    """
    if not own:
        return Belief()
    latest = own[-1]
    others = tuple(others)
    if latest.change.is_change:
        return _belief(latest) if _is_borne_out(latest, own, others, told) else Belief()
    odd = (r for r in _latest_of_each(own) if r.change.is_change and not _is_refuted(r, own))
    return _belief(next((r for r in odd if _is_borne_out(r, own, others, told)), latest))


def _belief(reading: Reading) -> Belief:
    return Belief(reading.change, reading.trail, reading.usual, reading.at, reading.series.address)


def _is_borne_out(
    reading: Reading, own: tuple[Reading, ...], others: tuple[Reading, ...], told: frozenset[Asn]
) -> bool:
    """Whether BGP, or enough traces, say the same as a reading that is the latest of its series."""
    if reading.new & told:
        return True
    witnesses = sum(_meets(reading, other) for other in others)
    witnesses += sum(_bears_out(r, [reading]) for r in _latest_of_each(own) if r.series != reading.series)
    for same in reversed([r for r in own if r.series == reading.series]):
        if not _bears_out(same, [reading]):
            break
        witnesses += 1  # the reading itself, and each in a row before it
    return witnesses >= AGREEING


def _bears_out(reading: Reading, accusing: Iterable[Reading]) -> bool:
    """Whether a reading of the same vantage tells the same change as one of `accusing`, or could: silent routers
    may hide what is new."""
    return reading.change.is_change and any(
        not reading.new or not other.new or reading.new & other.new for other in accusing if other.change.is_change
    )


def _meets(reading: Reading, other: Reading) -> bool:
    """Whether a reading of another vantage tells the same change; their usual paths differ, so less will do."""
    if reading.new or other.new:
        return bool(reading.new & other.new)
    return reading.change is other.change and (
        reading.change is PathChange.STOPS_SHORT or reading.trail.tail == other.trail.tail
    )


def _latest_of_each(own: tuple[Reading, ...]) -> Iterator[Reading]:
    """The latest reading of each series, newest first."""
    met: set[Series] = set()
    for reading in reversed(own):
        if reading.series not in met:
            met.add(reading.series)
            yield reading


def _is_refuted(reading: Reading, own: tuple[Reading, ...]) -> bool:
    later = [r for r in own[own.index(reading) + 1 :] if r.change is PathChange.UNCHANGED]
    same = [r for r in later if r.series.address == reading.series.address]
    return len(same) >= REFUTING or any(r.at > reading.at + ROUND_S for r in later if r not in same)
