"""How far a vantage's clock is from ours, from when its shipments say they were sent. Pure.

received - sent is the clocks' difference and the time on the way. The way is never shorter than nothing, so
the smallest of many is the best; clocks drift and are set, so only the last minutes count (the sliding
minimum of network time protocols: Mills, RFC 5905 section 10, keeps the eight last samples for the same
reason). Two windows side by side are enough for that: the estimate is over one to two windows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

WINDOW_S = 600.0
"""Long enough for an undisturbed shipment among some, short enough that a set clock is seen while it matters."""


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """`since`: when the present window began, by our clock; `least_s` in it, `before_s` in the one before."""

    since: float
    least_s: float
    before_s: float | None = None

    @property
    def estimate_s(self) -> float:
        """Our clock minus the vantage's, at most."""
        return self.least_s if self.before_s is None else min(self.least_s, self.before_s)

    def after(self, received_at: float, sent_at: float) -> ClockOffset:
        """The offset after one more shipment."""
        difference = received_at - sent_at
        age = received_at - self.since
        if 0 <= age < WINDOW_S:
            return replace(self, least_s=min(self.least_s, difference))
        # A window ago is the neighbour; longer ago, or our own clock went back: what was known is old.
        return ClockOffset(received_at, difference, self.least_s if 0 <= age < 2 * WINDOW_S else None)
