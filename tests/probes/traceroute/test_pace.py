"""Who sends when under one packet rate; time is a number."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.traceroute.pace import Pace, burst_of


def sent(pace: Pace[str], now: float, packets: int = 1000) -> list[str]:
    """Who sends at this moment, when each sender always wants to send another packet."""
    turns: list[str] = []
    while len(turns) < packets and (sender := pace.turn(now)) is not None:
        pace.spend()
        turns.append(sender)
        pace.join(sender)
    return turns


def test_a_burst_leaves_at_once_and_the_rest_at_the_rate() -> None:
    """The bucket is full at first; then come 64 packets a second, and after a rest not more than a burst."""
    pace: Pace[str] = Pace(64, now=0.0)
    pace.join("a")

    assert len(sent(pace, 0.0)) == burst_of(64) == 32
    assert len(sent(pace, 0.25)) == 16
    assert len(sent(pace, 60.25)) == burst_of(64) == 32


def test_a_high_rate_has_a_burst_of_fifty_milliseconds() -> None:
    """What a busy machine held back is made up for; not more than that."""
    pace: Pace[str] = Pace(8000, now=0.0)
    pace.join("a")

    assert len(sent(pace, 0.0)) == burst_of(8000) == 400
    assert len(sent(pace, 9.0)) == 400


def test_senders_take_turns_in_the_order_in_which_they_came() -> None:
    """One packet each, and again from the first."""
    pace: Pace[str] = Pace(64, now=0.0)
    for sender in "abc":
        pace.join(sender)

    assert "".join(sent(pace, 0.0)) == "abc" * 10 + "ab"
    assert "".join(sent(pace, 0.03125)) == "ca"


def test_joining_twice_keeps_the_place_and_leaving_gives_it_up() -> None:
    """A sender stands in line once; who left is not called, and leaving without standing there is nothing."""
    pace: Pace[str] = Pace(100, now=0.0)
    for sender in ("a", "b", "a", "c"):
        pace.join(sender)
    pace.leave("b")
    pace.leave("nobody")

    assert [pace.turn(0.0), pace.turn(0.0), pace.turn(0.0)] == ["a", "c", None]


def test_a_turn_that_is_not_used_costs_no_token() -> None:
    """A trace whose answer came meanwhile sends nothing, and the next one has its packet."""
    pace: Pace[str] = Pace(1, now=0.0)
    pace.join("first")
    sent(pace, 0.0)
    pace.leave("first")
    pace.join("satisfied")
    pace.join("hungry")

    assert pace.turn(1.0) == "satisfied"
    assert pace.turn(1.0) == "hungry"
    pace.spend()
    pace.join("hungry")
    assert pace.turn(1.9) is None


def test_without_tokens_the_next_turn_waits_for_a_batch() -> None:
    """At 512 packets a second five of them are waited for, less when fewer senders stand in line."""
    pace: Pace[str] = Pace(512, now=0.0)
    assert pace.next_turn_at() is None
    pace.join("a")
    sent(pace, 0.0)

    assert pace.next_turn_at() == pytest.approx(1 / 512)
    for sender in range(50):
        pace.join(str(sender))
    assert pace.next_turn_at() == pytest.approx(0.01)


def test_a_rate_below_one_packet_a_second_still_sends() -> None:
    """A packet every ten seconds."""
    pace: Pace[str] = Pace(0.1, now=0.0)
    pace.join("a")
    sent(pace, 0.0)

    assert pace.next_turn_at() == pytest.approx(10.0)
    assert pace.turn(9.9) is None
    assert pace.turn(10.0) == "a"


def test_a_clock_that_steps_back_earns_nothing() -> None:
    """Tokens are only ever counted once."""
    pace: Pace[str] = Pace(100, now=10.0)
    pace.join("a")
    sent(pace, 10.0)

    assert pace.turn(5.0) is None
    assert pace.turn(10.005) is None
    assert pace.turn(10.011) == "a"


@given(
    rate=st.floats(1, 5000),
    steps=st.lists(st.floats(0, 0.5), min_size=1, max_size=60),
    senders=st.integers(1, 20),
)
@settings(max_examples=60, derandomize=True, deadline=None)
def test_no_second_has_more_than_the_rate_and_a_burst(rate: float, steps: list[float], senders: int) -> None:
    """Whenever it is asked, and however many want to send; and nobody gets two packets more than another."""
    pace: Pace[str] = Pace(rate, now=0.0)
    for number in range(senders):
        pace.join(str(number))
    now, moments, turns = 0.0, [], Counter({str(number): 0 for number in range(senders)})
    for step in steps:
        now += step
        at_once = sent(pace, now, packets=10_000)
        moments += [now] * len(at_once)
        turns.update(at_once)

    for start in dict.fromkeys(moments):
        assert sum(start <= moment <= start + 1 for moment in moments) <= rate + burst_of(rate) + 1e-6
    assert max(turns.values()) - min(turns.values()) <= 1
