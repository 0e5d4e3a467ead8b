"""Durations: units, bounds, and that writing and reading agree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import ConfigError, format_duration, parse_config, parse_duration

TARGET = '[[target]]\nname = "a"\nurl = "https://a.example/"\n'


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30.0), ("1.5h", 5400.0), ("5m", 300.0), ("1d", 86400.0), (" 2 s ", 2.0)],
)
def test_units(text: str, seconds: float) -> None:
    """Each unit, fractions, and a space before the unit."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "s", "-5s", "+5s", "5 min", "5M", "1e3s", "1_000s", "５s", "1m30s", "infs"]
)
def test_near_misses_are_not_durations(text: str) -> None:
    """A number without unit, signs, exponents, other digits, two units."""
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("written", ['"0.5s"', "0.5", '"500ms"'])
def test_shortest_interval_is_half_a_second_in_any_spelling(written: str) -> None:
    """The bound belongs to the range; numbers are seconds."""
    config = parse_config(f"{TARGET}interval = {written}\n")

    assert config.targets[0].interval_s == 0.5


@pytest.mark.parametrize(
    "written", ["0.499", '"499ms"', "nan", "inf", "-1", "true", "[]", "86401", f"0x{'f' * 400}"]
)
def test_what_is_no_interval_is_refused(written: str) -> None:
    """Out of range, no number at all, or a number that is too large for a float."""
    with pytest.raises(ConfigError, match=r"target\[0\]\.interval = .*: must be a duration from 500ms to 1d"):
        parse_config(f"{TARGET}interval = {written}\n")


@settings(derandomize=True, max_examples=100)
@given(st.integers(1, 86_400_000))
def test_written_durations_read_back(milliseconds: int) -> None:
    """`format_duration` loses nothing of what an interval can be (six significant digits)."""
    seconds = milliseconds / 1000

    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, rel=1e-5)
