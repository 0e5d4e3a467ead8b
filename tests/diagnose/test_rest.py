"""An incident that is over rests before its end is told: what comes back within minutes is the same one."""

from __future__ import annotations

import pytest
from story import API, BEGIN, END, Story
from world import Place, World

from monitor.model.verdict import Cause
from probes.observation import Failure, HttpObservation


def slow(world: World, at: float, place: Place) -> HttpObservation:
    """The genuine server takes three seconds."""
    return world.ok(at, place, API, think_s=3.0)


def expired(world: World, at: float, place: Place) -> HttpObservation:
    """Nobody renewed the certificate."""
    return world.ok(at, place, API, failure=Failure.TLS_EXPIRED, status=None)


def in_turns(on_s: float, off_s: float) -> Story:
    """Slow for a while, well for a while, and so on."""
    return Story(
        interval_s=10.0,
        api=lambda world, at, place: (
            slow(world, at, place) if (at - BEGIN) % (on_s + off_s) < on_s else world.ok(at, place, API)
        ),
    )


@pytest.mark.parametrize(("on_s", "off_s"), [(60.0, 90.0), (120.0, 150.0), (240.0, 60.0)])
def test_a_queue_that_fills_and_drains_is_one_incident(on_s: float, off_s: float) -> None:
    """To people that is one trouble, and its end is that of the last wave."""
    (incident,) = in_turns(on_s, off_s).incidents()

    assert incident.cause is Cause.SERVER_OVERLOAD
    assert incident.closed_at is not None
    assert incident.closed_at > END - off_s


def test_a_crash_minutes_after_an_overload_changes_the_cause_of_the_same_incident() -> None:
    """Two minutes after the queue has drained nobody listens any more: the story goes on."""

    def seen(world: World, at: float, place: Place) -> HttpObservation:
        if at < BEGIN + 180.0:
            return slow(world, at, place)
        return world.ok(at, place, API) if at < BEGIN + 300.0 else world.refused(at, place, API)

    (incident,) = Story(interval_s=10.0, api=seen).incidents()

    assert incident.cause is Cause.SERVER_DOWN
    assert incident.opened_at < BEGIN + 60.0


def test_what_comes_back_after_the_rest_is_another_incident() -> None:
    """Five minutes of health lie between."""
    first, second = in_turns(120.0, 360.0).incidents()

    assert (first.cause, second.cause) == (Cause.SERVER_OVERLOAD, Cause.SERVER_OVERLOAD)
    assert first.closed_at is not None
    assert first.closed_at < BEGIN + 240.0
    assert second.opened_at > BEGIN + 480.0


def test_another_cause_does_not_wait_for_the_rest_to_end() -> None:
    """Two minutes after the queue has drained the certificate expires: that is an incident of its own."""

    def seen(world: World, at: float, place: Place) -> HttpObservation:
        if at < BEGIN + 180.0:
            return slow(world, at, place)
        return world.ok(at, place, API) if at < BEGIN + 300.0 else expired(world, at, place)

    overload, certificate = Story(interval_s=10.0, api=seen).incidents()

    assert (overload.cause, certificate.cause) == (Cause.SERVER_OVERLOAD, Cause.TLS_INVALID)
    assert overload.closed_at is not None
    assert overload.closed_at < BEGIN + 300.0
    assert BEGIN + 300.0 < certificate.opened_at < BEGIN + 360.0


def test_the_end_is_told_as_of_when_it_was_over() -> None:
    """However long it rests, nobody reads that it lasted minutes longer."""
    story = Story(interval_s=10.0, api=slow)
    (incident,) = story.incidents()

    assert incident.closed_at is not None
    assert END < incident.closed_at < END + 90.0
    assert incident.updated_at - incident.closed_at == pytest.approx(180.0, abs=10.0)
