"""Whose an address is, by all that is known: the prefix-to-AS table first, else what a DNS service told. Pure.

Answers are facts with a time. The newest of a place holds from then on; nothing is forgotten for its age, nor
for a question that brought nothing: the address did not lose its owner when the service could not be reached.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from monitor.bgp.dns_origins import Origin, Place, place_of, read_origin
from monitor.bgp.ip_to_as import PrefixTable
from monitor.model import Address, Asn, Prefix, parse_address
from probes.observation import DnsObservation

MOST_PLACES = 100_000
"""Answers remembered, about 40 MB; a hop or server not asked about for longest goes first."""


class Owners(Protocol):
    """What is asked of a `PrefixTable`, or of the whole."""

    def lookup(self, address: str | Address) -> frozenset[Asn] | None:
        """The origins of the address; None: unmapped, or an exchange."""
        ...

    def lookup_prefix(self, address: str | Address) -> tuple[Prefix, frozenset[Asn]] | None:
        """As `lookup`, with the prefix that they announce."""
        ...

    def is_exchange(self, address: str | Address) -> bool:
        """Whether the address is in the peering network of an exchange point."""
        ...


class AddressOwners:
    """A table, or none, and behind it the answers of the service at `zone`."""

    def __init__(self, table: PrefixTable | None, zone: str) -> None:
        self._table = table
        self._zone = zone
        self._answers: OrderedDict[Place, Origin] = OrderedDict()

    def take(self, seen: DnsObservation) -> Origin | None:
        """Take in an observation; what it says, if that is another thing than what was known of the place."""
        told = read_origin(seen, self._zone)
        if told is None:
            return None
        before = self._answers.pop(told.place, None)
        known = before if before is not None and told.prefix is None else told
        self._answers[told.place] = known
        if len(self._answers) > MOST_PLACES:
            self._answers.popitem(last=False)
        return known if known != before else None

    def unasked(self, address: Address) -> Place | None:
        """The place to ask about before anything can be said of an address; None: nothing is left to ask."""
        place = place_of(address)
        if place is None or place in self._answers or (self._table is not None and self._in_table(address)):
            return None
        return place

    def lookup(self, address: str | Address) -> frozenset[Asn] | None:
        """The origins of the address; None: unmapped, or an exchange.

        :raises ValueError: not an address
        """
        found = self.lookup_prefix(address)
        return found[1] if found is not None else None

    def lookup_prefix(self, address: str | Address) -> tuple[Prefix, frozenset[Asn]] | None:
        """As `lookup`, with the prefix that they announce.

        :raises ValueError: not an address
        """
        where = parse_address(address) if isinstance(address, str) else address
        if self._table is not None and self._in_table(where):
            return self._table.lookup_prefix(where)
        place = place_of(where)
        told = self._answers.get(place) if place is not None else None
        return (told.prefix, told.asns) if told is not None and told.prefix is not None else None

    def is_exchange(self, address: str | Address) -> bool:
        """Whether the address is in the peering network of an exchange point.

        :raises ValueError: not an address
        """
        return self._table is not None and self._table.is_exchange(address)

    def _in_table(self, address: Address) -> bool:
        table = self._table
        return table is not None and (table.lookup(address) is not None or table.is_exchange(address))
