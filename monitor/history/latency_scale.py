"""The scale of the roll-ups: a duration as one of 256 places, so that a measurement is one byte. Pure.

Sketches of this kind can be put together without loss: the places of two minutes, one after the other, are
the places of both, and a percentile of them is the percentile of all measurements to within a place (Masson,
Rim, Lee: "DDSketch", VLDB 2019, whose buckets are logarithmic for the same reason). Percentiles of percentiles
are not.

| durations          | a place is        | a percentile is off by at most |
|--------------------|-------------------|--------------------------------|
| below 1 ms         | 125 us wide       | 63 us                          |
| 1 ms to 9 s        | 4 % wide          | 2 %                            |
| 9 s to 49 s        | 10.5 % wide       | 5 %                            |
| above              | one               | told as 49 s                   |

Timeouts of probes are 10 s by default, so nearly everything that is measured is in the second line.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

_LINEAR, _FINE, _COARSE = 8, 230, 17
_FINE_STEP, _COARSE_STEP = 1.0404, 1.105


def _bounds() -> tuple[float, ...]:
    """The upper ends of the places but the last, in microseconds, exclusive."""
    ends = [125.0 * number for number in range(1, _LINEAR + 1)]
    for step, count in ((_FINE_STEP, _FINE), (_COARSE_STEP, _COARSE)):
        ends += [ends[-1] * step**number for number in range(1, count + 1)]
    return tuple(ends)


def _middles() -> tuple[float, ...]:
    """What each place is read as, in seconds: the value that is equally far, in proportion, from both ends."""
    places = enumerate(pairwise((0.0, *BOUNDS)))
    middles = [(low + high) / 2 if at < _LINEAR else 2 * low * high / (low + high) for at, (low, high) in places]
    return tuple(round(middle / 1e6, 6) for middle in (*middles, BOUNDS[-1]))


BOUNDS = _bounds()
SECONDS = _middles()
"""By place."""


def place(micros: int) -> int:
    """The place of a duration, 0 to 255."""
    return bisect_right(BOUNDS, micros)


def rank(count: int, share: float) -> int:
    """Where in `count` ascending values their nearest-rank percentile is: at least `share` are at or before it."""
    return max(math.ceil(share * count) - 1, 0)


def percentiles(places: bytes, shares: Sequence[float]) -> list[float]:
    """Percentiles of measurements in any order, at least one, in seconds."""
    wanted = [rank(len(places), share) for share in shares]
    found: list[float] = []
    passed = 0
    # There are few different places, and `count` runs over the bytes as fast as memory gives them.
    for one in sorted(set(places)):
        passed += places.count(one)
        while len(found) < len(wanted) and wanted[len(found)] < passed:
            found.append(SECONDS[one])
    return found
