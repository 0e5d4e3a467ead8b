"""What counts as a change of latency, and what must not."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.diagnose.latency_change import LatencyChange, LatencyChanges, Sensitivity
from monitor.diagnose.latency_watch import LOST_SYN_S, MOST_SERIES, LatencyWatch
from probes.observation import Failure, HttpObservation


def _quiet(count: int, centre_s: float = 0.080, seed: int = 1) -> list[float]:
    """A usual path: a sharp lower edge, and a tail of queues above it."""
    rng = random.Random(seed)
    return [centre_s + rng.gauss(0.0, 0.0002) + rng.expovariate(1 / 0.0004) for _ in range(count)]


def _changes(values: list[float]) -> list[tuple[int, LatencyChange]]:
    watch = LatencyChanges()
    found = ((index, watch.add(value)) for index, value in enumerate(values))
    return [(index, change) for index, change in found if change is not None]


@pytest.mark.parametrize("shift_s", [0.004, -0.004, 0.150, -0.050])
def test_a_new_level_fires_once_and_says_when_it_began(shift_s: float) -> None:
    """Up or down, by 4 ms in 80: within eight values, and the onset is right to a value."""
    values = _quiet(100) + _quiet(100, 0.080 + shift_s, seed=2)

    ((index, change),) = _changes(values)

    assert 100 < index < 108
    assert abs(index - change.values_ago - 100) <= 1
    assert change.after_s - change.before_s == pytest.approx(shift_s, abs=0.001)


def test_there_and_back_are_two_changes() -> None:
    """After a change the reference is the new level, so that the return is one too."""
    values = _quiet(60) + _quiet(30, 0.090, seed=2) + _quiet(60, seed=3)

    assert [round(index - change.values_ago, -1) for index, change in _changes(values)] == [60, 90]


def test_few_values_are_not_called_a_change_before_there_is_a_level() -> None:
    """Cold start: the first values are learned, whatever they are."""
    assert _changes([0.01, 0.2, 0.05]) == []


@pytest.mark.parametrize("burst", [1, 2, 5])
def test_outliers_do_not_fire_however_far(burst: int) -> None:
    """A clipped score adds 1.5 at most, and the limit is 8: five in a row are still chance."""
    values = _quiet(100) + [5.0] * burst + _quiet(100, seed=2)

    assert _changes(values) == []


def test_outliers_now_and_then_do_not_add_up() -> None:
    """One in eight far above, for hours: what lies between takes the sum down again."""
    values = [value + (0.3 if index % 8 == 7 else 0.0) for index, value in enumerate(_quiet(800))]

    assert _changes(values) == []


def test_diurnal_drift_does_not_fire() -> None:
    """Six milliseconds up and down over a day at one value every 30 s: the reference goes along."""
    day = 2880
    values = [
        value + 0.006 * math.sin(2 * math.pi * index / day) for index, value in enumerate(_quiet(2 * day, seed=4))
    ]

    assert _changes(values) == []


def test_a_shift_that_nobody_would_see_does_not_fire() -> None:
    """Half a millisecond is below the least difference, however long it lasts."""
    assert _changes([0.010] * 200 + [0.0105] * 200) == []


@settings(derandomize=True, max_examples=60)
@given(st.lists(st.floats(0.0, 1e6), max_size=300))
def test_any_series_gives_changes_within_itself(values: list[float]) -> None:
    """Every onset lies in the series, after the change before it, and is as large as asked for."""
    began = -1
    for index, change in _changes(values):
        assert began < index - change.values_ago <= index
        assert abs(change.after_s - change.before_s) >= Sensitivity().scales * Sensitivity().floor_s
        began = index - change.values_ago


@settings(derandomize=True, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.005, 1.0))
def test_a_mirrored_step_fires_on_the_other_side(seed: int, shift_s: float) -> None:
    """Without a tail, up and down are alike: the same index, and the opposite difference."""
    rng = random.Random(seed)
    up = [2.0 + rng.gauss(0.0, 0.0003) + (shift_s if index >= 50 else 0.0) for index in range(80)]
    down = [4.0 - value for value in up]

    assert [index for index, _ in _changes(up)][:1] == [index for index, _ in _changes(down)][:1] != []


def _seen(rtt_s: float | None, index: int = 0, **more: object) -> HttpObservation:
    fields: dict[str, object] = {
        "at": 1_700_000_000.0 + 30 * index, "vantage": "v", "target": "shop", "family": 4,
        "address": "203.0.113.10", "failure": None, "connect_s": rtt_s,
    }  # fmt: skip
    return HttpObservation(**(fields | more))  # type: ignore[arg-type]


def _watched(watch: LatencyWatch, observations: list[HttpObservation]) -> list[tuple[str, str, str]]:
    found = [watch.add(seen) for seen in observations]
    return [(one.target, one.vantage, one.address) for one in found if one is not None]


def test_a_change_is_of_its_vantage_and_address() -> None:
    """The addresses of one name may be a continent apart: going round them is no change."""
    watch = LatencyWatch()
    steady = [_seen(0.2 if index % 2 else 0.02, index, address=f"203.0.113.{index % 2}") for index in range(100)]

    assert _watched(watch, steady) == []
    moved = [_seen(0.025, index, address="203.0.113.0") for index in range(20)]
    assert _watched(watch, moved) == [("shop", "v", "203.0.113.0")]


def test_a_burst_of_loss_is_no_change() -> None:
    """SYNs sent again after a second, exchanges that failed: they tell nothing of how long the way is."""
    watch = LatencyWatch()
    usual = [_seen(0.02, index) for index in range(50)]
    lost = [_seen(1.02, index) for index in range(10)]
    lost += [_seen(None, index, failure=Failure.CONNECT_TIMEOUT) for index in range(10)]

    assert LOST_SYN_S < 1.0
    assert _watched(watch, [*usual, *lost, *usual]) == []


def test_a_clock_step_is_no_change() -> None:
    """Values are counted, not timed: an hour forth or back alters nothing."""
    watch = LatencyWatch()
    steps = [0.0, 3600.0, -3600.0, 1e9]

    for step in steps:
        assert _watched(watch, [_seen(0.02, index, at=1_700_000_000.0 + step) for index in range(40)]) == []


def test_series_are_bounded() -> None:
    """A forged answer can name any number of addresses."""
    watch = LatencyWatch()
    for number in range(MOST_SERIES + 10):
        watch.add(_seen(0.02, address=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))

    assert len(watch) == MOST_SERIES
