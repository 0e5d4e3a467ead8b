"""Which AS originates an address: a table of prefixes, asked for the longest match.

Theory of operation: nested prefixes are cut into ranges that do not overlap, each owned by its most
specific prefix; the ranges' first addresses are sorted in an array, so that a look-up is one bisection.
1.2 million prefixes take some 20 MB, a tenth of a radix tree's, at the same speed. Pure.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, MutableSequence

from monitor.bgp.prefix_key import BITS, first_and_length, key_at, parse_key, prefix_of
from monitor.model import Address, Asn, Prefix, parse_address, parse_asn

MAX_LINE = 4096
_KEPT_ERRORS = 8
_UNMAPPED = 0

_COMMENT = re.compile(r"[#;]")
_ORIGINS_SEPARATOR = re.compile(r"[_,]")


class PrefixTable:
    """Prefixes with their origins; `bad` counts lines that were neither, `errors` says why of the first few."""

    def __init__(self) -> None:
        self.bad = 0
        self.errors: list[str] = []
        self._count = 0
        self._origin_sets: list[frozenset[Asn]] = [frozenset()]
        self._ranges = {4: _Ranges(array("I")), 6: _Ranges([])}

    def __len__(self) -> int:
        return self._count

    @classmethod
    def parse(cls, lines: Iterable[str | bytes]) -> PrefixTable:
        """Read `prefix ASN` or CAIDA's `address length ASN`, separated by tabs or spaces.

        Several origins stand as `1_2` (each seen, MOAS) or `1,2` (an AS_SET). What follows `#` or `;` is
        a comment. A prefix on several lines has the origins of all. A bad line is counted.
        """
        table = cls()
        origin_numbers: dict[frozenset[Asn], int] = {frozenset(): _UNMAPPED}
        found: dict[int, dict[int, int]] = {4: {}, 6: {}}
        for number, line in enumerate(lines, 1):
            try:
                entry = _entry(line)
            except ValueError as error:
                table._note(number, error)
                continue
            if entry is None:
                continue
            version, key, origins = entry
            if known := found[version].get(key):
                origins |= table._origin_sets[known]
            index = origin_numbers.setdefault(origins, len(origin_numbers))
            if index == len(table._origin_sets):
                table._origin_sets.append(origins)
            found[version][key] = index
        for version, prefixes in found.items():
            table._count += len(prefixes)
            table._ranges[version].fill(version, prefixes)
        return table

    def _note(self, number: int, error: ValueError) -> None:
        self.bad += 1
        if len(self.errors) < _KEPT_ERRORS:
            self.errors.append(f"line {number}: {str(error)[:120]!a}")

    def lookup(self, address: str | Address) -> frozenset[Asn] | None:
        """The origins of the most specific prefix that contains the address; None: unmapped.

        :raises ValueError: not an address
        """
        where = parse_address(address) if isinstance(address, str) else address
        return self._origin_sets[self._ranges[where.version].find(int(where))[0]] or None

    def lookup_prefix(self, address: str | Address) -> tuple[Prefix, frozenset[Asn]] | None:
        """As `lookup`, with that prefix.

        :raises ValueError: not an address
        """
        where = parse_address(address) if isinstance(address, str) else address
        index, length = self._ranges[where.version].find(int(where))
        if index == _UNMAPPED:
            return None
        key = key_at(where.version, int(where), length)
        return prefix_of(where.version, key), self._origin_sets[index]


class _Ranges:
    """Ranges of one IP version: their first addresses, the number of each one's origins, its prefix's length.

    `firsts` is an array where a machine word holds an address, else a list.
    """

    def __init__(self, firsts: MutableSequence[int]) -> None:
        self._firsts = firsts
        self._origins = array("I")
        self._lengths = array("B")

    def find(self, address: int) -> tuple[int, int]:
        """The origins' number and the prefix's length of the range that an address is in."""
        place = bisect_right(self._firsts, address) - 1
        return (self._origins[place], self._lengths[place]) if place >= 0 else (_UNMAPPED, 0)

    def fill(self, version: int, prefixes: dict[int, int]) -> None:
        """Cut prefixes (key -> origins' number) into ranges.

        In order of address, then length, each prefix comes after those that cover it: a stack of open
        prefixes, and whenever one ends the range behind it belongs again to the one below.
        """
        open_prefixes: list[tuple[int, int, int]] = []
        for first, length, index in sorted((*first_and_length(version, key), n) for key, n in prefixes.items()):
            self._close(open_prefixes, first)
            self._begin(first, index, length)
            open_prefixes.append((first + (1 << BITS[version] - length), length, index))
        self._close(open_prefixes, 1 << BITS[version])

    def _close(self, open_prefixes: list[tuple[int, int, int]], until: int) -> None:
        """End the open prefixes that do not reach beyond `until`."""
        while open_prefixes and open_prefixes[-1][0] <= until:
            end, _, _ = open_prefixes.pop()
            _, length, index = open_prefixes[-1] if open_prefixes else (0, 0, _UNMAPPED)
            self._begin(end, index, length)

    def _begin(self, first: int, index: int, length: int) -> None:
        """A range begins; one of no addresses is replaced, one at the end of the address space left out."""
        if self._firsts and self._firsts[-1] == first:
            self._origins[-1], self._lengths[-1] = index, length
        elif first < 1 << 32 or not isinstance(self._firsts, array):
            self._firsts.append(first)
            self._origins.append(index)
            self._lengths.append(length)


def _entry(line: str | bytes) -> tuple[int, int, frozenset[Asn]] | None:
    """IP version, key and origins of a line; None for a comment.

    :raises ValueError: neither
    """
    if len(line) > MAX_LINE:
        raise ValueError(f"line of {len(line)} characters, above {MAX_LINE}")
    text = line.decode("ascii") if isinstance(line, bytes) else line
    words = _COMMENT.split(text, maxsplit=1)[0].split()
    if not words:
        return None
    if len(words) == 3 and "/" not in words[0]:
        words = [f"{words[0]}/{words[1]}", words[2]]
    if len(words) != 2:
        raise ValueError(f"neither `prefix ASN` nor `address length ASN`: {text[:60]!r}")
    version, key = parse_key(words[0])
    return version, key, frozenset(_asns(words[1]))


def _asns(text: str) -> Iterator[Asn]:
    return (parse_asn(word) for word in _ORIGINS_SEPARATOR.split(text))
