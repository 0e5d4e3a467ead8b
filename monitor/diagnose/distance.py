"""Whether who answers a vantage now is as far away as who always did. Pure.

One round trip tells a distance badly: it may wait in queues, and so a single one counts as another only when it is
far from usual. Many tell it finely, by their middle. That is asked where somebody else may be answering.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import median

from monitor.diagnose.symptom import SAME_LEVEL, Judged, Usual

FEWEST_TRIPS = 5
"""Round trips whose middle is hardly moved by one or two that waited."""

FINE_SHARE = 0.04
"""Ways of the same length differ by less, from one week to the next."""

SIGMAS = 5.0
"""Deviations of the mean of so many round trips; the middle of them is a quarter more uncertain than that."""

ON_ONE_SIDE = 0.8
"""So many of them must be longer than usual, or shorter: a queue makes some longer, and a few by much."""


def has_moved(answers: Sequence[Judged], usual: Usual) -> bool | None:
    """Whether the answers come from another distance than usual: most of them from farther, or most from nearer.

    None: too few of them went to an address of which it is known how far it was.
    """
    told = [(one, one.rise_s) for one in answers if one.rise_s is not None]
    if len(told) < FEWEST_TRIPS:
        return None
    middle = median(rise_s for _, rise_s in told)
    aside = sum(rise_s * middle > 0.0 for _, rise_s in told)
    limits = [_limit_s(one, usual, len(told)) for one, _ in told]
    beyond = abs(middle) > median(limits) and aside >= ON_ONE_SIDE * len(told)
    way = usual.rtt(told[-1][0].observation)
    return beyond and not way.was_at(way.median + middle, limits[-1] / 2)


def _limit_s(one: Judged, usual: Usual, count: int) -> float:
    way = usual.rtt(one.observation)
    return max(SIGMAS * way.deviation / sqrt(count), FINE_SHARE * way.median, SAME_LEVEL["floor"])
