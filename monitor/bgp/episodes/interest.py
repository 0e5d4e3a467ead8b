"""What is watched and for whom: declared prefixes, and addresses that were met. Which of it a prefix concerns.

Asked for each new prefix, so it costs look-ups, not a walk over all targets: what is watched is indexed by
its covering prefixes down to /24 and /48, the longest that most networks accept. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.bgp.episodes.episode import Role
from monitor.bgp.prefix_key import PrefixKey, address_key, key_of
from monitor.model import Address, Asn, Prefix

Which = tuple[int, PrefixKey]
"""IP version and key of a prefix."""

_WIDEST = {4: 8, 6: 16}
"""Nothing wider is ever assigned to a network; a default route is no claim on anybody's space."""
_BUCKET = {4: 24, 6: 48}
_ORDER = {Role.TARGET: 0, Role.NAME_SERVER: 1, Role.MAIL: 2, Role.HOP: 3}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a target's configuration says of its routes."""

    origins: frozenset[Asn] = frozenset()
    allowed: frozenset[Asn] = frozenset()
    siblings: frozenset[Asn] = frozenset()


NOTHING_DECLARED = Declared()


@dataclass(slots=True, eq=False)
class Interest:
    """A watched prefix, or (`is_address`) an address as its host prefix. `roles`: what it is to each owner."""

    which: Which
    is_address: bool
    roles: dict[str, Role] = field(default_factory=dict)
    origins: set[Asn] = field(default_factory=set)
    allowed: set[Asn] = field(default_factory=set)
    siblings: set[Asn] = field(default_factory=set)
    first_sight: float | None = None
    """When routes began to be trusted on sight; None: not yet, or never, since more is known."""
    carried: set[Which] = field(default_factory=set)
    """Prefixes around the address that a declared origin announced."""


def weightiest(roles: Iterable[Role]) -> Role:
    """The role that matters most; a router's where there is none."""
    return min(roles, key=_ORDER.__getitem__, default=Role.HOP)


class Interests:
    """All that is watched."""

    def __init__(self) -> None:
        self._all: dict[tuple[Which, bool], Interest] = {}
        self._below: dict[Which, list[Interest]] = {}
        self._lengths: dict[int, tuple[int, ...]] = {4: (), 6: ()}
        self._by_owner: dict[str, dict[Interest, None]] = {}

    def of(self, owner: str) -> Iterable[Interest]:
        """What is watched for one owner, in the order in which it was learned."""
        return self._by_owner.get(owner, ())

    def add_prefix(self, owner: str, prefix: Prefix, declared: Declared) -> Interest:
        """Watch a declared prefix."""
        interest = self._get((prefix.version, key_of(prefix)), is_address=False)
        length, lengths = prefix.prefixlen, self._lengths[prefix.version]
        if length not in lengths:
            self._lengths[prefix.version] = tuple(sorted({*lengths, length}))
        return self._own(interest, owner, Role.TARGET, declared)

    def add_address(self, owner: str, address: Address, role: Role, declared: Declared) -> Interest | None:
        """Watch an address; None where that is no news."""
        which = (address.version, address_key(address))
        known = self._all.get((which, True))
        if known is not None and _ORDER[known.roles.get(owner, Role.HOP)] <= _ORDER[role] and owner in known.roles:
            return None
        return self._own(self._get(which, is_address=True), owner, role, declared)

    def related(self, which: Which) -> list[Interest]:
        """What a route of that prefix can matter to: declared prefixes on either side, addresses inside."""
        version, key = which
        length, bucket = key.bit_length() - 1, _BUCKET[version]
        if length < _WIDEST[version]:
            return []
        found = []
        for interest in self._below.get((version, key >> max(0, length - bucket)), ()):
            inner = interest.which[1].bit_length() - 1
            if inner >= length and interest.which[1] >> inner - length == key:
                found.append(interest)
        for wide in self._lengths[version]:
            if wide >= length:
                break
            above = self._all.get(((version, key >> length - wide), False))
            if above is not None:
                found.append(above)
        return found

    def _get(self, which: Which, *, is_address: bool) -> Interest:
        interest = self._all.get((which, is_address))
        if interest is None:
            interest = self._all[which, is_address] = Interest(which, is_address)
            version, key = which
            length = key.bit_length() - 1
            for shorter in range(_WIDEST[version], min(length, _BUCKET[version]) + 1):
                self._below.setdefault((version, key >> length - shorter), []).append(interest)
        return interest

    def _own(self, interest: Interest, owner: str, role: Role, declared: Declared) -> Interest:
        known = interest.roles.get(owner, Role.HOP)
        interest.roles[owner] = weightiest((known, role))
        self._by_owner.setdefault(owner, {})[interest] = None
        interest.origins |= declared.origins
        interest.allowed |= declared.allowed
        interest.siblings |= declared.siblings
        return interest
