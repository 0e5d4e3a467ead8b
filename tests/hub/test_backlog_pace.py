"""The pace of backlogs: as fast as fresh receipts stay quick, and never standing still."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.hub.backlog_pace import (
    EARLY_S,
    FIRST_RATE,
    LEAST_RATE,
    LONGEST_S,
    MOST_RATE,
    SLOW_S,
    USUAL,
    BacklogPace,
)


def test_it_falls_when_a_fresh_batch_had_to_wait_and_rises_while_none_has() -> None:
    """By a share at once, by steps again."""
    pace = BacklogPace(0.0)
    pace.fresh_took(2 * SLOW_S, 10.0)
    fallen = pace.rate
    for number in range(100):
        pace.fresh_took(SLOW_S / 10, 11.0 + number / 100)

    assert fallen < FIRST_RATE
    assert fallen < pace.rate < FIRST_RATE + 500


def test_what_was_under_way_slows_it_down_once() -> None:
    """A hundred receipts that were late together tell of one thing."""
    once, often = BacklogPace(0.0), BacklogPace(0.0)
    once.fresh_took(1.0, 10.0)
    for number in range(100):
        often.fresh_took(1.0, 10.0 + number / 1000)

    assert once.rate == often.rate


def test_a_single_slow_receipt_among_many_is_no_reason() -> None:
    """One in twenty is the disk's; one in four is the backlog's."""
    rates = {}
    for every in (20, 4):
        pace = BacklogPace(0.0)
        for number in range(200):
            pace.fresh_took(2 * SLOW_S if number % every == 0 else SLOW_S / 10, number / 100)
        rates[every] = pace.rate

    assert rates[20] > FIRST_RATE > rates[4]


def test_a_hundred_agents_that_knock_at_once_are_told_a_hundred_different_moments() -> None:
    """When a hub is back; each is let in when it comes at its time, and none has to knock a third time."""
    pace = BacklogPace(0.0)
    told = [pace.wait_s(f"agent-{number}", 0.0) for number in range(100)]
    again = [pace.wait_s(f"agent-{number}", wait_s) for number, wait_s in enumerate(told)]

    assert told == sorted(told)
    assert told[-1] == 99 * USUAL / FIRST_RATE
    assert again == [0.0] * 100


def test_nobody_is_sent_away_for_longer_than_a_while() -> None:
    """The rate may rise meanwhile: who comes again too early keeps its place."""
    pace = BacklogPace(0.0)
    for number in range(1000):
        pace.wait_s(f"agent-{number}", 0.0)

    assert pace.wait_s("agent-999", 0.0) == LONGEST_S
    assert pace.wait_s("agent-999", 1000 * USUAL / FIRST_RATE) == 0.0


@given(st.lists(st.floats(0.0, 0.3), max_size=200), st.integers(1, 50), st.integers(1, 2000))
@settings(max_examples=50)
def test_agents_that_wait_as_they_are_told_bring_no_more_than_the_rate(
    receipts: list[float], agents: int, facts: int
) -> None:
    """However many they are, and whatever the rate is just then; they take turns, so all bring alike."""
    pace, now = BacklogPace(0.0), 0.0
    for took_s in receipts:
        now += 1.0
        pace.fresh_took(took_s, now)
    began, brought = now, [0] * agents
    free = [now] * agents
    for _ in range(10 * agents):
        first = min(range(agents), key=free.__getitem__)
        now = max(now, free[first])
        if (wait_s := pace.wait_s(str(first), now)) > 0.0:
            free[first] = now + wait_s
            continue
        free[first] = now + pace.admit(str(first), facts, now)
        brought[first] += facts

    assert LEAST_RATE <= pace.rate <= MOST_RATE
    beyond = agents * max(facts - USUAL, 0.0)  # the first places are of usual batches
    assert sum(brought) <= pace.rate * (now - began + EARLY_S) + 2 * max(facts, USUAL) + beyond
    assert max(brought) - min(brought) <= 2 * facts
