"""Trouble that comes in waves, seen by one vantage that looks seldom: two bad ones, three good ones, again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from story import API, BEGIN, PLACES, Answer, Story, only
from world import Place, World

from monitor.model.verdict import Cause
from probes.observation import HttpObservation

TOKYO = tuple(place for place in PLACES if place.name == "tokyo")


def waves(good: int) -> Story:
    """Two unanswered exchanges, then so many good ones, over and over."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        number = round((at - BEGIN) / 30.0)
        return world.unanswered(at, place, API) if number % (2 + good) < 2 else world.ok(at, place, API)

    return Story(api=answer, places=TOKYO)


def silence_then_lost_syns(*rounds: int) -> Answer:
    """Three minutes of silence, then good answers; in some rounds, counted from the first, a SYN is lost."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        number = round((at - BEGIN) / 30.0)
        if number < 6:
            return world.silent(at, place, API)
        good = world.ok(at, place, API)
        lost = number in rounds
        return replace(good, connect_s=(good.connect_s or 0.0) + 1.0, retransmits=1) if lost else good

    return answer


def test_overload_in_waves_is_told_though_no_run_of_bad_ones_is_long() -> None:
    """Eight of twenty exchanges hang: a person would call that trouble, and it is one incident."""
    found = waves(3).incidents()

    assert [(one.target, one.cause) for one in found] == [("api", Cause.SERVER_OVERLOAD)]


@pytest.mark.parametrize("good", [9, 18])
def test_two_bad_ones_now_and_then_are_none(good: int) -> None:
    """The near-miss: once or twice in ten minutes two exchanges hang."""
    assert waves(good).incidents() == []


def test_two_lost_connections_after_a_trouble_that_is_over_are_no_relapse() -> None:
    """Three minutes of silence, six of good answers, and two SYNs that were lost: one incident, and no second."""

    found = Story(api=only(("tokyo",), silence_then_lost_syns(18, 19))).incidents()

    assert len(found) == 1


def test_what_an_incident_told_of_is_no_wave_of_the_next() -> None:
    """The same silence, then three SYNs lost within minutes: with it three waves, without it chance."""

    found = Story(api=only(("tokyo",), silence_then_lost_syns(12, 16, 18))).incidents()

    assert len(found) == 1


def test_a_queue_that_fills_again_while_its_incident_rests_is_that_incident() -> None:
    """Two and a half minutes slow, as long well: at a lone vantage too each wave is of the same trouble."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        number = round((at - BEGIN) / 30.0)
        return world.ok(at, place, API, think_s=3.0) if number % 10 < 5 else world.ok(at, place, API)

    found = Story(api=answer, places=TOKYO).incidents()

    assert [(one.target, one.cause) for one in found] == [("api", Cause.SERVER_OVERLOAD)]
