"""A link's delay, loss and rate: what goes in comes out in order and on time, or is counted as dropped."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab.impairment import Direction, Impairment


def _direction(**fields: float) -> Direction:
    return Direction(Impairment(**fields), random.Random(1))


def test_packet_is_delayed_by_the_delay() -> None:
    """Without rate and loss nothing else happens to it."""
    assert _direction(delay_s=0.02).admit(100.0, 1500) == pytest.approx(100.02)


def test_packets_at_a_rate_leave_one_after_the_other() -> None:
    """1,250 bytes at 1 Mbit/s take 10 ms each."""
    line = _direction(delay_s=0.005, rate_bps=1e6, queue_s=1.0)

    assert [line.admit(0.0, 1250) for _ in range(3)] == pytest.approx([0.015, 0.025, 0.035])


def test_full_queue_drops_and_counts() -> None:
    """A packet that would wait longer than the queue is; the line is not busier for it."""
    line = _direction(rate_bps=1e6, queue_s=0.015)
    out = [line.admit(0.0, 1250) for _ in range(4)]

    assert out == [pytest.approx(0.01), pytest.approx(0.02), None, None]
    assert (line.carried, line.overflowed, line.lost) == (2, 2, 0)
    assert line.admit(0.02, 1250) == pytest.approx(0.03)


def test_loss_is_the_share_that_was_asked_for() -> None:
    """Seeded, so this is one sequence and not a chance."""
    line = _direction(loss=0.3)
    for number in range(2000):
        line.admit(float(number), 100)

    assert line.lost + line.carried == 2000
    assert 0.26 < line.lost / 2000 < 0.34


def test_a_link_can_be_dead() -> None:
    """Loss of 1 carries nothing."""
    line = _direction(loss=1.0)

    assert [line.admit(float(number), 100) for number in range(50)] == [None] * 50


@settings(derandomize=True, max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.floats(0, 0.05), st.integers(20, 1500), st.floats(0, 0.1)), min_size=1, max_size=40
    ),
    rate=st.one_of(st.none(), st.floats(1e4, 1e8)),
)
def test_packets_never_overtake_each_other_nor_time(
    steps: list[tuple[float, int, float]], rate: float | None
) -> None:
    """Whatever the delay is changed to meanwhile."""
    line, now, last = Direction(Impairment(), random.Random(1)), 0.0, 0.0
    for gap, size, delay in steps:
        now += gap
        line.impairment = Impairment(delay_s=delay, rate_bps=rate, queue_s=1.0)
        out = line.admit(now, size)
        if out is not None:
            assert out >= max(now + delay, last)
            last = out


@pytest.mark.parametrize(
    "wrong", [{"delay_s": -1.0}, {"loss": 1.5}, {"rate_bps": 1.0}, {"queue_s": 99.0}, {"loss": float("nan")}]
)
def test_impossible_impairments_are_refused(wrong: dict[str, float]) -> None:
    """Each names its field and limit."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Impairment(**wrong)
