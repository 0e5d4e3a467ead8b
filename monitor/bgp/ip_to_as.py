"""Which AS originates an address: a table of prefixes, asked for the longest match. Pure.

The prefixes are kept by `PrefixRanges`, the sets of origins once each: a full table of 1.2 million prefixes has
some 80,000 of them. Prefixes of exchange points' networks can be laid over it: a router answers a traceroute
from there with an address that says which exchange, not which network it belongs to.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator

from monitor.bgp.origin_entries import EXCHANGE, NUMBER_BITS, NUMBER_MASK, UNMAPPED, Entry, OriginEntries
from monitor.bgp.prefix_key import key_at, place_of, prefix_of
from monitor.bgp.prefix_ranges import LENGTH_BITS, NONE, Place, PrefixRanges
from monitor.model import Address, Asn, Prefix, parse_address, parse_asn

MAX_LINE = 4096

_COMMENT = re.compile(r"[#;]")
_ORIGINS_SEPARATOR = re.compile(r"[_,]")


class PrefixTable:
    """Prefixes with their origins; `bad` counts what of its source was no such thing, `errors` says why."""

    def __init__(self, entries: OriginEntries | None = None, exchanges: Iterable[Prefix] = ()) -> None:
        """Take the entries, and leave none behind; a prefix that comes again has the origins of all."""
        entries = OriginEntries() if entries is None else entries
        for prefix in exchanges:
            entries.add_exchange(prefix)
        self._families = {version: _Family(version, of, entries.joined) for version, of in entries.of.items()}
        self._origin_sets = entries.sets
        self.bad, self.errors = entries.bad, entries.errors

    def __len__(self) -> int:
        return sum(len(family.ranges) for family in self._families.values())

    @classmethod
    def parse(cls, lines: Iterable[str | bytes], exchanges: Iterable[Prefix] = ()) -> PrefixTable:
        """Read `prefix ASN` or CAIDA's `address length ASN`, separated by tabs or spaces.

        Several origins stand as `1_2` (each seen, MOAS) or `1,2` (an AS_SET). What follows `#` or `;` is
        a comment. A prefix on several lines has the origins of all. A bad line is counted.
        """
        return cls(_parsed(lines), exchanges)

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
        return family.numbers[family.ranges.find(int(where))] == EXCHANGE


class _Family:
    """The prefixes of one IP version, and the number of each one's origins."""

    def __init__(self, version: int, entries: list[Entry], joined: Callable[[int, int], int]) -> None:
        """Sort and take the entries; `joined` gives the number of the origins of two."""
        entries.sort()
        self.ranges = PrefixRanges(version)
        self.numbers = array("I", [UNMAPPED])
        self.ranges.fill(self._places(entries, joined))
        entries.clear()

    def _places(self, entries: list[Entry], joined: Callable[[int, int], int]) -> Iterator[Place]:
        """Each prefix once, its number noted on the way."""
        before, numbers = -1, self.numbers
        for entry in entries:
            place = entry >> NUMBER_BITS
            if place == before:
                numbers[-1] = joined(numbers[-1], entry & NUMBER_MASK)
                continue
            before = place
            numbers.append(entry & NUMBER_MASK)
            yield place


def _parsed(lines: Iterable[str | bytes]) -> OriginEntries:
    """The entries of a text; what is bad in it is noted."""
    entries = OriginEntries()
    packed, known = entries.of, dict[str, int]()
    for number, line in enumerate(lines, 1):
        try:
            words = _words(line)
            if words is None:
                continue
            address, digits, text = words
            version, first, length = place_of(address, digits)
            origins = known.get(text)
            if origins is None:
                origins = known[text] = entries.number(frozenset(_asns(text)))
        except ValueError as error:
            entries.note(f"line {number}: {str(error)[:120]!a}")
            continue
        packed[version].append((first << LENGTH_BITS | length) << NUMBER_BITS | origins)
    return entries


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
