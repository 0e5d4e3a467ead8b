"""The window of a page, from what its address says: whatever that is, it is a window."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.web.dashboard.preferences import Preferences, chosen, own_path
from monitor.web.dashboard.window import SPANS, parse_time, window_of

NOW = 1_700_000_123.0
SEOUL = ZoneInfo("Asia/Seoul")
_TEXTS = st.text(max_size=30) | st.floats().map(str) | st.sampled_from(["1e308", "-1", "2022-02-03T10:20", "0"])
_QUERIES = st.fixed_dictionaries(
    {}, optional={"span": st.sampled_from([*SPANS, "2h", ""]), "until": _TEXTS, "at": _TEXTS}
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(_QUERIES)
def test_any_query_is_a_window_that_the_history_can_answer(query: dict[str, str]) -> None:
    """Whole buckets, few enough, the moment within."""
    window = window_of(query, NOW, SEOUL)

    assert 0 <= window.since < window.until
    assert window.since % window.bucket_s == 0
    assert (window.until - window.since) / window.bucket_s <= 400
    assert window.at is None or 0 <= window.share(window.at) <= 100


def test_usual_window_ends_now() -> None:
    """Six hours."""
    window = window_of({}, NOW, UTC)

    assert (window.span, window.until, window.at) == ("6h", NOW, None)
    assert NOW - 21_600 - 60 < window.since <= NOW - 21_600


def test_a_moment_outside_moves_the_window_there() -> None:
    """A link to a moment of last month needs nothing else."""
    window = window_of({"at": "1690000000", "span": "1h"}, NOW, UTC)

    assert window.at == 1_690_000_000
    assert window.since < 1_690_000_000 < window.until == 1_690_001_800


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1643853600", 1_643_853_600.0),
        ("2022-02-03T02:00Z", 1_643_853_600.0),
        ("2022-02-03T11:00", 1_643_853_600.0),
        ("2022-02-03T11:00:00+09:00", 1_643_853_600.0),
        ("nan", None),
        ("inf", None),
        ("-5", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_seconds_or_iso_8601_of_the_readers_zone(text: str, found: float | None) -> None:
    """Half past what is no time is none."""
    assert parse_time(text, SEOUL) == found


@settings(derandomize=True, max_examples=60)
@given(st.dictionaries(st.sampled_from(["zone", "theme", "language"]), st.text(max_size=70)))
def test_any_cookies_are_preferences(cookies: dict[str, str]) -> None:
    """What is no zone or theme is the default's."""
    found = chosen(cookies, Preferences(zone="Asia/Seoul"))

    assert found.where is not None
    assert found.theme in ("auto", "light", "dark")


@pytest.mark.parametrize("path", ["/targets/a?span=1h", "/"])
def test_the_way_back_is_ours(path: str) -> None:
    """The near-miss of the next test."""
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb", "/" * 3000]
)
def test_the_way_back_never_leads_to_another_site(path: str) -> None:
    """Browsers take `/\\` for `//`."""
    assert own_path(path) == "/"
