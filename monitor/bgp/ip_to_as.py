"""Which AS originates an address: a table of prefixes, asked for the longest match. Pure.

The prefixes are kept by `PrefixRanges`, the sets of origins once each: a full table of 1.2 million prefixes has
some 80,000 of them. Prefixes of exchange points' networks can be laid over it: a router answers a traceroute
from there with an address that says which exchange, not which network it belongs to.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator

from monitor.bgp.mrt_origin_walk import Origins
from monitor.bgp.prefix_key import key_at, place_of, prefix_of
from monitor.bgp.prefix_ranges import LENGTH_BITS, NONE, Place, PrefixRanges
from monitor.model import Address, Asn, Prefix, parse_address, parse_asn

MAX_LINE = 4096
_KEPT_ERRORS = 8
_UNMAPPED, _EXCHANGE = 0, 1
"""Numbers of the two sets of no origins: of addresses in no prefix, and of exchange points."""

_COMMENT = re.compile(r"[#;]")
_ORIGINS_SEPARATOR = re.compile(r"[_,]")
_NUMBER_BITS = 32
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1
_NOBODY: frozenset[Asn] = frozenset()


class PrefixTable:
    """Prefixes with their origins; `bad` counts lines that were neither, `errors` says why of the first few."""

    def __init__(self) -> None:
        self.bad = 0
        self.errors: list[str] = []
        self._origin_sets: list[frozenset[Asn]] = [_NOBODY, _NOBODY]
        self._numbers: dict[frozenset[Asn], int] = {}
        self._families = {4: _Family(4), 6: _Family(6)}

    def __len__(self) -> int:
        return sum(len(family.ranges) for family in self._families.values())

    @classmethod
    def parse(cls, lines: Iterable[str | bytes], exchanges: Iterable[Prefix] = ()) -> PrefixTable:
        """Read `prefix ASN` or CAIDA's `address length ASN`, separated by tabs or spaces.

        Several origins stand as `1_2` (each seen, MOAS) or `1,2` (an AS_SET). What follows `#` or `;` is
        a comment. A prefix on several lines has the origins of all. A bad line is counted.
        """
        table = cls()
        packed: dict[int, list[int]] = {4: [], 6: []}
        known: dict[str, int] = {}
        for number, line in enumerate(lines, 1):
            try:
                words = _words(line)
                if words is None:
                    continue
                address, digits, text = words
                version, first, length = place_of(address, digits)
                origins = known.get(text)
                if origins is None:
                    origins = known[text] = table._number(frozenset(_asns(text)))
            except ValueError as error:
                table.note(f"line {number}: {str(error)[:120]!a}")
                continue
            packed[version].append((first << LENGTH_BITS | length) << _NUMBER_BITS | origins)
        table._fill(packed, exchanges)
        return table

    @classmethod
    def from_origins(cls, origins: Iterable[Origins], exchanges: Iterable[Prefix] = ()) -> PrefixTable:
        """The same of a routing table's prefixes; one that comes again has the origins of all."""
        table = cls()
        packed: dict[int, list[int]] = {4: [], 6: []}
        known = table._numbers
        before = -1
        for version, first, length, found in origins:
            if found:
                number = known.get(found) or table._number(found)
                entry = (first << LENGTH_BITS | length) << _NUMBER_BITS | number
                # The old format has a record for each of a prefix's routes, one behind the other.
                if entry != before:
                    packed[version].append(entry)
                    before = entry
        table._fill(packed, exchanges)
        return table

    def note(self, why: str) -> None:
        """Count something bad of the source, as `bad`."""
        self.bad += 1
        if len(self.errors) < _KEPT_ERRORS:
            self.errors.append(why)

    def lookup(self, address: str | Address) -> frozenset[Asn] | None:
        """The origins of the most specific prefix that contains the address; None: unmapped, or an exchange.

        :raises ValueError: not an address
        """
        where = parse_address(address) if isinstance(address, str) else address
        family = self._families[where.version]
        return self._origin_sets[family.numbers[family.ranges.find(int(where))]] or None

    def lookup_prefix(self, address: str | Address) -> tuple[Prefix, frozenset[Asn]] | None:
        """As `lookup`, with that prefix.

        :raises ValueError: not an address
        """
        where = parse_address(address) if isinstance(address, str) else address
        family = self._families[where.version]
        found = family.ranges.find(int(where))
        origins = self._origin_sets[family.numbers[found]]
        if found == NONE or not origins:
            return None
        return prefix_of(where.version, key_at(where.version, int(where), family.ranges.length(found))), origins

    def is_exchange(self, address: str | Address) -> bool:
        """Whether the address is in the peering network of an exchange point.

        :raises ValueError: not an address
        """
        where = parse_address(address) if isinstance(address, str) else address
        family = self._families[where.version]
        return family.numbers[family.ranges.find(int(where))] == _EXCHANGE

    def _number(self, origins: frozenset[Asn]) -> int:
        number = self._numbers.get(origins)
        if number is None:
            number = self._numbers[origins] = len(self._origin_sets)
            self._origin_sets.append(origins)
        return number

    def _fill(self, packed: dict[int, list[int]], exchanges: Iterable[Prefix]) -> None:
        """Keep what was read. An exchange's prefix stands for itself, whoever announces it."""
        for prefix in exchanges:
            place = int(prefix.network_address) << LENGTH_BITS | prefix.prefixlen
            packed[prefix.version].append(place << _NUMBER_BITS | _EXCHANGE)
        for version, entries in packed.items():
            entries.sort()
            self._families[version].fill(entries, self._joined)
            entries.clear()

    def _joined(self, one: int, other: int) -> int:
        """The number of the origins of both; an exchange's, which sorts first, wins."""
        if _EXCHANGE in (one, other):
            return _EXCHANGE
        return self._number(self._origin_sets[one] | self._origin_sets[other])


class _Family:
    """The prefixes of one IP version, and the number of each one's origins."""

    def __init__(self, version: int) -> None:
        self.ranges = PrefixRanges(version)
        self.numbers = array("I", [_UNMAPPED])

    def fill(self, entries: list[int], joined: Callable[[int, int], int]) -> None:
        """Take sorted entries: from the lowest bit number, length, first address."""
        self.ranges.fill(self._places(entries, joined))

    def _places(self, entries: list[int], joined: Callable[[int, int], int]) -> Iterator[Place]:
        """Each prefix once, its number noted on the way."""
        before, numbers = -1, self.numbers
        for entry in entries:
            place = entry >> _NUMBER_BITS
            if place == before:
                numbers[-1] = joined(numbers[-1], entry & _NUMBER_MASK)
                continue
            before = place
            numbers.append(entry & _NUMBER_MASK)
            yield place


def _words(line: str | bytes) -> tuple[str, str, str] | None:
    """Address, length and origins of a line, as text; None for a comment.

    :raises ValueError: neither
    """
    if len(line) > MAX_LINE:
        raise ValueError(f"line of {len(line)} characters, above {MAX_LINE}")
    text = line.decode("ascii") if isinstance(line, bytes) else line
    words = text.split()
    if "#" in text or ";" in text:
        words = _COMMENT.split(text, maxsplit=1)[0].split()
    if len(words) == 3:
        return words[0], words[1], words[2]
    if not words:
        return None
    if len(words) == 2:
        address, slash, digits = words[0].partition("/")
        if slash:
            return address, digits, words[1]
    raise ValueError(f"neither `prefix ASN` nor `address length ASN`: {text[:60]!r}")


def _asns(text: str) -> Iterator[Asn]:
    return (parse_asn(word) for word in _ORIGINS_SEPARATOR.split(text))
