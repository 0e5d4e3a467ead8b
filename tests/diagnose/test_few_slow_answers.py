"""Slow answers at a few vantages: heavy tails and single lost packets add up to nothing, a lasting delay does."""

from __future__ import annotations

import pytest
from story import API, BEGIN, Story, only
from world import Place, World

from monitor.model.verdict import Cause
from probes.observation import HttpObservation


def lost_syn(world: World, at: float, place: Place) -> HttpObservation:
    """One SYN was lost and sent again after a second."""
    return world.ok(at, place, API, connect_s=1.0 + place.rtt_s, retransmits=1)


def paused(world: World, at: float, place: Place) -> HttpObservation:
    """The server paused for a second."""
    return world.ok(at, place, API, think_s=1.2)


def first(count: int, *, names: tuple[str, ...]) -> Story:
    """The first exchanges at two vantages are slow, one for this reason and one for that."""

    def seen(world: World, at: float, place: Place) -> HttpObservation:
        number = int((at - BEGIN) // 30.0)
        if number >= count:
            return world.ok(at, place, API)
        return (lost_syn, paused)[(number + len(place.name)) % 2](world, at, place)

    return Story(api=only(names, seen))


@pytest.mark.parametrize("names", [("tokyo", "berlin"), ("london", "newyork")])
def test_two_slow_answers_at_two_of_five_vantages_are_nothing(names: tuple[str, ...]) -> None:
    """A lost SYN here, a pause there: that is any evening."""
    assert first(2, names=names).incidents() == []


def test_server_that_thinks_longer_for_two_vantages_is_seen() -> None:
    """The third slow answer in a row at both is no chance."""
    incidents = Story(api=only(("tokyo", "berlin"), paused)).incidents()

    assert [one.target for one in incidents] == ["api"]
    assert incidents[0].affected == ("berlin", "tokyo")
    assert incidents[0].opened_at - BEGIN < 120.0


def test_everybodys_slow_answers_need_no_third_round() -> None:
    """Five vantages that wait twice are enough."""
    (incident,) = Story(api=paused).incidents()

    assert incident.cause is Cause.SERVER_OVERLOAD
    assert incident.opened_at - BEGIN < 90.0
