"""Times and durations for people."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.report.moment import as_datetime, length, moment, zone

NOON_2022 = 1643854810.0  # 2022-02-03 02:20:10 UTC


@pytest.mark.parametrize(
    ("at", "name", "shown"),
    [
        (NOON_2022, "UTC", "2022-02-03 02:20:10 UTC"),
        (NOON_2022, "Asia/Seoul", "2022-02-03 11:20:10 KST (02:20:10 UTC)"),
        (NOON_2022, "America/New_York", "2022-02-02 21:20:10 EST (2022-02-03 02:20:10 UTC)"),
        (NOON_2022, "Etc/GMT", "2022-02-03 02:20:10 UTC"),
        (NOON_2022, "Nowhere/Land", "2022-02-03 02:20:10 UTC"),
        (NOON_2022, "../../etc/passwd", "2022-02-03 02:20:10 UTC"),
        (NOON_2022, "America", "2022-02-03 02:20:10 UTC"),
    ],
)
def test_a_moment_has_its_zone_and_utc(at: float, name: str, shown: str) -> None:
    """Local time first, UTC beside it with its date on another day; an unknown zone falls back to UTC."""
    assert moment(at, zone(name)) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5.0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (7698.0, "2 h 08 min"),
        (273600.0, "3 d 4 h"),
    ],
)
def test_a_length_names_its_two_largest_units(seconds: float, shown: str) -> None:
    """Seconds, minutes, hours and days, rounded to the second first."""
    assert length(seconds) == shown


@settings(derandomize=True, max_examples=200)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_is_a_time_and_a_length(number: float) -> None:
    """A broken clock never costs the report."""
    assert 1969 <= as_datetime(number, zone("Pacific/Kiritimati")).year <= 9999
    assert length(number)
