"""An episode: something unusual that BGP said of a watched prefix, from its first route to its last. Pure values.

It says what happened, who carries it and why it stands out; whether that is an attack is diagnosis' word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model import Asn, AsPath, Prefix, ValidityResult


class EpisodeKind(StrEnum):
    """What happened. The first group stands out, the second is loss, the third has an innocent reading.

    `new_covering_origin`: a wider prefix from a foreign origin, which carries traffic only where no usual
    route stands. `forged_origin`: the usual origin behind a neighbour it was never seen with. `new_link`: two
    networks further up that were never seen side by side. `visibility_loss`: fewer peers lost the prefix
    than for `withdrawn`. `blackhole`: a host route by the usual origin (RFC 7999 section 3.3).
    """

    NEW_ORIGIN = "new_origin"
    NEW_MORE_SPECIFIC = "new_more_specific"
    NEW_COVERING_ORIGIN = "new_covering_origin"
    FORGED_ORIGIN = "forged_origin"
    NEW_LINK = "new_link"
    LEAK = "leak"
    RPKI_INVALID = "rpki_invalid"

    WITHDRAWN = "withdrawn"
    VISIBILITY_LOSS = "visibility_loss"

    VRP_CHANGE = "vrp_change"
    AUTHORISED = "authorised"
    SCRUBBING = "scrubbing"
    SIBLING = "sibling"
    OWN_DEAGGREGATION = "own_deaggregation"
    BLACKHOLE = "blackhole"
    AS_SET = "as_set"
    PREPENDING = "prepending"
    PREPEND_TYPO = "prepend_typo"


class Place(StrEnum):
    """Where an episode's prefix lies: at a usual prefix, inside or around one, or inside beside the addresses."""

    EXACT = "exact"
    MORE_SPECIFIC = "more_specific"
    LESS_SPECIFIC = "less_specific"
    BESIDE = "beside"


class Role(StrEnum):
    """What a watched address is to a target: its own, its name server's, one of its mail hosts', or a router's on
    the usual path."""

    TARGET = "target"
    NAME_SERVER = "name_server"
    MAIL = "mail"
    HOP = "hop"


class ReasonWord(StrEnum):
    """Why an episode stands out, or why it need not worry anybody."""

    ORIGIN_NEVER_SEEN = "origin_never_seen"
    ORIGIN_SEEN_BEFORE = "origin_seen_before"
    RESERVED_ASN = "reserved_asn"
    AS_SET = "as_set"
    NEW_NEIGHBOUR = "new_neighbour"
    CARRIES_NOBODY = "carries_nobody"
    NEW_LINK = "new_link"
    VALLEY = "valley"
    RPKI_INVALID = "rpki_invalid"
    RPKI_VALID = "rpki_valid"
    DECLARED = "declared"
    PREPEND_TYPO = "prepend_typo"
    PREFIX_TYPO = "prefix_typo"
    MORE_PREPENDING = "more_prepending"
    KNOWN_WAY = "known_way"
    HOST_ROUTE = "host_route"
    MADE_UP = "made_up"
    ROUND_ABOUT = "round_about"
    AFTER_WITHDRAWAL = "after_withdrawal"
    PEERS_LOST_IT = "peers_lost_it"
    VRPS_CHANGED = "vrps_changed"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a word for machines, a sentence for people."""

    word: ReasonWord
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One episode as it stands now; the same `number` as it grows and ends.

    `concerns`: the usual prefix that it touches. `origin`: of its routes, None for a loss. `offender`: the
    network whose announcement makes it unusual: the origin itself, the new neighbour, the leaking network.
    `link`: the adjacency at fault, nearer network first. `first_at`, `last_at`: its first route and the last
    moment any peer carried it (or the loss lasted). `carriers`: peers that carry it now, or that lost it;
    `peers` of `peers_of` at its height, at so many `collectors`, among those that had a route to the space.
    `earlier`: how often the same was there before; a way that comes and goes keeps its `number` for hours, and the
    rest is of its last time. `disowned_by`: a network that the path of a more-specific names and that does not
    carry it, so that the offender made it up; `made_up`: that is proven, and else its origin may have had it told
    to the offender alone. `on_all_ways`: all peers' ways to the prefix have the link; those to a part that is told
    to one provider alone show links further out that are merely new to us.
    """

    number: int
    kind: EpisodeKind
    place: Place
    role: Role
    prefix: Prefix
    concerns: Prefix
    expected: frozenset[Asn]
    origin: Asn | None = None
    offender: Asn | None = None
    link: tuple[Asn, Asn] | None = None
    path: AsPath | None = None
    first_at: float
    last_at: float
    active: bool
    carriers: int
    peers: int
    peers_of: int
    collectors: int
    validity: ValidityResult
    after_withdrawal: bool
    earlier: int
    disowned_by: Asn | None = None
    made_up: bool = False
    on_all_ways: bool = True
    reasons: tuple[Reason, ...]

    @property
    def share(self) -> float:
        """The share of the peers that carried it, or lost it, at its height."""
        return self.peers / self.peers_of if self.peers_of else 0.0

    @property
    def taken(self) -> bool:
        """Whether traffic goes to a network that is not known to be allowed to have it.

        The usual origin behind a new neighbour counts on a more-specific prefix only: on the usual one it
        is far oftener a new provider. So does one over an unusual way that is proven to be made up.
        """
        if self.place is Place.BESIDE:
            return False
        if self.kind in (EpisodeKind.NEW_ORIGIN, EpisodeKind.NEW_MORE_SPECIFIC):
            return True
        unusual = self.kind in (EpisodeKind.NEW_LINK, EpisodeKind.LEAK)
        forged = self.kind is EpisodeKind.FORGED_ORIGIN or (unusual and self.made_up)
        return forged and self.place is Place.MORE_SPECIFIC


class Turn(StrEnum):
    """What became of an episode."""

    OPENED = "opened"
    ENDED = "ended"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class EpisodeChange:
    """An episode opened, ended (all peers let go of it, or visibility is restored), or resumed soon after."""

    at: float
    turn: Turn
    number: int
    kind: EpisodeKind
    prefix: Prefix
    origin: Asn | None
    offender: Asn | None
