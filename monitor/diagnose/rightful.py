"""Who may originate the routes to a target, and which prefixes usually carry its traffic. Pure.

Rightful origins are those declared in the configuration; else those that a RIB dump or the prefix-to-AS
table gives for the *longest* prefix around the address, since that one carries the traffic: the carrier
whose /16 lies around a customer's /24 has no right to the /24. Where nothing else is known, what was
announced first is trusted.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rib import Rib
from monitor.model.asn import Asn
from monitor.model.prefix import Address, Prefix, as_address, contains, covers, parse_prefix
from monitor.model.target import Target

FIRST_SIGHT_S = 120.0
"""Without any other knowledge, origins announced this soon after the first are trusted with it."""

KEPT_ADDRESSES = 512

TableOrigins = dict[Prefix, frozenset[Asn]]
"""The origins that a RIB dump gave for each prefix: what was in the table before anything happened."""


class Rightful:
    """The addresses of one target, the prefixes that usually carry them, and who may originate those."""

    def __init__(self, target: Target, table: PrefixTable | None, dumped: TableOrigins) -> None:
        self._target = target
        self._table = table
        self._dumped = dumped
        self._addresses: dict[Address, None] = {}
        self._trusted: dict[Prefix, set[Asn]] = {}
        self._carried: set[Prefix] = set()
        self._first_sight: float | None = None
        self._home: frozenset[Asn] | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses learned so far, oldest first."""
        return tuple(self._addresses)

    def learn_address(self, text: str) -> bool:
        """An address that the target was resolved to or measured at; whether it is new."""
        address = as_address(text)
        if address is None or address in self._addresses or len(self._addresses) >= KEPT_ADDRESSES:
            return False
        self._addresses[address] = None
        self._home = None
        for prefix, origins in self._dumped.items():
            if contains(prefix, address):
                self.learn_dumped(prefix, origins)
        if self._table is not None and (found := self._table.lookup_prefix(address)) is not None:
            self._trusted.setdefault(found[0], set()).update(found[1])
        return True

    def learn_dumped(self, prefix: Prefix, origins: frozenset[Asn]) -> None:
        """A RIB dump's origins for a prefix; ignored when it does not concern this target."""
        if self.concerns(prefix):
            self._trusted.setdefault(prefix, set()).update(origins)
            self._home = None

    def learn_first(self, rib: Rib, now: float) -> None:
        """Trust the first origins on sight, where nothing else says who may originate."""
        if self._target.origins or (self._trusted and self._first_sight is None):
            return
        present = self.present(rib)
        if not present:
            return
        if self._first_sight is None:
            self._first_sight = now
        if now - self._first_sight <= FIRST_SIGHT_S:
            self._home = None
            for prefix in present:
                for route in rib.routes(prefix).values():
                    self._trusted.setdefault(prefix, set()).update(route.path.origins)

    def concerns(self, prefix: Prefix) -> bool:
        """Whether a route of `prefix` can matter to this target."""
        declared = any(covers(own, prefix) or covers(prefix, own) for own in self._target.prefixes)
        return declared or any(contains(prefix, address) for address in self._addresses)

    def present(self, rib: Rib) -> set[Prefix]:
        """The present prefixes that matter: around the addresses, and around and inside the declared ones."""
        found = {prefix for address in self._addresses for prefix in rib.covering(address)}
        for own in self._target.prefixes:
            found.update(rib.covering_prefix(own), rib.inside(own))
            if rib.routes(own):
                found.add(own)
        return found

    def usual(self, rib: Rib) -> set[Prefix]:
        """The prefixes that usually carry the target's traffic: per address the longest that is known."""
        usual = set(self._target.prefixes)
        for address in self._addresses:
            known = [prefix for prefix in self._trusted if contains(prefix, address)]
            known += [prefix for prefix in self._target.prefixes if contains(prefix, address)]
            if not known and self._target.origins:
                self._carried.update(p for p in rib.covering(address) if self._is_rightful(rib, p))
                known = [prefix for prefix in self._carried if contains(prefix, address)]
            if known:
                longest = max(prefix.prefixlen for prefix in known)
                usual.update(prefix for prefix in known if prefix.prefixlen == longest)
        return usual

    def origins(self, prefix: Prefix) -> frozenset[Asn]:
        """The origins that may announce `prefix`; empty when nothing is known."""
        if self._target.origins:
            return self._target.origins
        around = [known for known in self._trusted if covers(known, prefix)]
        longest = max((known.prefixlen for known in around), default=None)
        grounds = [known for known in around if known.prefixlen == longest]
        grounds += [known for known in self._trusted if covers(prefix, known)]
        found = set().union(*(self._trusted[known] for known in grounds))
        if self._table is not None and any(covers(own, prefix) for own in self._target.prefixes):
            found.update(self._table.lookup(prefix.network_address) or ())
        return frozenset(found)

    def _is_rightful(self, rib: Rib, prefix: Prefix) -> bool:
        return any(route.path.origins & self._target.origins for route in rib.routes(prefix).values())

    def home(self) -> frozenset[Asn]:
        """The networks that the target's addresses lie in."""
        if self._target.origins:
            return self._target.origins
        if self._home is None:
            self._home = _union(self.origins(parse_prefix(str(address))) for address in self._addresses)
        return self._home


def _union(sets: Iterable[frozenset[Asn]]) -> frozenset[Asn]:
    return frozenset().union(*sets)
