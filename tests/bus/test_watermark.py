"""The watermark: time goes on as far as everybody has sent, and stands still with the brokers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bus.crate import Mark
from monitor.bus.watermark import (
    BEHIND_LASTS_S,
    GONE_S,
    HOLD_S,
    KNOWN_S,
    MOST_HOLD_S,
    STALL_S,
    Hold,
    Watermark,
)

NOW = 1_700_000_000.0


def _mark(sender: str, at: float, sent_at: float | None = None, **more: bool) -> Mark:
    return Mark(
        sender=sender, at=NOW + at, sent_at=NOW + (at if sent_at is None else sent_at), **{"agents": True, **more}
    )


def _after(*marks: Mark) -> float | None:
    watermark = Watermark()
    for mark in marks:
        watermark.take(mark)
    return None if watermark.until is None else round(watermark.until - NOW, 3)


def test_the_slowest_sender_says_how_far_it_is() -> None:
    """The other one's facts of later may be followed by this one's of earlier."""
    assert _after(_mark("a", 1.0), _mark("b", 1.0), _mark("a", 5.0), _mark("b", 3.0, 5.0), _mark("a", 6.0)) == 3.0


def test_who_begins_in_the_middle_hears_of_everybody_first() -> None:
    """The first mark may be of the quicker one of two."""
    assert _after(_mark("a", 1.0), _mark("a", 0.9 + KNOWN_S)) is None
    assert _after(_mark("a", 1.0), _mark("a", 1.0 + KNOWN_S)) == 1.0 + KNOWN_S


def test_a_sender_that_is_gone_is_left_out_and_not_a_moment_before() -> None:
    """Its agents have come to another one meanwhile."""
    gone = (_mark("b", 1.0), _mark("a", 1.0), _mark("b", 5.0))

    assert _after(*gone, _mark("a", 5.0 + GONE_S)) == 5.0
    assert _after(*gone, _mark("a", 5.1 + GONE_S)) == 5.1 + GONE_S


def test_a_sender_that_says_that_it_leaves_is_left_out_at_once() -> None:
    """A restart of one door delays nothing."""
    assert _after(_mark("b", 1.0), _mark("a", 3.0), _mark("b", 3.0, leaving=True), _mark("a", 4.0)) == 4.0


def test_feeds_alone_do_not_let_time_go_on() -> None:
    """Without a door nobody could say that all is well, or that it is not."""
    feeds = (_mark("feeds", 10.0, agents=False), _mark("feeds", 50.0, agents=False))

    assert _after(*feeds) is None
    assert _after(_mark("a", 1.0), _mark("a", 5.0), _mark("a", 5.5, leaving=True), *feeds) == 5.0


@settings(derandomize=True, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100), st.booleans()), max_size=30))
def test_time_never_goes_back(said: list[tuple[str, float, bool]]) -> None:
    """Whatever senders say, in whatever order it stands in the stream."""
    watermark, before = Watermark(NOW), NOW
    for sender, at, leaving in said:
        watermark.take(_mark(sender, at, leaving=leaving))
        assert watermark.until is not None
        assert watermark.until >= before
        before = watermark.until


def test_what_waits_holds_the_mark_back() -> None:
    """Nobody may conclude beyond what is not in the stream yet."""
    hold = Hold()

    assert hold.at(NOW, None) == NOW
    assert hold.at(NOW + 1.0, NOW + 0.4) == NOW + 0.4


def test_after_a_stall_the_mark_waits_for_agents_to_come_again() -> None:
    """Twenty seconds of a broker's silence are followed by what agents measured in them."""
    hold = Hold()
    hold.at(NOW, None)
    stalled = hold.at(NOW + 20.0, NOW + 0.5)

    assert stalled == NOW + 0.5
    assert hold.at(NOW + 20.0 + HOLD_S - 0.1, None) == stalled
    assert hold.at(NOW + 20.0 + HOLD_S, None) == NOW + 20.0 + HOLD_S


def test_while_agents_still_bring_what_waited_the_mark_waits_on_but_not_for_ever() -> None:
    """Many have much to bring; one that never catches up holds the others for half a minute, once."""
    hold, over = Hold(), NOW + 20.0
    hold.at(NOW, None)
    stalled = hold.at(over, NOW + 0.5)

    assert hold.at(over + HOLD_S + 5.0, None, over + HOLD_S + 4.0) == stalled
    assert hold.at(over + MOST_HOLD_S - 0.1, None, over + MOST_HOLD_S - 1.0) == stalled
    assert hold.at(over + MOST_HOLD_S, None, over + MOST_HOLD_S) == over + MOST_HOLD_S
    assert hold.at(over + MOST_HOLD_S + 1.0, None, over + MOST_HOLD_S + 1.0) == over + MOST_HOLD_S + 1.0


def test_once_all_have_caught_up_the_mark_waits_no_longer() -> None:
    """The last old batch was two seconds ago."""
    hold, over = Hold(), NOW + 20.0
    hold.at(NOW, None)
    hold.at(over, NOW + 0.5)
    later = over + HOLD_S + 1.0

    assert hold.at(later, None, later - BEHIND_LASTS_S) == later


def test_old_facts_without_a_stall_hold_nobody() -> None:
    """One agent's own outage is no reason for the others to wait."""
    hold = Hold()

    assert hold.at(NOW, None, NOW) == NOW


def test_a_short_wait_is_no_stall() -> None:
    """A broker's change of leader within two seconds delays only itself."""
    hold = Hold()
    hold.at(NOW + STALL_S, NOW)

    assert hold.at(NOW + STALL_S + 0.1, None) == NOW + STALL_S + 0.1
