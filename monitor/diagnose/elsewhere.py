"""A vantage's ways to everything else while its packets to one target go astray. Pure.

A provider that breaks moves, or kills, the ways to all that lies behind it. A false route draws off the packets to
one prefix alone: whatever else the vantage measures goes on as ever.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.diagnose.symptom import SAME_LEVEL
from monitor.diagnose.view import View
from monitor.model.asn import Asn

FEWEST_EXCHANGES = 3
"""So many since then must be known: one good answer may have come by a way that was then given up."""

MOST_BAD = 0.1
"""Of the exchanges with a target that is well some fail for no reason, one of few; of those over a way that moved,
and lost what it carried, many."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """How a vantage reaches another target, or a control, since a moment.

    `as_ever`: it is served as well as before, and is as far away. `through`: the networks that its traceroutes
    there show since then; empty: none was made.
    """

    name: str
    as_ever: bool
    through: frozenset[Asn] = frozenset()


def is_as_ever(view: View, since: float) -> bool | None:
    """Whether what a vantage sees since then is what it always saw, at the same distance; None: not known.

    Most round trips must be at their old level, be the way that would bring another one shorter or longer.
    """
    seen = view.since(since)
    if sum(judged.bad for judged in seen) > max(1.0, MOST_BAD * len(seen)):
        return False
    rises = [(judged, judged.rise_s) for judged in seen if judged.rise_s is not None]
    if len(rises) < FEWEST_EXCHANGES:
        return None
    level = [abs(rise_s) <= _slack_s(rise_s, judged.rtt_s or 0.0) for judged, rise_s in rises]
    return 2 * sum(level) > len(level)


def _slack_s(rise_s: float, rtt_s: float) -> float:
    return max(SAME_LEVEL["share"] * (rtt_s - rise_s), SAME_LEVEL["floor"])
