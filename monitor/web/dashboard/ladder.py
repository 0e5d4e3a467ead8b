"""Two ways to one address side by side, hop by hop: where they part, and through whose networks they go. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model import Asn
from monitor.report.moment import milliseconds
from monitor.report.safe_text import one_line
from monitor.web.dashboard.source import Origins
from probes.observation import TraceObservation

PALETTE = 8
"""Networks that have a colour of their own on one page; those beyond share one."""

Addresses = dict[int, str]
"""TTL -> address, where one is known."""


class Palette:
    """A colour for each network, by the order in which they are met on a page."""

    def __init__(self) -> None:
        self._numbers: dict[Asn, int] = {}

    def number(self, asn: Asn | None) -> int:
        """From 1 to PALETTE; 0: not known, or beyond."""
        if asn is None:
            return 0
        number = self._numbers.setdefault(asn, len(self._numbers) + 1)
        return number if number <= PALETTE else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A hop. `network`: `AS3356`, empty where not known; `colour`: the network's, of `Palette`."""

    address: str
    network: str
    colour: int
    rtt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One TTL: the hop before and the hop after, None where the way had ended. `parts`: they part here."""

    ttl: int
    before: Rung | None
    after: Rung | None
    same: bool
    parts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Both ways of a vantage. `before_at` None: there is no other way to compare with."""

    vantage: str
    address: str
    at: float
    before_at: float | None
    reached: bool
    pairs: tuple[Pair, ...]
    networks: tuple[Asn, ...]
    networks_before: tuple[Asn, ...]

    @property
    def changed(self) -> bool:
        """Whether the ways part somewhere."""
        return any(pair.parts for pair in self.pairs)


def ladder_of(
    now: TraceObservation, before: TraceObservation | None, origins: Origins, palette: Palette
) -> Ladder:
    """The way of `now` beside an earlier one; None: there is no other."""
    after, old = hops_of(now), {} if before is None else hops_of(before)
    first = _first_parting(old, after)
    old_rungs, new_rungs = _rungs(before, origins, palette), _rungs(now, origins, palette)
    pairs = tuple(
        Pair(
            ttl=ttl,
            before=old_rungs.get(ttl),
            after=new_rungs.get(ttl),
            same=old.get(ttl) == after.get(ttl),
            parts=ttl == first,
        )
        for ttl in range(1, max((*old_rungs, *new_rungs), default=0) + 1)
    )
    return Ladder(
        vantage=one_line(now.vantage, 64),
        address=one_line(now.address or "", 64),
        at=now.at,
        before_at=None if before is None else before.at,
        reached=now.reached,
        pairs=pairs,
        networks=networks_of(now, origins),
        networks_before=() if before is None else networks_of(before, origins),
    )


def contradicts(one: Addresses, other: Addresses) -> bool:
    """Whether two traces cannot be of one way: a silent hop is a wildcard."""
    return any(one[ttl] != other[ttl] for ttl in one.keys() & other.keys())


def networks_of(trace: TraceObservation, origins: Origins) -> tuple[Asn, ...]:
    """The networks on a trace's way, each once in order; hops that no table maps are left out."""
    found: list[Asn] = []
    for hop in trace.hops:
        owner = _owner(hop.address, origins)
        if owner is not None and owner not in found:
            found.append(owner)
    return tuple(found)


def _first_parting(old: Addresses, new: Addresses) -> int | None:
    return min((ttl for ttl in old.keys() & new.keys() if old[ttl] != new[ttl]), default=None)


def hops_of(trace: TraceObservation) -> Addresses:
    """The hops of a trace that answered."""
    return {hop.ttl: hop.address for hop in trace.hops if hop.address is not None}


def _rungs(trace: TraceObservation | None, origins: Origins, palette: Palette) -> dict[int, Rung]:
    return (
        {} if trace is None else {hop.ttl: _rung(hop.address, hop.rtt_s, origins, palette) for hop in trace.hops}
    )


def _rung(address: str | None, rtt_s: float | None, origins: Origins, palette: Palette) -> Rung:
    owner = _owner(address, origins)
    return Rung(
        address="*" if address is None else one_line(address, 64),
        network="" if owner is None else f"AS{owner}",
        colour=palette.number(owner),
        rtt="" if rtt_s is None else milliseconds(rtt_s),
    )


def _owner(address: str | None, origins: Origins) -> Asn | None:
    if address is None:
        return None
    try:
        return min(origins(address) or (), default=None)
    except ValueError:  # another program's line may hold any text as an address
        return None
