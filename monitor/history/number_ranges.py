"""Sets of numbers as ranges: what has come of a sequence that comes in any order, with gaps. Pure.

A set is ascending (low, high) pairs, both ends in it, that neither overlap nor touch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Range = tuple[int, int]


def contains(ranges: Sequence[Range], number: int) -> bool:
    """Whether the number is in the set."""
    place = bisect_right(ranges, number, key=lambda pair: pair[0])
    return place > 0 and number <= ranges[place - 1][1]


def united(ranges: Iterable[Range]) -> list[Range]:
    """The set of all numbers of these ranges, in whatever order they are and however they overlap."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found
