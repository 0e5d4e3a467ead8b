"""What is usual, and what is called unusual."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.diagnose.baseline import CAPACITY, ENOUGH, Baseline

LIMITS = {"sigmas": 6.0, "share": 0.5, "floor": 0.010}


def filled(values: list[float]) -> Baseline:
    """A baseline that learned `values`."""
    baseline = Baseline()
    for value in values:
        baseline.add(value)
    return baseline


def test_cold_start_calls_nothing_unusual() -> None:
    """Below the minimum of values there is no baseline."""
    baseline = filled([0.02] * (ENOUGH - 1))

    assert not baseline.is_raised(100.0, **LIMITS)


@pytest.mark.parametrize(("value", "raised"), [(0.029, False), (0.031, True)])
def test_quiet_series_has_a_floor(value: float, raised: bool) -> None:
    """Without any spread, the share of the median and the floor decide."""
    assert filled([0.02] * 50).is_raised(value, **LIMITS) is raised


def test_one_outlier_does_not_move_the_baseline() -> None:
    """The median and MAD stay where most values are."""
    baseline = filled([0.02, 0.021, 0.019, 0.02, 0.02, 0.022, 9.0])

    assert baseline.median == 0.02
    assert baseline.is_raised(1.0, **LIMITS)


def test_old_values_are_forgotten() -> None:
    """The window slides: a lasting new level becomes the usual one."""
    assert filled([0.02] * CAPACITY + [0.05] * CAPACITY).median == 0.05


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=CAPACITY + 50))
def test_median_is_that_of_the_window(values: list[float]) -> None:
    """Kept incrementally, the median is the one of the last values."""
    assert filled(values).median == pytest.approx(median(values[-CAPACITY:]))
