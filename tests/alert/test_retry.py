"""When a refused notice is tried again."""

from __future__ import annotations

import pytest

from monitor.alert.retry import FEWEST_TRIES, GIVE_UP_AFTER_S, delay_s, is_over


@pytest.mark.parametrize(("tries", "delay"), [(1, 5.0), (2, 10.0), (6, 160.0), (7, 300.0), (1000, 300.0)])
def test_delays_double_up_to_five_minutes(tries: int, delay: float) -> None:
    """Jitter takes off up to half of it, so that many notices do not come back at once."""
    assert (delay_s(tries, 0.0), delay_s(tries, 1.0)) == (delay, delay / 2)


@pytest.mark.parametrize(
    ("age", "tries", "over"),
    [
        (GIVE_UP_AFTER_S, FEWEST_TRIES, True),
        (GIVE_UP_AFTER_S - 1, 10_000, False),
        (GIVE_UP_AFTER_S * 100, FEWEST_TRIES - 1, False),
        (-1e9, 10_000, False),
    ],
)
def test_giving_up_takes_three_days_and_a_hundred_tries(age: float, tries: int, over: bool) -> None:
    """A monitor that was off for a week still tries; one whose clock went back does, too."""
    assert is_over(1e9, tries, 1e9 + age) is over
