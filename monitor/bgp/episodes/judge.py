"""What is unusual about one route: a path of a prefix, beside what is known of that prefix. Pure.

The first thing that applies is said: a foreign origin before a new neighbour, a new neighbour before a leak,
a leak before a new link further up. RFC 6811 decides validity; it clears a foreign origin, never a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf

from monitor.bgp.episodes.episode import EpisodeKind, Place, Reason, ReasonWord
from monitor.bgp.episodes.ground import NO_ASNS, Ground
from monitor.bgp.episodes.judgement import UNJUDGED, Judgement, validity_reasons
from monitor.bgp.episodes.links import Links
from monitor.bgp.episodes.relationships import Relationships, Valley
from monitor.bgp.episodes.shape import Shape, Shapes
from monitor.bgp.episodes.typo import meant_prefix, prepended_count
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.vrp_view import Vrps
from monitor.model import Asn, AsPath, Prefix, Validity, ValidityResult

MAX_SLIPS = 10_000

MANY_NEIGHBOURS = 12
"""Most networks have one to three providers; one that shows so many neighbours peers openly."""

MAX_VALLEYS = 100_000
"""Usual valleys that are remembered; real tables show some hundreds to a prefix at most."""

VALLEY_USUAL_S = 600.0
"""A valley that was first met so long ago is the relationship file's mistake, or custom, rather than news."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one prefix has shown: whether it and its ways are known so well that others are news; prepending.

    `at`: now, Unix seconds. `followed`: the very peer had another way before, there or to the prefix around it.
    """

    at: float
    mature: bool
    ways: bool
    followed: bool
    prepends: int


class Judge:
    """Judges routes by VRPs, relationships and links, each of which may be missing or empty."""

    def __init__(
        self, links: Links, relationships: Relationships, vrps: Vrps | None, table: PrefixTable | None
    ) -> None:
        self.vrps = vrps
        self._links = links
        self._relationships = relationships
        self._table = table
        self._valleys: dict[Valley, float] = {}
        self._slips: dict[tuple[Prefix, Asn], Prefix | None] = {}
        self.shapes = Shapes(relationships)

    def learn(self, path: AsPath, at: float, *, standing: bool = False) -> None:
        """Take a path for usual: its links, and its valley if it has one.

        `standing`: it is known to have been there for long. A valley that is first seen now is no usual one yet:
        a leak shows many prefixes at once, and of some of them we had known no way before.
        """
        shape = self.shapes.of(path)
        if shape.usual:
            return
        self._links.learn(shape.sequence, at)
        if shape.valley is not None and len(self._valleys) < MAX_VALLEYS:
            since = self._valleys.setdefault(shape.valley, at)
            if standing:
                self._valleys[shape.valley] = -inf
            elif at - since < VALLEY_USUAL_S:
                return
        shape.usual = True

    def judge(self, ground: Ground, path: AsPath, known: Known) -> Judgement | None:
        """What is unusual about a path; None: nothing, or nothing is known to judge it by."""
        shape = self.shapes.of(path)
        if not ground.expected or not shape.origins:
            return None
        rightful = shape.origins & ground.expected
        if not rightful:
            return self._foreign(ground, shape, known)
        if ground.place is Place.LESS_SPECIFIC:
            return None
        origin = min(rightful)
        found = self._on_the_way(ground, shape, origin, known) if not shape.usual else None
        return found or self._harmless(ground, shape, origin, known)

    def quiet(self, ground: Ground) -> frozenset[Asn]:
        """The origins of which a route over usual ways says nothing at all."""
        if ground.place in (Place.MORE_SPECIFIC, Place.BESIDE) and not ground.trusted:
            return NO_ASNS
        return frozenset(
            asn for asn in ground.expected if self.validity(ground, asn).state is not Validity.INVALID
        )

    def is_rightful(self, ground: Ground, path: AsPath) -> bool:
        """Whether an origin of a path may announce the prefix, or nothing is known of who may."""
        origins = self.shapes.of(path).origins
        if not ground.expected or origins & (ground.expected | ground.allowed | ground.siblings):
            return True
        return any(self.validity(ground, origin).state is Validity.VALID for origin in origins)

    def validity(self, ground: Ground, origin: Asn | None) -> ValidityResult:
        """RFC 6811 for an origin of the prefix."""
        return self.vrps.validate(ground.prefix, origin) if self.vrps is not None else UNJUDGED

    def _foreign(self, ground: Ground, shape: Shape, known: Known) -> Judgement | None:
        """An origin that is not among the expected ones."""
        origin = min(shape.origins)
        several = len(shape.origins) > 1
        validity = self.validity(ground, None if several else origin)
        reasons = [_not_expected(ground, origin)]
        if several:
            reasons.append(Reason(ReasonWord.AS_SET, f"the path ends in the set {_set(shape.origins)}"))
        if _is_reserved(origin):
            reasons.append(Reason(ReasonWord.RESERVED_ASN, f"AS{origin} is reserved for private use"))
        kind = self._foreign_kind(ground, shape, origin, validity, reasons)
        if kind is EpisodeKind.NEW_COVERING_ORIGIN and not known.mature:
            return None
        if (meant := self._meant(ground.prefix, origin)) is not None:
            reasons.append(Reason(ReasonWord.PREFIX_TYPO, f"AS{origin} may have meant its own {meant}"))
        reasons += validity_reasons(validity)
        return Judgement(kind=kind, origin=origin, offender=origin, validity=validity, reasons=tuple(reasons))

    def _meant(self, prefix: Prefix, origin: Asn) -> Prefix | None:
        """The origin's own prefix that may have been meant; asked once, for each peer shows another path."""
        if self._table is None:
            return None
        asked = (prefix, origin)
        if asked not in self._slips:
            if len(self._slips) >= MAX_SLIPS:
                self._slips.clear()
            self._slips[asked] = meant_prefix(prefix, origin, self._table)
        return self._slips[asked]

    def _foreign_kind(
        self, ground: Ground, shape: Shape, origin: Asn, validity: ValidityResult, reasons: list[Reason]
    ) -> EpisodeKind:
        if origin in ground.siblings:
            reasons.append(Reason(ReasonWord.DECLARED, f"AS{origin} is declared as a sibling"))
            return EpisodeKind.SIBLING
        if origin in ground.allowed:
            reasons.append(Reason(ReasonWord.DECLARED, f"AS{origin} is among the allowed origins"))
            return EpisodeKind.SCRUBBING
        if validity.state is Validity.VALID:
            return EpisodeKind.AUTHORISED
        if self._is_prepend_typo(ground, shape):
            text = f"the path ends in {shape.sequence[-2]} {origin}: a prepend count taken for an AS number"
            reasons.append(Reason(ReasonWord.PREPEND_TYPO, text))
            return EpisodeKind.PREPEND_TYPO
        if ground.place is Place.LESS_SPECIFIC:
            return EpisodeKind.NEW_COVERING_ORIGIN
        return EpisodeKind.NEW_ORIGIN if ground.place is Place.EXACT else EpisodeKind.NEW_MORE_SPECIFIC

    def _is_prepend_typo(self, ground: Ground, shape: Shape) -> bool:
        """A rightful origin stands before the number, and behind a neighbour that is known to be its own."""
        sequence = shape.sequence
        if not prepended_count(sequence, ground.expected):
            return False
        return len(sequence) == 2 or not self._links.is_new((sequence[-3], sequence[-2]))

    def _on_the_way(self, ground: Ground, shape: Shape, origin: Asn, known: Known) -> Judgement | None:
        """What is unusual between the peer and a rightful origin.

        That needs to know the usual ways: from a dump, from an hour of updates (a quarter of one when many peers
        show them), or, of a peer that has just left another way, from a relationship file, which knows valleys,
        and the neighbours of the networks in it. The list of networks without providers is not enough for that:
        in 2007 and 2010 two of it bought transit, and a peer that merely looked for another way showed a valley
        of theirs within the minute.
        """
        found = None
        if known.ways or (known.followed and self._relationships.has(origin)):
            found = self._new_neighbour(ground, shape, origin)
        if found is None and shape.valley is not None:
            told = known.followed and self._relationships.has(shape.valley.leaker)
            found = self._leak(ground, shape.valley, origin, known.at) if known.ways or told else None
        return found or (self._new_link(ground, shape, origin) if known.ways else None)

    def _new_neighbour(self, ground: Ground, shape: Shape, origin: Asn) -> Judgement | None:
        """The usual origin behind a network that was never seen next to it: a type-1 forgery, or a new provider.

        One more of many is no news on a usual prefix: a network that peers openly meets new ones every day.
        """
        sequence = shape.sequence
        if len(sequence) < 2 or sequence[-1] != origin:
            return None
        link = (sequence[-2], origin)
        ours = ground.expected | ground.siblings | ground.allowed
        if link[0] in ours or not self._links.is_new(link) or self._relationships.knows(*link):
            return None
        if ground.place is Place.EXACT and self._links.neighbours(origin) >= MANY_NEIGHBOURS:
            return None
        self._links.note_neighbour(link)
        text = f"AS{link[0]} was never seen next to AS{origin}, neither here nor at any other watched prefix"
        reasons = [Reason(ReasonWord.NEW_NEIGHBOUR, text)]
        if self._relationships.carries_nobody(link[0]):
            text = f"AS{link[0]} is known to have no customers, so it is nobody's provider"
            reasons.append(Reason(ReasonWord.CARRIES_NOBODY, text))
        validity = self.validity(ground, origin)
        return Judgement(
            kind=EpisodeKind.FORGED_ORIGIN,
            origin=origin,
            offender=link[0],
            link=link,
            validity=validity,
            reasons=(*reasons, *validity_reasons(validity)),
        )

    def _leak(self, ground: Ground, valley: Valley, origin: Asn, at: float) -> Judgement | None:
        if at - self._valleys.get(valley, at) >= VALLEY_USUAL_S:
            return None
        text = f"AS{valley.leaker} passes a route of AS{valley.source} on to AS{valley.sink}, and neither pays it"
        validity = self.validity(ground, origin)
        return Judgement(
            kind=EpisodeKind.LEAK,
            origin=origin,
            offender=valley.leaker,
            link=(valley.sink, valley.leaker),
            validity=validity,
            reasons=(Reason(ReasonWord.VALLEY, text), *validity_reasons(validity)),
        )

    def _new_link(self, ground: Ground, shape: Shape, origin: Asn) -> Judgement | None:
        """Two networks never seen side by side, behind the peer's own provider.

        On a usual prefix this is said only where a relationship file could have known the link: any peer
        that changes its way shows some.
        """
        specific = ground.place in (Place.MORE_SPECIFIC, Place.BESIDE)
        if not specific and not len(self._relationships):
            return None
        for link in reversed(tuple(pairwise(shape.sequence[1:]))):
            if self._links.is_new(link) and not self._relationships.knows(*link):
                text = f"AS{link[0]} and AS{link[1]} were never seen side by side"
                validity = self.validity(ground, origin)
                return Judgement(
                    kind=EpisodeKind.NEW_LINK, origin=origin, offender=link[0], link=link, validity=validity,
                    reasons=(Reason(ReasonWord.NEW_LINK, text), *validity_reasons(validity)),
                )  # fmt: skip
        return None

    def _harmless(self, ground: Ground, shape: Shape, origin: Asn, known: Known) -> Judgement | None:
        """A rightful origin's own doing: an invalid announcement, a part of its space, sets, prepending."""
        validity = self.validity(ground, origin)
        reasons = validity_reasons(validity)
        if validity.state is Validity.INVALID:
            kind = EpisodeKind.RPKI_INVALID
        elif len(shape.origins) > 1:
            kind = EpisodeKind.AS_SET
            reasons = [Reason(ReasonWord.AS_SET, f"AS{origin} stands in the set {_set(shape.origins)}")]
        elif ground.place in (Place.MORE_SPECIFIC, Place.BESIDE) and not ground.trusted:
            kind, more = _own_part(ground, origin)
            reasons = [more, *reasons]
        elif known.mature and known.prepends and shape.repeats > known.prepends:
            kind = EpisodeKind.PREPENDING
            text = f"AS{origin} stands {shape.repeats} times at the end, {known.prepends} times at most before"
            reasons = [Reason(ReasonWord.MORE_PREPENDING, text)]
        else:
            return None
        return Judgement(kind=kind, origin=origin, offender=origin, validity=validity, reasons=tuple(reasons))


def _is_reserved(asn: Asn) -> bool:
    """Whether nobody is assigned this number (RFC 1930, 5398, 6996, 7300, 7607)."""
    return asn in (0, 23456, 65535, 2**32 - 1) or 64496 <= asn <= 65551 or asn >= 4_200_000_000


def _not_expected(ground: Ground, origin: Asn) -> Reason:
    expected = " or ".join(f"AS{asn}" for asn in sorted(ground.expected))
    return Reason(ReasonWord.ORIGIN_NEVER_SEEN, f"AS{origin} is not expected for it ({expected} is)")


def _own_part(ground: Ground, origin: Asn) -> tuple[EpisodeKind, Reason]:
    if ground.prefix.prefixlen == ground.prefix.max_prefixlen:
        return EpisodeKind.BLACKHOLE, Reason(ReasonWord.HOST_ROUTE, f"AS{origin} announces a single own address")
    return EpisodeKind.OWN_DEAGGREGATION, Reason(
        ReasonWord.KNOWN_WAY, f"AS{origin} announces a part of its own space over known neighbours"
    )


def _set(origins: frozenset[Asn]) -> str:
    return "{" + ",".join(map(str, sorted(origins)[:16])) + "}"
