"""Whether the route feeds could have told of a route: when they were blind, and what they lost. Pure.

A quiet feed is evidence only while it listened. A verdict made from routes that were heard in part says so;
it is the reader of the verdict who then looks elsewhere. Knows nothing of causes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.diagnose.fact import Fact
from monitor.model.route import FeedState, FeedTally

BEFORE_ONSET_S = 180.0
"""Routes of this long before a trouble are held against it; a feed that was blind then has nothing to say."""

MOST_KEPT = 200
"""Gaps and losses remembered of each feed; a feed that is lost every five seconds is blind, more or less."""

_MOST_SAID = 3


@dataclass(slots=True)
class _Gap:
    """A feed was blind from `start` on; until `end`, or still is."""

    start: float
    reason: str
    end: float | None = None


class FeedHealth:
    """The gaps of each feed, and the messages that it received and lost."""

    def __init__(self) -> None:
        self._gaps: dict[str, deque[_Gap]] = {}
        self._losses: dict[str, deque[FeedTally]] = {}

    def take(self, fact: Fact) -> None:
        """Take in what a feed says of itself; all other facts are passed over."""
        if isinstance(fact, FeedState):
            self._turn(fact)
        elif isinstance(fact, FeedTally) and (fact.dropped or fact.bad):
            self._losses.setdefault(fact.source, deque(maxlen=MOST_KEPT)).append(fact)

    def shortfall(self, onset: float, now: float) -> str | None:
        """What the feeds cannot vouch for in the time that bears on a trouble since `onset`; None: nothing."""
        start = onset - BEFORE_ONSET_S
        said = [
            f"{source} {_blind(gap)}"
            for source, gaps in sorted(self._gaps.items())
            for gap in gaps
            if gap.start <= now and (gap.end is None or gap.end > start)
        ]
        said += [
            f"{source} {_lost(loss)}"
            for source, losses in sorted(self._losses.items())
            for loss in losses
            if loss.since <= now and loss.at > start
        ]
        more = len(said) - _MOST_SAID
        return "; ".join(said[:_MOST_SAID] + ([f"and {more} more gaps"] if more > 0 else [])) or None

    def _turn(self, fact: FeedState) -> None:
        gaps = self._gaps.setdefault(fact.source, deque(maxlen=MOST_KEPT))
        is_blind = bool(gaps) and gaps[-1].end is None
        if not fact.live and not is_blind:
            gaps.append(_Gap(fact.at, fact.reason))
        elif fact.live and is_blind:
            gaps[-1].end = fact.at


def _blind(gap: _Gap) -> str:
    why = f" ({gap.reason})" if gap.reason else ""
    if gap.end is None:
        return f"has been blind to routes since {_clock(gap.start)} UTC{why}"
    return f"was blind to routes {_clock(gap.start)} to {_clock(gap.end)} UTC{why}"


def _lost(loss: FeedTally) -> str:
    what = [f"dropped {loss.dropped} routes"] if loss.dropped else []
    what += [f"could not read {loss.bad} messages"] if loss.bad else []
    return f"{' and '.join(what)} {_clock(loss.since)} to {_clock(loss.at)} UTC"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
