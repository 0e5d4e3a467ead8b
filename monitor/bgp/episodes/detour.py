"""Whether all ways to a part lead round through one network that was on hardly anybody's way. Pure.

Theory of operation. Who announces a part of his space has it told by the networks that tell the whole, so peers
reach it by ways that they know. Where every peer that has the part reaches it through one network, which hardly
any of their ways to the whole has, and that network names another behind itself which peers reach without it, by a
shorter way, then the network named would have told these peers, or those between, of the part itself. Either its
owner had it told to that one network alone, or that network made the way up: of links that are all real, if it
knew how. Routes alone do not tell these two apart; what became of the packets does.

Who drops what is RPKI-invalid (RFC 6811) may have heard of the part, so of an invalid one only those peers count
that carry it, and next to the network named, or behind networks that carry it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

from monitor.bgp.rib import PeerKey
from monitor.model import Asn

FEWEST_CARRIERS = 2
"""Peers whose ways must share a network: that one peer's way has one says nothing."""

STRANGE = 0.2
"""A network that has more of the usual ways of those who carry the part is no stranger there."""

Way = tuple[Asn, ...]
Ways = Mapping[PeerKey, Way]


@dataclass(frozen=True, slots=True)
class Detour:
    """The network that all ways lead through, and the one behind it that peers reach without it."""

    through: Asn
    around: Asn


def detour(part: Ways, whole: Ways, *, dropped: bool) -> Detour | None:
    """The detour that the ways to a part make beside the ways to the whole; None: none that anybody shows.

    `part`, `whole`: the ways of those peers that have one. `dropped`: networks may have dropped the part.
    """
    usual = [whole[peer] for peer in part if peer in whole]
    if min(len(part), len(usual)) < FEWEST_CARRIERS:
        return None
    shared = _shared(part.values())
    for index in reversed(range(len(shared) - 2)):
        through, around = shared[index], shared[index + 1]
        if sum(through in way for way in usual) > STRANGE * len(usual):
            continue
        if any(_witnesses(part, whole, through, around, dropped=dropped)):
            return Detour(through, around)
    return None


def _witnesses(part: Ways, whole: Ways, through: Asn, around: Asn, *, dropped: bool) -> Iterator[bool]:
    """Of each peer, whether its way to the whole shows that the network named told nobody of the part."""
    carriers = {asn for way in part.values() for asn in way}
    for peer, way in whole.items():
        if around not in way or through in way:
            continue
        if peer in part:
            between = way[1 : way.index(around)]
            yield len(part[peer]) > len(way) and (not dropped or carriers.issuperset(between))
        else:
            yield not dropped or way[0] == around


def _shared(ways: Iterable[Way]) -> Way:
    """The networks next to the origin that all ways have, the origin last."""
    found: Way | None = None
    for way in ways:
        if found is None:
            found = way
            continue
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(found), reversed(way), strict=False))
        found = tuple(reversed([asn for asn, _ in alike]))
    return found or ()
