"""Text from strangers: whatever it holds, one printable line of bounded length comes out."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.report.safe_text import listed, one_line

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\r\nBcc: all@example.com", "a Bcc: all@example.com"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("half a pair \ud800", "half a pair \\ud800"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("파이썬 – ünïcode", "파이썬 – ünïcode"),
        ("a\u2028b\x85c", "a b c"),
    ],
)
def test_what_could_forge_or_drive_becomes_visible(hostile: str, shown: str) -> None:
    """Controls, bidi, zero-width and half characters are escaped, line ends become blanks, letters stay."""
    assert one_line(hostile, 100) == shown


@settings(derandomize=True, max_examples=200)
@given(st.text(max_size=400), st.integers(min_value=1, max_value=80))
def test_any_text_becomes_one_printable_bounded_line(text: str, limit: int) -> None:
    """Nothing unsafe is left and the limit holds, for any text."""
    shown = one_line(text, limit)

    assert len(shown) <= limit
    assert not {unicodedata.category(character) for character in shown} & _UNSAFE


def test_text_at_the_limit_is_whole_and_one_more_is_cut() -> None:
    """The limit itself fits; beyond it the cut shows."""
    assert (one_line("abcd", 4), one_line("abcde", 4)) == ("abcd", "abc…")


def test_text_of_blanks_beyond_the_limit_shows_that_it_was_cut() -> None:
    """A long run of blanks cannot hide that text behind it is left out."""
    assert one_line("ok" + " " * 1000 + "hidden", 10) == "ok…"


def test_long_lists_say_how_many_are_left_out() -> None:
    """Names beyond the most are counted, not dropped in silence."""
    assert (listed(["a", "b", "c"], 3), listed(["a", "b", "c"], 2)) == ("a, b, c", "a, b and 1 more")
