"""Hours that recur, by wall clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alert.calendar import is_during, is_maintained, last_time
from monitor.model.alert_policy import Hours, Maintenance, Once

SEOUL, AMSTERDAM = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Amsterdam")
NIGHT = Hours(begin=22 * 60, end=7 * 60)


def _at(text: str, where: ZoneInfo = SEOUL) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=where).timestamp()


@pytest.mark.parametrize(
    ("moment", "is_night"),
    [
        ("2026-11-22T21:59:59", False),
        ("2026-11-22T22:00:00", True),
        ("2026-11-23T00:00:00", True),
        ("2026-11-23T06:59:59", True),
        ("2026-11-23T07:00:00", False),
        ("2026-11-23T12:00:00", False),
    ],
)
def test_a_night_goes_over_midnight(moment: str, is_night: bool) -> None:
    """Its begin is inside, its end is not."""
    assert is_during(NIGHT, _at(moment), SEOUL) is is_night


def test_days_are_those_on_which_the_hours_begin() -> None:
    """The hours after midnight belong to the day before: 23:30 to 02:00 on Sunday ends on Monday."""
    sunday = Hours(begin=23 * 60 + 30, end=2 * 60, days=frozenset({6}))

    assert is_during(sunday, _at("2026-11-22T23:45:00"), SEOUL)  # a Sunday
    assert is_during(sunday, _at("2026-11-23T01:59:00"), SEOUL)
    assert not is_during(sunday, _at("2026-11-22T01:00:00"), SEOUL)
    assert not is_during(sunday, _at("2026-11-23T23:45:00"), SEOUL)


def test_hours_follow_the_clock_on_the_wall_of_their_zone() -> None:
    """In winter and in summer at the same hour there, whatever UTC says; hours that are left out do not come."""
    hours = Hours(begin=2 * 60, end=3 * 60)
    winter, summer = _at("2026-01-10T02:30:00", AMSTERDAM), _at("2026-07-10T02:30:00", AMSTERDAM)
    spring = [_at("2026-03-29T01:00:00", AMSTERDAM) + 60.0 * minute for minute in range(180)]

    assert (winter % 86_400, summer % 86_400) == (5_400, 1_800)
    assert is_during(hours, winter, AMSTERDAM)
    assert is_during(hours, summer, AMSTERDAM)
    assert not any(is_during(hours, at, AMSTERDAM) for at in spring)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(
    begin=st.integers(0, 1439), length=st.integers(1, 1439), minutes=st.integers(0, 10_000),
    days=st.frozensets(st.integers(0, 6), min_size=1),
)  # fmt: skip
def test_hours_are_what_counting_minutes_from_their_begin_gives(
    begin: int, length: int, minutes: int, days: frozenset[int]
) -> None:
    """The oracle walks back to each day's begin, without a case for midnight."""
    hours = Hours(begin=begin, end=(begin + length) % 1440, days=days)
    moment = datetime(2026, 11, 2, tzinfo=UTC) + timedelta(minutes=minutes)
    begins = [moment.replace(hour=0, minute=0) + timedelta(days=back, minutes=begin) for back in (0, -1)]
    expected = any(one <= moment < one + timedelta(minutes=length) for one in begins if one.weekday() in days)

    assert is_during(hours, moment.timestamp(), UTC) is expected


def test_maintenance_covers_an_incident_when_it_covers_all_its_targets() -> None:
    """Work at one of two targets does not explain the other one's trouble; a vantage's own it never explains."""
    shop = Maintenance(when=Once(begin=100.0, end=200.0), targets=frozenset({"shop"}))
    pay = Maintenance(when=Once(begin=150.0, end=250.0), targets=frozenset({"pay"}))
    everything = Maintenance(when=Once(begin=300.0, end=400.0))

    assert is_maintained((shop,), ("shop",), 100.0)
    assert not is_maintained((shop,), ("shop",), 200.0)
    assert not is_maintained((shop,), ("shop", "pay"), 160.0)
    assert is_maintained((shop, pay), ("shop", "pay"), 160.0)
    assert is_maintained((everything,), ("shop", "pay"), 350.0)
    assert not is_maintained((everything,), (), 350.0)


@pytest.mark.parametrize(
    ("now", "day"), [("2026-11-22T07:59:59", 21), ("2026-11-22T08:00:00", 22), ("2026-11-22T23:00:00", 22)]
)
def test_the_last_time_that_it_was_eight(now: str, day: int) -> None:
    """Today's, or yesterday's before eight."""
    found, at = last_time(8 * 60, _at(now), SEOUL)

    assert found.day == day
    assert at == _at(f"2026-11-{day}T08:00:00")
