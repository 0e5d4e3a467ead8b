"""What is unusual about one route: a path of a prefix, beside what is known of that prefix. Pure.

The first thing that applies is said: a foreign origin before a new neighbour, a new neighbour before a leak,
a leak before a new link further up. RFC 6811 decides validity; it clears a foreign origin, never a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from monitor.bgp.episodes.episode import EpisodeKind, Place, Reason, ReasonWord
from monitor.bgp.episodes.ground import Ground
from monitor.bgp.episodes.links import Link, Links
from monitor.bgp.episodes.relationships import Relationships, Valley
from monitor.bgp.episodes.typo import meant_prefix, prepended_count
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.model import Asn, AsPath, Validity, ValidityResult

UNJUDGED = ValidityResult(Validity.UNKNOWN)

MAX_VALLEYS = 100_000
"""Usual valleys that are remembered; real tables show some hundreds to a prefix at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Why a route is unusual; routes with the same `key` make one episode."""

    kind: EpisodeKind
    origin: Asn | None
    offender: Asn | None
    link: Link | None = None
    validity: ValidityResult = UNJUDGED
    reasons: tuple[Reason, ...] = ()

    @property
    def key(self) -> tuple[EpisodeKind, Asn | None, Asn | None, Link | None]:
        """What makes two routes of a prefix the same story."""
        return self.kind, self.origin, self.offender, self.link


@dataclass(frozen=True, slots=True)
class Known:
    """What one prefix has shown: whether its ways were learned before, and the longest prepending."""

    learned: bool
    prepends: int


class Judge:
    """Judges routes by VRPs, relationships and links, each of which may be missing or empty."""

    def __init__(
        self, links: Links, relationships: Relationships, vrps: VrpTable | None, table: PrefixTable | None
    ) -> None:
        self.vrps = vrps
        self._links = links
        self._relationships = relationships
        self._table = table
        self._valleys: set[Valley] = set()

    def learn(self, path: AsPath, at: float) -> None:
        """Take a path for usual: its links, and its valley if it has one."""
        sequence = path.sequence
        self._links.learn(sequence, at)
        valley = self._relationships.valley(sequence)
        if valley is not None and len(self._valleys) < MAX_VALLEYS:
            self._valleys.add(valley)

    def judge(self, ground: Ground, path: AsPath, known: Known) -> Judgement | None:
        """What is unusual about a path; None: nothing, or nothing is known to judge it by."""
        if not ground.expected or not path.origins:
            return None
        rightful = path.origins & ground.expected
        if not rightful:
            return self._foreign(ground, path)
        origin = min(rightful)
        forged = self._new_neighbour(ground, path, origin, known)
        if forged is not None or ground.place is Place.LESS_SPECIFIC:
            return forged
        on_the_way = self._leak(path, origin, known) or self._new_link(ground, path, origin, known)
        return on_the_way or self._harmless(ground, path, origin, known)

    def validity(self, ground: Ground, origin: Asn | None) -> ValidityResult:
        """RFC 6811 for an origin of the prefix."""
        return self.vrps.validate(ground.prefix, origin) if self.vrps is not None else UNJUDGED

    def _foreign(self, ground: Ground, path: AsPath) -> Judgement | None:
        """An origin that is not among the expected ones."""
        origin = min(path.origins)
        several = len(path.origins) > 1
        validity = self.validity(ground, None if several else origin)
        reasons = [self._origin_reason(ground, origin)]
        if several:
            reasons.append(_reason(ReasonWord.AS_SET, f"the path ends in the set {_set(path.origins)}"))
        if is_reserved(origin):
            reasons.append(_reason(ReasonWord.RESERVED_ASN, f"AS{origin} is reserved for private use"))
        kind = self._foreign_kind(ground, path, origin, validity, reasons)
        if kind is None:
            return None
        if self._table is not None and (meant := meant_prefix(ground.prefix, origin, self._table)) is not None:
            reasons.append(_reason(ReasonWord.PREFIX_TYPO, f"AS{origin} may have meant its own {meant}"))
        reasons += _of_validity(validity)
        return Judgement(kind=kind, origin=origin, offender=origin, validity=validity, reasons=tuple(reasons))

    def _foreign_kind(
        self, ground: Ground, path: AsPath, origin: Asn, validity: ValidityResult, reasons: list[Reason]
    ) -> EpisodeKind | None:
        if origin in ground.siblings:
            reasons.append(_reason(ReasonWord.DECLARED, f"AS{origin} is declared as a sibling"))
            return EpisodeKind.SIBLING
        if origin in ground.allowed:
            reasons.append(_reason(ReasonWord.DECLARED, f"AS{origin} is among the allowed origins"))
            return EpisodeKind.SCRUBBING
        if validity.state is Validity.VALID:
            return EpisodeKind.AUTHORISED
        if self._is_prepend_typo(ground, path):
            text = f"the path ends in {path.sequence[-2]} {origin}: a prepend count taken for an AS number"
            reasons.append(_reason(ReasonWord.PREPEND_TYPO, text))
            return EpisodeKind.PREPEND_TYPO
        if ground.place is Place.LESS_SPECIFIC:
            return EpisodeKind.NEW_COVERING_ORIGIN if ground.mature else None
        return EpisodeKind.NEW_ORIGIN if ground.place is Place.EXACT else EpisodeKind.NEW_MORE_SPECIFIC

    def _is_prepend_typo(self, ground: Ground, path: AsPath) -> bool:
        """A rightful origin stands before the number, and behind a neighbour that is known to be its own."""
        sequence = path.sequence
        if not prepended_count(sequence, ground.expected):
            return False
        return len(sequence) == 2 or not self._links.is_new((sequence[-3], sequence[-2]))

    def _new_neighbour(self, ground: Ground, path: AsPath, origin: Asn, known: Known) -> Judgement | None:
        """The usual origin behind a network that was never seen next to it (a type-1 forgery, or a provider)."""
        sequence = path.sequence
        if not known.learned or len(sequence) < 2 or sequence[-1] != origin:
            return None
        link = (sequence[-2], origin)
        ours = ground.expected | ground.siblings | ground.allowed
        if link[0] in ours or not self._links.is_new(link) or self._relationships.knows(*link):
            return None
        text = f"AS{link[0]} was never seen next to AS{origin}, neither here nor at any other watched prefix"
        validity = self.validity(ground, origin)
        return Judgement(
            kind=EpisodeKind.FORGED_ORIGIN,
            origin=origin,
            offender=link[0],
            link=link,
            validity=validity,
            reasons=(_reason(ReasonWord.NEW_NEIGHBOUR, text), *_of_validity(validity)),
        )

    def _leak(self, path: AsPath, origin: Asn, known: Known) -> Judgement | None:
        valley = self._relationships.valley(path.sequence)
        if valley is None or valley in self._valleys or not known.learned:
            return None
        text = f"AS{valley.leaker} passes a route of AS{valley.source} on to AS{valley.sink}, and neither pays it"
        return Judgement(
            kind=EpisodeKind.LEAK,
            origin=origin,
            offender=valley.leaker,
            link=(valley.sink, valley.leaker),
            reasons=(_reason(ReasonWord.VALLEY, text),),
        )

    def _new_link(self, ground: Ground, path: AsPath, origin: Asn, known: Known) -> Judgement | None:
        """Two networks never seen side by side, behind the peer's own provider.

        On a usual prefix this is said only where a relationship file could have known the link: any peer
        that changes its way shows some.
        """
        specific = ground.place in (Place.MORE_SPECIFIC, Place.BESIDE)
        if not known.learned or not (specific or len(self._relationships)):
            return None
        for link in pairwise(path.sequence[1:]):
            if self._links.is_new(link) and not self._relationships.knows(*link):
                text = f"AS{link[0]} and AS{link[1]} were never seen side by side"
                return Judgement(
                    kind=EpisodeKind.NEW_LINK, origin=origin, offender=link[0], link=link,
                    reasons=(_reason(ReasonWord.NEW_LINK, text),),
                )  # fmt: skip
        return None

    def _harmless(self, ground: Ground, path: AsPath, origin: Asn, known: Known) -> Judgement | None:
        """A rightful origin's own doing: an invalid announcement, a part of its space, sets, prepending."""
        validity = self.validity(ground, origin)
        reasons = _of_validity(validity)
        if validity.state is Validity.INVALID:
            kind = EpisodeKind.RPKI_INVALID
        elif len(path.origins) > 1:
            kind = EpisodeKind.AS_SET
            reasons = [_reason(ReasonWord.AS_SET, f"AS{origin} stands in the set {_set(path.origins)}")]
        elif ground.place in (Place.MORE_SPECIFIC, Place.BESIDE) and not ground.trusted:
            kind, more = _own_part(ground, origin)
            reasons = [more, *reasons]
        elif known.learned and known.prepends and origin_repeats(path) > known.prepends:
            kind = EpisodeKind.PREPENDING
            text = (
                f"AS{origin} stands {origin_repeats(path)} times at the end, {known.prepends} times at most before"
            )
            reasons = [_reason(ReasonWord.MORE_PREPENDING, text)]
        else:
            return None
        return Judgement(kind=kind, origin=origin, offender=origin, validity=validity, reasons=tuple(reasons))

    def _origin_reason(self, ground: Ground, origin: Asn) -> Reason:
        expected = " or ".join(f"AS{asn}" for asn in sorted(ground.expected))
        return _reason(ReasonWord.ORIGIN_NEVER_SEEN, f"AS{origin} is not expected for it ({expected} is)")


