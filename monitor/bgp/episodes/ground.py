"""Who may originate a prefix, and which prefixes usually carry a watched address. Pure.

Rightful origins are those declared in the configuration; else those that a RIB dump or the prefix-to-AS
table gives for the *longest* prefix around the address, since that one carries the traffic: the carrier
whose /16 lies around a customer's /24 has no right to the /24. Where nothing else is known, what was
announced first is trusted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.bgp.episodes.episode import Place, Role
from monitor.bgp.episodes.interest import Interest, Interests, Which
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.prefix_key import key_of, prefix_of
from monitor.model import Asn, Prefix, parse_address

FIRST_SIGHT_S = 120.0
"""Without any other knowledge, origins announced this soon after the first are trusted with a prefix."""

NO_ASNS: frozenset[Asn] = frozenset()
"""Kept instead of an empty set of its own, of 216 bytes, three for each of a hundred thousand prefixes."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a route of `prefix` is judged by. `usual`: the usual prefixes it overlaps, longest first."""

    prefix: Prefix
    place: Place
    concerns: Prefix
    usual: tuple[Which, ...]
    interests: tuple[Interest, ...]
    expected: frozenset[Asn]
    allowed: frozenset[Asn]
    siblings: frozenset[Asn]
    trusted: bool
    """Whether the prefix itself was there before anything happened."""


