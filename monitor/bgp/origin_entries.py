"""The prefixes of a prefix-to-AS table while its file is read: one integer each. Pure.

A full table has 1.2 million prefixes and some 80,000 sets of origins, so that each set is kept once and known by
its number. An entry sorts as prefixes do, the number of its origins in the lowest bits.
"""

from __future__ import annotations

from monitor.bgp.prefix_ranges import LENGTH_BITS
from monitor.model import Asn, Prefix

UNMAPPED, EXCHANGE = 0, 1
"""Numbers of the two sets of no origins: of addresses in no prefix, and of exchange points."""

NUMBER_BITS = 32
NUMBER_MASK = (1 << NUMBER_BITS) - 1
_NOBODY: frozenset[Asn] = frozenset()
_KEPT_ERRORS = 8

Entry = int
"""From the lowest bit the number of its origins, prefix length, first address."""


class OriginEntries:
    """The entries of each IP version as they came, and the sets of origins by their numbers.

    `bad` counts what of the source could not be read, `errors` says why of the first few.
    """

    def __init__(self) -> None:
        self.bad = 0
        self.errors: list[str] = []
        self.of: dict[int, list[Entry]] = {4: [], 6: []}
        self.sets: list[frozenset[Asn]] = [_NOBODY, _NOBODY]
        self._numbers: dict[frozenset[Asn], int] = {}

    def __len__(self) -> int:
        return sum(len(entries) for entries in self.of.values())

    def note(self, why: str) -> None:
        """Count something bad of the source."""
        self.bad += 1
        if len(self.errors) < _KEPT_ERRORS:
            self.errors.append(why)

    def number(self, origins: frozenset[Asn]) -> int:
        """The number of a set of origins; no origins are `UNMAPPED`."""
        if not origins:
            return UNMAPPED
        number = self._numbers.get(origins)
        if number is None:
            number = self._numbers[origins] = len(self.sets)
            self.sets.append(origins)
        return number

    def add(self, version: int, first: int, length: int, number: int) -> None:
        """Take a prefix and the number of its origins; the same again, one behind the other, is one."""
        entries = self.of[version]
        entry = (first << LENGTH_BITS | length) << NUMBER_BITS | number
        # The old format of tables has a record for each of a prefix's routes, one behind the other.
        if not entries or entries[-1] != entry:
            entries.append(entry)

    def add_exchange(self, prefix: Prefix) -> None:
        """Take the prefix of an exchange point's peering network."""
        self.add(prefix.version, int(prefix.network_address), prefix.prefixlen, EXCHANGE)

    def joined(self, one: int, other: int) -> int:
        """The number of the origins of both; an exchange's prefix stands for itself, whoever announces it."""
        if EXCHANGE in (one, other):
            return EXCHANGE
        return self.number(self.sets[one] | self.sets[other])
