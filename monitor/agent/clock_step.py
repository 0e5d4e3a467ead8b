"""Notices that the wall clock was set: it moved otherwise than the monotonic clock. Pure.

Facts carry wall time. A step back would leave every planned round in the future, and silence looks like
health.
"""

from __future__ import annotations

STEP_S = 2.0
"""Smaller corrections are a time daemon's ordinary work."""


class ClockStep:
    """Compares two readings of both clocks."""

    def __init__(self, wall: float, monotonic: float) -> None:
        self._offset = wall - monotonic

    def seen(self, wall: float, monotonic: float) -> float:
        """By how many seconds the wall clock was set since the last call; 0.0 for less than STEP_S."""
        step = wall - monotonic - self._offset
        if abs(step) < STEP_S:
            # Slow drift is followed, or it would add up to a step in a month.
            self._offset += step
            return 0.0
        self._offset = wall - monotonic
        return step