class Grounds:
    """Whom the watched space belongs to, as far as it is known."""

    def __init__(self, interests: Interests, table: PrefixTable | None) -> None:
        self._interests = interests
        self._table = table
        self._trusted: dict[Which, frozenset[Asn]] = {}
        self._given: dict[Which, bool] = {}
        self._homes: dict[str, frozenset[Asn]] = {}
        self._carriers: dict[str, tuple[tuple[Prefix, frozenset[Asn]], ...]] = {}

    def trust_dump(self, which: Which, origins: frozenset[Asn]) -> bool:
        """A RIB dump's origins: what was in the table before anything happened; whether that is news."""
        self._given[which] = True
        return self._trust(which, origins)

    def is_given(self, which: Which, *, by_dump: bool = False) -> bool:
        """Whether a table tells whose a prefix is, or the space around it; `by_dump`: which shows the ways too."""
        version, key = which
        while key:
            dumped = self._given.get((version, key))
            if dumped or (dumped is False and not by_dump):
                return True
            key >>= 1
        return False

    def trust_table(self, interest: Interest) -> Which | None:
        """What the prefix-to-AS table says of a watched address; the prefix, if it is news."""
        if self._table is None or not interest.is_address:
            return None
        found = self._table.lookup_prefix(parse_address(str(prefix_of(*interest.which).network_address)))
        if found is None:
            return None
        which = (found[0].version, key_of(found[0]))
        self._given.setdefault(which, False)
        return which if self._trust(which, frozenset(found[1])) else None

    def trust_told(self, which: Which, origins: frozenset[Asn]) -> bool:
        """What somebody who was asked says of a prefix; whether that is news.

        Only where nothing is known of the space yet: asked again in the middle of a hijack, he would tell of the
        hijacker.
        """
        if self._around(which):
            return False
        self._given.setdefault(which, False)
        return self._trust(which, origins)

    def trust_on_sight(
        self, which: Which, origins: frozenset[Asn], interests: tuple[Interest, ...], at: float, *, young: bool
    ) -> bool:
        """Trust what is announced first, where nothing else says who may originate; whether that is news.

        `young`: the route may well have been there before us, so that it is trusted later too.
        """
        news = False
        for interest in interests:
            late = young and not interest.origins and which not in self._trusted
            if late or self.is_sighting(interest, at):
                interest.first_sight = at if interest.first_sight is None else interest.first_sight
                news = self._trust(which, origins) or news
        return news

    def is_sighting(self, interest: Interest, at: float) -> bool:
        """Whether origins are still trusted on sight for it."""
        if interest.origins:
            return False
        if interest.first_sight is None:
            return not self._around(interest.which)
        return at - interest.first_sight <= FIRST_SIGHT_S

    def carry(self, which: Which, origins: frozenset[Asn], interests: tuple[Interest, ...]) -> bool:
        """Remember a prefix that a declared origin announced around an address; whether that is news."""
        news = False
        for interest in interests:
            if interest.is_address and origins & interest.origins and which not in interest.carried:
                interest.carried.add(which)
                news = True
        return news

    def usual(self, interest: Interest) -> set[Which]:
        """The prefixes that usually carry the traffic to a watched address; a declared prefix itself."""
        if not interest.is_address:
            return {interest.which}
        known = self._around(interest.which)
        known += [other.which for other in self._interests.related(interest.which) if not other.is_address]
        if not known:
            known = list(interest.carried)
        longest = max((key.bit_length() for _, key in known), default=0)
        return {which for which in known if which[1].bit_length() == longest}

    def carriers(self, owner: str) -> tuple[tuple[Prefix, frozenset[Asn]], ...]:
        """The prefixes that usually carry an owner's own traffic, by their text, each with the origins that may
        announce it (none: nothing is known); kept until `forget_owners`.
        """
        if owner not in self._carriers:
            usual = {which for one in self._own(owner) for which in self.usual(one)}
            known = ((prefix_of(*which), self.of(which)) for which in usual)
            told = ((prefix, ground.expected if ground else NO_ASNS) for prefix, ground in known)
            self._carriers[owner] = tuple(sorted(told, key=lambda item: str(item[0])))
        return self._carriers[owner]

    def home(self, owner: str) -> frozenset[Asn]:
        """The networks that an owner's own addresses lie in, kept until `forget_owners`."""
        if owner not in self._homes:
            grounds = [self.of(one.which) for one in self._own(owner) if one.is_address]
            self._homes[owner] = _union(ground.expected for ground in grounds if ground is not None)
        return self._homes[owner]

    def forget_owners(self) -> None:
        """Something new is known of somebody's space."""
        self._homes.clear()
        self._carriers.clear()

    def of(self, which: Which) -> Ground | None:
        """What is known of a prefix; None where it is in or around nothing that is watched."""
        interests = self._interests.related(which)
        if not interests:
            return self._beside(which)
        overlapping = {usual for one in interests for usual in self.usual(one) if _overlap(usual, which)}
        usual = sorted(overlapping, key=lambda item: (-item[1].bit_length(), item))
        place = Place.MORE_SPECIFIC
        if which in overlapping:
            place = Place.EXACT
        elif usual and which[1].bit_length() < usual[0][1].bit_length():
            place = Place.LESS_SPECIFIC
        return self._ground(which, place, tuple(usual), tuple(interests))

    def _own(self, owner: str) -> Iterable[Interest]:
        return (one for one in self._interests.of(owner) if one.roles[owner] is Role.TARGET)

    def _beside(self, which: Which) -> Ground | None:
        """A prefix inside the usual prefix of a watched address that does not hold the address."""
        version, key = which
        while key := key >> 1:
            if (version, key) not in self._trusted:
                continue
            above = self._interests.related((version, key))
            if above and any((version, key) in self.usual(interest) for interest in above):
                return self._ground(which, Place.BESIDE, ((version, key),), tuple(above))
            return None
        return None

    def _ground(
        self, which: Which, place: Place, usual: tuple[Which, ...], interests: tuple[Interest, ...]
    ) -> Ground:
        prefix = prefix_of(*which)
        return Ground(
            prefix=prefix,
            place=place,
            concerns=prefix_of(*usual[0]) if usual else prefix,
            usual=usual,
            interests=interests,
            expected=self._expected(which, usual, interests),
            allowed=_union(interest.allowed for interest in interests),
            siblings=_union(interest.siblings for interest in interests),
            trusted=which in self._trusted,
        )

    def _expected(self, which: Which, usual: tuple[Which, ...], interests: tuple[Interest, ...]) -> frozenset[Asn]:
        """The origins that may announce a prefix; empty when nothing is known."""
        declared = _union(interest.origins for interest in interests)
        if declared:
            return declared
        around = self._around(which)
        found = set(self._trusted[around[0]]) if around else set()
        found |= _union(self._trusted.get(inner, frozenset()) for inner in usual if _covers(which, inner))
        declared_around = any(not one.is_address and _covers(one.which, which) for one in interests)
        if self._table is not None and declared_around:
            found |= set(self._table.lookup(prefix_of(*which).network_address) or ())
        return frozenset(found)

    def _around(self, which: Which) -> list[Which]:
        """The trusted prefixes that equal or cover a prefix, longest first."""
        version, key = which
        found = []
        while key:
            if (version, key) in self._trusted:
                found.append((version, key))
            key >>= 1
        return found

    def _trust(self, which: Which, origins: frozenset[Asn]) -> bool:
        known = self._trusted.get(which, frozenset())
        if origins <= known:
            return False
        self._trusted[which] = known | origins
        return True


def _covers(wide: Which, narrow: Which) -> bool:
    shift = narrow[1].bit_length() - wide[1].bit_length()
    return wide[0] == narrow[0] and shift >= 0 and narrow[1] >> shift == wide[1]


def _overlap(one: Which, other: Which) -> bool:
    return _covers(one, other) or _covers(other, one)


def _union(sets: Iterable[Iterable[Asn]]) -> frozenset[Asn]:
    return frozenset().union(*sets) or NO_ASNS
