"""A wall clock that was set is noticed; one that drifts is not."""

from __future__ import annotations

from monitor.agent.clock_step import STEP_S, ClockStep


def test_a_step_back_is_seen_once() -> None:
    """An hour back, then an ordinary five seconds."""
    clock_step = ClockStep(wall=1000.0, monotonic=0.0)

    assert clock_step.seen(wall=1005.0 - 3600.0, monotonic=5.0) == -3600.0
    assert clock_step.seen(wall=1010.0 - 3600.0, monotonic=10.0) == 0.0


def test_a_step_ahead_is_seen() -> None:
    """A machine that got its time from the network after its start."""
    assert ClockStep(0.0, 0.0).seen(wall=1e9, monotonic=5.0) == 1e9 - 5.0


def test_drift_never_adds_up_to_a_step() -> None:
    """A near-miss: a thousand small corrections of half the limit, all in one direction."""
    clock_step = ClockStep(0.0, 0.0)
    steps = [clock_step.seen(wall=n * (5.0 + STEP_S / 2), monotonic=n * 5.0) for n in range(1, 1001)]

    assert steps == [0.0] * 1000
