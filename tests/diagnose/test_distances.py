"""Round trips of several vantages, seen together, tell a full line from ways that changed."""

from __future__ import annotations

import pytest
from story import API, BEGIN, PLACES, START, Answer, Story
from world import Place, World

from monitor.diagnose.view import View
from monitor.model.incident import Incident
from monitor.model.verdict import Cause
from probes.observation import HttpObservation

FAR = ("newyork", "sydney", "tokyo")


def _longer(by: dict[str, float], *, noise: float = 0.02) -> Answer:
    """Who is named has a round trip that is longer (or shorter) by so many seconds, others the usual one."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        more_s = by.get(place.name, 0.0)
        return world.ok(at, place, API, rtt_s=place.rtt_s + world.noise(1.0, noise) * more_s)

    return answer


def _told(by: dict[str, float], **story: object) -> Incident:
    """The one incident of a story without traceroutes or routes: of round trips alone."""
    (incident,) = Story(api=_longer(by), traces=False, usual_routes=False, **story).incidents()  # type: ignore[arg-type]
    return incident


def _rules(incident: Incident) -> set[str]:
    return {one.rule for one in incident.evidence if one.group == "distances"}


def test_one_queue_delays_all_who_cross_it_by_the_same() -> None:
    """Three networks are late by 90 ms each, and nobody looked at paths."""
    incident = _told(dict.fromkeys(FAR, 0.09))

    assert (incident.cause, _rules(incident)) == (Cause.PATH_CONGESTION, {"network.rises_alike"})


def test_ways_that_changed_are_longer_by_what_the_map_says() -> None:
    """The same three are late by 40 to 200 ms."""
    incident = _told({"newyork": 0.04, "tokyo": 0.2, "sydney": 0.11})

    assert (incident.cause, _rules(incident)) == (Cause.ROUTE_CHANGE, {"network.rises_apart"})


def test_no_full_line_makes_anybodys_way_shorter() -> None:
    """New York and London are late by about the same, and Tokyo has been nearer than ever since then."""
    incident = _told({"newyork": 0.08, "london": 0.09, "tokyo": -0.12})

    assert (incident.cause, _rules(incident)) == (Cause.ROUTE_CHANGE, {"network.others_nearer"})
    assert any("tokyo came nearer" in one.text for one in incident.evidence)


def test_who_came_nearer_long_before_says_nothing() -> None:
    """Tokyo's way became the shorter one a quarter of an hour before the line was full."""
    world, by_name = World(9), {place.name: place for place in PLACES}
    tokyo = by_name.pop("tokyo")
    usual = [world.ok(START + 30 * step, tokyo, API) for step in range(10)]
    nearer = [world.ok(BEGIN - 900 + 30 * step, tokyo, API, rtt_s=0.1) for step in range(60)]
    incident = _told(
        dict.fromkeys(("newyork", "sydney", "berlin"), 0.09),
        places=tuple(by_name.values()),
        extra=[*usual, *nearer],
    )

    assert (incident.cause, _rules(incident)) == (Cause.PATH_CONGESTION, {"network.rises_alike"})


def test_queue_that_is_not_still_delays_all_by_about_the_same() -> None:
    """Each packet meets more or less of it, and what three networks meet is the same in the middle."""
    answer = _longer(dict.fromkeys(FAR, 0.15), noise=0.15)
    (incident,) = Story(api=answer, traces=False, usual_routes=False).incidents()

    assert incident.cause is Cause.PATH_CONGESTION
    assert "network.rises_apart" not in _rules(incident)


def test_server_that_is_slow_says_nothing_of_distances() -> None:
    """Answers take longer at three, and one of them has a longer way as well."""

    def slow(world: World, at: float, place: Place) -> HttpObservation:
        more_s = 0.1 if place.name == "tokyo" else 0.0
        return world.ok(at, place, API, think_s=world.noise(3.0, 0.3), rtt_s=place.rtt_s + more_s)

    (incident,) = Story(api=slow).incidents()

    assert (incident.cause, _rules(incident)) == (Cause.SERVER_OVERLOAD, set())


def _watched(*levels: tuple[float, int]) -> View:
    """A view that saw these round trips, each so many times, every 30 s; the first at 0."""
    world, place, view = World(4), Place("tokyo", 64604, (), 0.2), View("tokyo", 30.0)
    at = 0.0
    for rtt_s, times in levels:
        for _ in range(times):
            view.add(world.ok(at, place, API, rtt_s=rtt_s), at)
            at += 30.0
    return view


@pytest.mark.parametrize(
    ("levels", "since"),
    [
        (((0.2, 20), (0.1, 3)), 600.0),
        (((0.2, 20), (0.1, 100)), 600.0),
        (((0.2, 20), (0.1, 3), (0.2, 2)), None),
        (((0.2, 20), (0.18, 10)), None),
        (((0.2, 20), (0.1, 40), (0.2, 5), (0.1, 5)), None),
        (((0.2, 2), (0.1, 2)), None),
    ],
)
def test_nearer_than_ever_is_told_until_it_is_as_far_again(
    levels: tuple[tuple[float, int], ...], since: float | None
) -> None:
    """However usual it becomes; not of a little nearer, nor of what was so before, nor of a way not yet known."""
    assert _watched(*levels).nearer_since == since
