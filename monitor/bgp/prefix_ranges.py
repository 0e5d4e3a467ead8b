"""Longest match over a million nested prefixes of one IP version, in a few bytes each. Pure.

Theory of operation: nested prefixes are cut into ranges that do not overlap, each owned by its most specific
prefix. The ranges' first addresses are sorted in an array, so that a look-up is one bisection; each prefix knows
the one around it, so that all that cover an address are a walk of one or two steps from there. It takes 25 bytes
a prefix where a radix tree takes 130, at the same speed; what a prefix means is the caller's, who counts them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, MutableSequence

from monitor.bgp.prefix_key import BITS

NONE = 0
"""The number of no prefix."""


class PrefixRanges:
    """Prefixes of one version, numbered from 1 in the order of their first address, the wider one first."""

    def __init__(self, version: int) -> None:
        self._bits = BITS[version]
        # An array where a machine word holds an address, else a list.
        self._firsts: MutableSequence[int] = array("I") if version == 4 else []
        self._owners = array("I")
        self._lengths = array("B", [0])
        self._parents = array("I", [NONE])

    def __len__(self) -> int:
        """How many prefixes there are."""
        return len(self._lengths) - 1

    def fill(self, prefixes: Iterable[tuple[int, int]]) -> None:
        """Take the prefixes as first address and length, once: sorted, and none twice.

        In that order each prefix comes after those that cover it: a stack of open prefixes, and whenever one
        ends the range behind it belongs again to the one below.
        """
        begin, lengths, parents, bits = self._begin, self._lengths, self._parents, self._bits
        firsts, belongs = self._firsts, self._owners
        ends: list[int] = [1 << bits + 1]
        owners = [NONE]
        last = -1
        for number, (first, length) in enumerate(prefixes, 1):
            while ends[-1] <= first:
                owners.pop()
                last = ends.pop()
                begin(last, owners[-1])
            lengths.append(length)
            parents.append(owners[-1])
            if first == last:
                belongs[-1] = number
            else:
                firsts.append(first)
                belongs.append(number)
                last = first
            ends.append(first + (1 << bits - length))
            owners.append(number)
        while len(ends) > 1:
            owners.pop()
            begin(ends.pop(), owners[-1])

    def find(self, address: int) -> int:
        """The number of the most specific prefix that an address is in, or `NONE`."""
        place = bisect_right(self._firsts, address) - 1
        return self._owners[place] if place >= 0 else NONE

    def length(self, number: int) -> int:
        """The length of a prefix."""
        return self._lengths[number]

    def covering(self, first: int, length: int) -> list[int]:
        """The numbers of the prefixes that cover the one of that first address and length, most specific first."""
        place = bisect_right(self._firsts, first) - 1
        number = self._owners[place] if place >= 0 else NONE
        lengths, parents = self._lengths, self._parents
        found: list[int] = []
        while number:
            if lengths[number] <= length:
                found.append(number)
            number = parents[number]
        return found

    def places(self) -> Iterator[tuple[int, int]]:
        """First address and length of each prefix in the order of the numbers; undoes `fill`."""
        seen = NONE
        for first, owner in zip(self._firsts, self._owners, strict=True):
            # The first range of a prefix begins where it begins, and so do those around it that begin there.
            if owner > seen:
                yield from ((first, self._lengths[number]) for number in range(seen + 1, owner + 1))
                seen = owner

    def _begin(self, first: int, owner: int) -> None:
        """A range begins; one of no addresses is replaced, one at the end of the address space left out."""
        if self._firsts and self._firsts[-1] == first:
            self._owners[-1] = owner
        elif not first >> self._bits:
            self._firsts.append(first)
            self._owners.append(owner)
