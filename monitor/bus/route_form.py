"""Route facts as they travel: plain values that MessagePack can hold, and back. Pure.

One class for each kind, tagged by a word, so that a message holds them in the order in which they were said.
"""

from __future__ import annotations

import msgspec

from monitor.model.asn import Asn
from monitor.model.prefix import parse_prefix
from monitor.model.route import AsPath, FeedState, FeedTally, FileMark, PeerState, RouteEvent, RouteFact, RouteKind
from monitor.model.vrp import Vrp, VrpChange


class Event(msgspec.Struct, frozen=True, array_like=True, tag="event"):
    """A `RouteEvent`."""

    at: float
    kind: RouteKind
    prefix: str
    peer: str
    peer_asn: int
    collector: str
    path: str | None
    next_hop: str | None


class Session(msgspec.Struct, frozen=True, array_like=True, tag="session"):
    """A `PeerState`."""

    at: float
    collector: str
    peer: str
    peer_asn: int
    up: bool


class Change(msgspec.Struct, frozen=True, array_like=True, tag="vrp"):
    """A `VrpChange`."""

    at: float
    prefix: str
    max_length: int
    asn: int
    added: bool


class State(msgspec.Struct, frozen=True, array_like=True, tag="state"):
    """A `FeedState`; it travels as it is."""

    fact: FeedState


class Tally(msgspec.Struct, frozen=True, array_like=True, tag="tally"):
    """A `FeedTally`; it travels as it is."""

    fact: FeedTally


class Mark(msgspec.Struct, frozen=True, array_like=True, tag="mark"):
    """A `FileMark`; it travels as it is."""

    fact: FileMark


RouteForm = Event | Session | Change | State | Tally | Mark


def to_form(fact: RouteFact) -> RouteForm:
    """The fact as it travels."""
    match fact:
        case RouteEvent():
            path = None if fact.path is None else str(fact.path)
            return Event(
                fact.at, fact.kind, str(fact.prefix), fact.peer, fact.peer_asn, fact.collector, path, fact.next_hop
            )
        case PeerState():
            return Session(fact.at, fact.collector, fact.peer, fact.peer_asn, fact.up)
        case VrpChange():
            return Change(fact.at, str(fact.vrp.prefix), fact.vrp.max_length, fact.vrp.asn, fact.added)
        case FeedState():
            return State(fact)
        case FeedTally():
            return Tally(fact)
        case FileMark():
            return Mark(fact)


def from_form(form: RouteForm) -> RouteFact:
    """The fact that `to_form` was given.

    :raises ValueError: a prefix or a path is none
    """
    match form:
        case Event():
            return RouteEvent(
                at=form.at, kind=form.kind, prefix=parse_prefix(form.prefix), peer=form.peer,
                peer_asn=Asn(form.peer_asn), collector=form.collector,
                path=None if form.path is None else AsPath.parse(form.path), next_hop=form.next_hop,
            )  # fmt: skip
        case Session():
            return PeerState(
                at=form.at, collector=form.collector, peer=form.peer, peer_asn=Asn(form.peer_asn), up=form.up
            )
        case Change():
            vrp = Vrp(parse_prefix(form.prefix), form.max_length, Asn(form.asn))
            return VrpChange(at=form.at, vrp=vrp, added=form.added)
        case State() | Tally() | Mark():
            return form.fact
