"""What BGP said: route events, AS paths, gaps of a feed. Pure values, no I/O.

A route event is one announcement or withdrawal of one prefix by one peer of one collector (RFC 4271).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from monitor.model.asn import Asn
from monitor.model.prefix import Prefix
from monitor.model.vrp import VrpChange

AsSet = frozenset[Asn]


class AsPath(msgspec.Struct, frozen=True, gc=False):
    """An AS_PATH (RFC 4271 section 4.3): AS numbers in order, nearest first; a frozenset is an AS_SET.

    Empty for a route that the peer itself originates towards the collector without prepending.
    """

    segments: tuple[Asn | AsSet, ...] = ()

    @property
    def origins(self) -> frozenset[Asn]:
        """The AS or ASes that originate the route: the last element; more than one for an AS_SET."""
        if not self.segments:
            return frozenset()
        last = self.segments[-1]
        return last if isinstance(last, frozenset) else frozenset({last})

    @property
    def sequence(self) -> tuple[Asn, ...]:
        """The path as plain ASNs without prepending; an AS_SET contributes nothing but a single member."""
        flat: list[Asn] = []
        for segment in self.segments:
            if isinstance(segment, frozenset):
                if len(segment) != 1:
                    continue
                (asn,) = segment
            else:
                asn = segment
            if not flat or flat[-1] != asn:
                flat.append(asn)
        return tuple(flat)

    def __str__(self) -> str:
        """As bgpdump prints it: `3356 9457` and `{1,2}` for a set."""
        return " ".join(
            "{" + ",".join(str(asn) for asn in sorted(part)) + "}" if isinstance(part, frozenset) else str(part)
            for part in self.segments
        )

    @classmethod
    def parse(cls, text: str) -> AsPath:
        """Read what `str` wrote.

        :raises ValueError: a part is neither an AS number nor a set of them
        """
        parts: list[Asn | AsSet] = []
        for word in text.split():
            if word.startswith("{"):
                parts.append(frozenset(Asn(int(n)) for n in word.strip("{}").split(",") if n))
            else:
                parts.append(Asn(int(word)))
        return cls(tuple(parts))


class RouteKind(StrEnum):
    """What happened to the route. `rib` is a route that was in the table before (a RIB dump's entry)."""

    ANNOUNCEMENT = "announcement"
    WITHDRAWAL = "withdrawal"
    RIB = "rib"


class RouteEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One prefix announced or withdrawn by one peer, at `at` (Unix seconds UTC, the collector's stamp).

    `peer` is the peer's address, `collector` the route collector (`rrc00`, `route-views2`) or the
    configured name of an own router; `path` is None on a withdrawal. A table has millions of these: a
    dataclass takes ten times as long to make.
    """

    at: float
    kind: RouteKind
    prefix: Prefix
    peer: str
    peer_asn: Asn
    collector: str
    path: AsPath | None = None
    next_hop: str | None = None

    @property
    def origins(self) -> frozenset[Asn]:
        """The origin ASes; empty on a withdrawal."""
        return self.path.origins if self.path is not None else frozenset()


class PeerState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A collector's session with a peer went up or down; down means its routes are unknown, not withdrawn."""

    at: float
    collector: str
    peer: str
    peer_asn: Asn
    up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """A feed of route events became live or blind at `at`; `source` names it as configured.

    While blind, the absence of route events proves nothing. `reason` says why in a few words.
    """

    at: float
    source: str
    live: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTally:
    """What a feed counted between `since` and `at`, Unix seconds. Nothing it received is missing here.

    `received` messages of the server; of them `parsed` ones that could be read, the others are `bad`; of the
    parsed ones `relevant` ones that brought facts, and `late` ones that reached us long after their stamp.
    `dropped`: facts thrown away because who takes them was too slow.
    """

    since: float
    at: float
    source: str
    received: int = 0
    parsed: int = 0
    relevant: int = 0
    late: int = 0
    dropped: int = 0
    bad: int = 0

    def joined(self, later: FeedTally) -> FeedTally:
        """Both together."""
        return FeedTally(
            since=min(self.since, later.since),
            at=max(self.at, later.at),
            source=self.source,
            received=self.received + later.received,
            parsed=self.parsed + later.parsed,
            relevant=self.relevant + later.relevant,
            late=self.late + later.late,
            dropped=self.dropped + later.dropped,
            bad=self.bad + later.bad,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMark:
    """How far a feed's file was read: all that stands before `offset` is kept, together with this mark.

    `offset` counts bytes as they are after decompression. `head` is a digest of the first `head_bytes` of them,
    which tells whether the name is another file's by now. `size` is the file's own when it was read to its end,
    else 0.
    """

    at: float
    source: str
    path: str
    offset: int
    head: bytes
    head_bytes: int
    size: int = 0


RouteFact = RouteEvent | PeerState | FeedState | FeedTally | VrpChange | FileMark
