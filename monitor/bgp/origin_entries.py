"""The prefixes of a prefix-to-AS table and their origins, in columns, while its file is read. Pure.

A full table has 1.2 million prefixes. All but one in a hundred have one origin, which is a number in an array;
the other sets of origins are kept aside. So a prefix takes 9 bytes, of IPv6 more, and no object of its own.
"""

from __future__ import annotations

from array import array

from monitor.bgp.prefix_ranges import first_addresses
from monitor.model import Asn, Prefix

Origins = frozenset[Asn]

EXCHANGE: Origins = frozenset()
"""The origins of an exchange point's network: no AS that we know."""

SET_ASIDE = 0
"""Stands for origins that are not one AS; AS 0 is none either (RFC 7607)."""

_KEPT_ERRORS = 8
_ROW_BITS, _LENGTH_BITS = 32, 8


class OriginColumn:
    """Sets of origins by row: `single` has the AS where it is one, `SET_ASIDE` where the set is in `others`."""

    __slots__ = ("others", "single")

    def __init__(self) -> None:
        self.single = array("I")
        self.others: dict[int, Origins] = {}

    def __getitem__(self, row: int) -> Origins:
        origin = self.single[row]
        return frozenset((Asn(origin),)) if origin != SET_ASIDE else self.others[row]

    def append(self, origins: Origins) -> None:
        """One more row."""
        self.single.append(SET_ASIDE)
        self._put(len(self.single) - 1, origins)

    def join(self, row: int, more: Origins) -> None:
        """The row has these origins too; an exchange's network stands for itself, whoever announces it."""
        before = self[row]
        self._put(row, before | more if before and more else EXCHANGE)

    def _put(self, row: int, origins: Origins) -> None:
        self.others.pop(row, None)
        self.single[row] = min(origins) if len(origins) == 1 else SET_ASIDE
        if self.single[row] == SET_ASIDE:
            self.others[row] = origins


class FamilyEntries:
    """The prefixes of one IP version as they came, a row each in three columns; `in_order` sorts them."""

    __slots__ = ("firsts", "lengths", "origins", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self.firsts = first_addresses(version)
        self.lengths = array("B")
        self.origins = OriginColumn()

    def __len__(self) -> int:
        return len(self.lengths)

    def add(self, first: int, length: int, origins: Origins) -> None:
        """Take a prefix; the same again, one behind the other, is one row."""
        # The old format of tables has a record for each of a prefix's routes.
        if self.lengths and self.firsts[-1] == first and self.lengths[-1] == length:
            self.origins.join(len(self) - 1, origins)
            return
        self.firsts.append(first)
        self.lengths.append(length)
        self.origins.append(origins)

    def in_order(self) -> FamilyEntries:
        """The same by first address, the wider prefix first, and each prefix once."""
        packed = [
            (first << _LENGTH_BITS | length) << _ROW_BITS | row
            for row, (first, length) in enumerate(zip(self.firsts, self.lengths, strict=True))
        ]
        packed.sort()
        ordered = FamilyEntries(self.version)
        take_first, take_length, take_origin = (
            ordered.firsts.append, ordered.lengths.append, ordered.origins.single.append,
        )  # fmt: skip
        before, single = -1, self.origins.single
        for entry in packed:
            place, row = entry >> _ROW_BITS, entry & (1 << _ROW_BITS) - 1
            first, length = place >> _LENGTH_BITS, place & (1 << _LENGTH_BITS) - 1
            if place == before or single[row] == SET_ASIDE:
                ordered.add(first, length, self.origins[row])
            else:
                take_first(first)
                take_length(length)
                take_origin(single[row])
            before = place
        return ordered


class OriginEntries:
    """The entries of each IP version. `bad` counts what of the source could not be read, `errors` says why of
    the first few."""

    def __init__(self) -> None:
        self.bad = 0
        self.errors: list[str] = []
        self.of = {4: FamilyEntries(4), 6: FamilyEntries(6)}

    def __len__(self) -> int:
        return sum(len(entries) for entries in self.of.values())

    def note(self, why: str) -> None:
        """Count something bad of the source."""
        self.bad += 1
        if len(self.errors) < _KEPT_ERRORS:
            self.errors.append(why)

    def add_exchange(self, prefix: Prefix) -> None:
        """Take the prefix of an exchange point's peering network."""
        self.of[prefix.version].add(int(prefix.network_address), prefix.prefixlen, EXCHANGE)