def origin_repeats(path: AsPath) -> int:
    """How often the last network of a path stands at its end."""
    count = 0
    for segment in reversed(path.segments):
        if segment != path.segments[-1]:
            break
        count += 1
    return count


def is_reserved(asn: Asn) -> bool:
    """Whether nobody is assigned this number (RFC 1930, 5398, 6996, 7300, 7607)."""
    return asn in (0, 23456, 65535, 2**32 - 1) or 64496 <= asn <= 65551 or asn >= 4_200_000_000


def _own_part(ground: Ground, origin: Asn) -> tuple[EpisodeKind, Reason]:
    if ground.prefix.prefixlen == ground.prefix.max_prefixlen:
        return EpisodeKind.BLACKHOLE, _reason(ReasonWord.HOST_ROUTE, f"AS{origin} announces a single own address")
    return EpisodeKind.OWN_DEAGGREGATION, _reason(
        ReasonWord.KNOWN_WAY, f"AS{origin} announces a part of its own space over known neighbours"
    )


def _of_validity(validity: ValidityResult) -> list[Reason]:
    if validity.state is Validity.VALID:
        vrp = validity.matched[0]
        return [_reason(ReasonWord.RPKI_VALID, f"RPKI valid: {vrp.prefix}-{vrp.max_length} for AS{vrp.asn}")]
    if validity.state is Validity.INVALID:
        against = (validity.wrong_length or validity.wrong_origin)[0]
        text = f"RPKI invalid: {against.prefix}-{against.max_length} is for AS{against.asn}"
        return [_reason(ReasonWord.RPKI_INVALID, text)]
    return []


def _reason(word: ReasonWord, text: str) -> Reason:
    return Reason(word, text)


def _set(origins: frozenset[Asn]) -> str:
    return "{" + ",".join(map(str, sorted(origins)[:16])) + "}"
