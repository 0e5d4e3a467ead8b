"""Whether a more-specific route was made up on the way: networks that its path names do not carry it. Pure.

Theory of operation. An AS path says that each network in it had the route and handed it on. Behind the network at
fault, towards the origin, that can be checked: a collector's peer shows what it has. One that is named there and
carries the usual prefix, but not this one, never handed it to anybody. Nor did a network through which many
peers reach the usual prefix when none of them heard this one from it: whoever tells its neighbours of the whole
would tell them of the part. Nor did it hand it to those who go a longer way for the part, round through the
network at fault, than for the whole. So the path was forged by the network at fault, which is no leak and no
re-route.

A path may be forged of links that are all real, or be refuted by few. Then the network at fault is one through
which every way to the part leads (`detour`), further out than a provider of the origin: that the part is told to
one provider alone is the origin's own business. This is doubt and no proof.

A leaker is only asked about the network that gave it the route, and who goes round through it proves nothing: a
customer's route is preferred however long it is. Where a network further on made it up, as route
optimisers do (AS33154 for AS396531 and AS701, June 2019), it is still a leak.

A network that withdrew the prefix may be named by a ghost of it, and an RPKI-invalid one is dropped by many on
its way (RFC 6811), so neither proves anything by its absence at others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from monitor.bgp.episodes.detour import Way, detour
from monitor.bgp.episodes.episode import EpisodeKind, Place
from monitor.bgp.episodes.judgement import Forgery, Judgement
from monitor.bgp.episodes.register import Record
from monitor.bgp.prefix_key import prefix_of
from monitor.bgp.rib import PeerKey, Rib, Route
from monitor.model import Asn, Validity

AWAITED_S = 10.0
"""How much later than the first route those of other peers may show; collectors are seconds apart."""

FEWEST_UNTOLD = 3
"""Networks that reach the usual prefix through one that is named, and did not hear this one from it."""

_ON_THE_WAY = (EpisodeKind.FORGED_ORIGIN, EpisodeKind.NEW_LINK, EpisodeKind.LEAK)
_OWN = (EpisodeKind.OWN_DEAGGREGATION, EpisodeKind.RPKI_INVALID)


def forgery(record: Record, rib: Rib, now: float) -> Forgery | None:
    """What was made up of an episode's path, or may have been; None: nothing, or nobody knows."""
    told, path = record.judgement, record.path
    candidate = told.kind in (*_ON_THE_WAY, *_OWN) and record.ground.place is Place.MORE_SPECIFIC
    if not candidate or record.ground.trusted or path is None or now - record.first_at < AWAITED_S:
        return None
    carried = rib.routes(record.ground.prefix)
    usual = tuple(_usual_ways(record, rib))
    if told.kind in _ON_THE_WAY and told.offender is not None:
        named = _behind(path.sequence, told.offender)
        disowner = _disowner(told, usual, carried, named[:1] if told.kind is EpisodeKind.LEAK else named)
        if disowner is not None:
            return Forgery(told.offender, disowner, proven=True)
    return _round_about(told, dict(usual), {peer: route.path.sequence for peer, route in carried.items()})


def is_on_all_ways(record: Record, rib: Rib) -> bool:
    """Whether all peers that have an episode's prefix reach it over the link that is unusual; True: none is."""
    link = record.judgement.link
    return link is None or all(
        link in pairwise(route.path.sequence) for route in rib.routes(record.ground.prefix).values()
    )


def _round_about(told: Judgement, usual: Mapping[PeerKey, Way], ways: Mapping[PeerKey, Way]) -> Forgery | None:
    """The detour that a part is reached by, which a leak that all ways have in common explains."""
    found = detour(ways, usual, dropped=told.validity.state is Validity.INVALID)
    if found is None:
        return None
    leaker = told.offender if told.kind is EpisodeKind.LEAK else None
    if leaker not in (None, found.through) and all(leaker in way for way in ways.values()):
        return None
    return Forgery(found.through, found.around, proven=False)


def _disowner(
    told: Judgement, usual: Iterable[tuple[PeerKey, Way]], carried: Mapping[PeerKey, Route], named: Way
) -> Asn | None:
    """The network among the named ones that does not have the route."""
    offender = told.offender
    if any(_passes(route.path.sequence, named, offender) for route in carried.values()):
        return None
    rounds = told.kind is not EpisodeKind.LEAK and len(named) > 1
    without = [
        way
        for peer, way in usual
        if peer not in carried or (rounds and len(carried[peer].path.sequence) > len(way))
    ]
    itself = next((way[0] for way in without if way[0] in named), None)
    if itself is not None or told.validity.state is Validity.INVALID or not named:
        return itself
    untold = {way[0] for way in without if named[0] in way and offender not in way}
    return named[0] if len(untold) >= FEWEST_UNTOLD else None


def _behind(way: Way, offender: Asn | None) -> Way:
    """The networks between the one at fault and the origin, which is the last of them."""
    return way[way.index(offender) + 1 :] if offender in way else ()


def _passes(way: Way, named: Way, offender: Asn | None) -> bool:
    """Whether the route is known over a way that has one of the named networks and not the one at fault."""
    return offender not in way and not set(way[:-1]).isdisjoint(named)


def _usual_ways(record: Record, rib: Rib) -> Iterator[tuple[PeerKey, Way]]:
    """Each peer's way to the usual prefix, but of those that had this prefix once."""
    had = rib.last_withdrawn(record.ground.prefix)
    for which in record.ground.usual:
        for peer, route in rib.routes(prefix_of(*which)).items():
            if peer not in had and route.path.sequence:
                yield peer, route.path.sequence
