"""Which AS originates an address: a table of prefixes, asked for the longest match. Pure.

The prefixes are kept by `PrefixRanges`, their origins beside them. Prefixes of exchange points' networks can be
laid over it: a router answers a traceroute from there with an address that says which exchange, not which network
it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.bgp.origin_entries import FamilyEntries, OriginEntries
from monitor.bgp.origin_lines import line_origins
from monitor.bgp.prefix_key import key_at, prefix_of
from monitor.bgp.prefix_ranges import NONE, OrderError, PrefixRanges
from monitor.model import Address, Asn, Prefix, parse_address


class PrefixTable:
    """Prefixes with their origins; `bad` counts what of its source was no such thing, `errors` says why."""

    def __init__(self, entries: OriginEntries | None = None, exchanges: Iterable[Prefix] = ()) -> None:
        """Take the entries; a prefix that comes again has the origins of all."""
        entries = OriginEntries() if entries is None else entries
        for prefix in exchanges:
            entries.add_exchange(prefix)
        self._families = {version: _Family(version, of) for version, of in entries.of.items()}
        self.bad, self.errors = entries.bad, entries.errors

    def __len__(self) -> int:
        return sum(len(family.ranges) for family in self._families.values())

    @classmethod
    def parse(cls, lines: Iterable[str | bytes], exchanges: Iterable[Prefix] = ()) -> PrefixTable:
        """Read `prefix ASN` or CAIDA's `address length ASN`, separated by tabs or spaces.

        Several origins stand as `1_2` (each seen, MOAS) or `1,2` (an AS_SET). What follows `#` or `;` is
        a comment. A prefix on several lines has the origins of all. A bad line is counted.
        """
        return cls(line_origins(lines), exchanges)

    def lookup(self, address: str | Address) -> frozenset[Asn] | None:
        """The origins of the most specific prefix that contains the address; None: unmapped, or an exchange.

        :raises ValueError: not an address
        """
        where = parse_address(address) if isinstance(address, str) else address
        family = self._families[where.version]
        found = family.ranges.find(int(where))
        return family.origins[found - 1] or None if found != NONE else None

    def lookup_prefix(self, address: str | Address) -> tuple[Prefix, frozenset[Asn]] | None:
        """As `lookup`, with that prefix.

        :raises ValueError: not an address
        """
        where = parse_address(address) if isinstance(address, str) else address
        origins = self.lookup(where)
        if origins is None:
            return None
        ranges = self._families[where.version].ranges
        length = ranges.length(ranges.find(int(where)))
        return prefix_of(where.version, key_at(where.version, int(where), length)), origins

    def is_exchange(self, address: str | Address) -> bool:
        """Whether the address is in the peering network of an exchange point.

        :raises ValueError: not an address
        """
        where = parse_address(address) if isinstance(address, str) else address
        family = self._families[where.version]
        found = family.ranges.find(int(where))
        return found != NONE and not family.origins[found - 1]


class _Family:
    """The prefixes of one IP version, and their origins: those of the prefix `number` are in row `number - 1`."""

    def __init__(self, version: int, entries: FamilyEntries) -> None:
        """A table as routers and CAIDA write it is in order."""
        self.ranges = PrefixRanges(version)
        try:
            self.ranges.fill(entries.firsts, entries.lengths)
        except OrderError:
            entries = entries.in_order()
            self.ranges = PrefixRanges(version)
            self.ranges.fill(entries.firsts, entries.lengths)
        self.origins = entries.origins
