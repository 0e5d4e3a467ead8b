"""A leak that takes a vantage's controls along is a leak; a vantage that fails while one stands is a vantage's."""

from __future__ import annotations

from story import API, BEGIN, CONTROL, DATABASE, END, PEERS, PREFIX, Story, only, only_way, usual_path
from world import Place, Service, World, announcement

from monitor.model.verdict import Cause

LEAKER, ABOVE = 64800, 64703
RELATIONS = ("64701|64500|-1", "64702|64500|-1", "64702|64703|-1", f"64701|{LEAKER}|-1", f"{ABOVE}|{LEAKER}|-1")
FAR = ("tokyo", "sydney")
ROUTES = [
    announcement(BEGIN - 5, PEERS[4], (ABOVE, LEAKER, 64701, 64500), PREFIX),
    announcement(END, PEERS[4], usual_path(64703), PREFIX),
]
"""The transit of the far vantages takes its customer's leaked way."""


def _slow(service: Service):
    """The leaker's line is long."""
    return lambda world, at, place: world.ok(at, place, service, rtt_s=place.rtt_s + 0.18)


def _leaked(world: World, at: float, place: Place):
    return world.trace(at, place, API, networks=(ABOVE, LEAKER, 64701, 64500))


def _everywhere(names: tuple[str, ...], make) -> dict[str, object]:
    """Targets and control alike."""
    return {
        "api": only(names, make(API)),
        "database": only(names, make(DATABASE), DATABASE),
        "control": only(names, make(CONTROL), CONTROL),
    }


def _dead(service: Service):
    return lambda world, at, place: world.silent(at, place, service)


def test_leak_with_controls_on_its_way_is_no_fault_of_the_vantages() -> None:
    """Their packets go through the network that BGP says leaks, whatever else suffers with it."""
    story = Story(**_everywhere(FAR, _slow), way=only_way(FAR, _leaked), routes=ROUTES, relationships=RELATIONS)

    (leak,) = [one for one in story.incidents() if one.target == "api"]

    assert (leak.cause, leak.detail.offender, leak.affected) == (Cause.ROUTE_LEAK, LEAKER, tuple(sorted(FAR)))
    assert [one for one in story.incidents() if one.cause is Cause.VANTAGE_FAULT] == []


def test_dead_line_beside_a_leak_is_still_its_vantages_own() -> None:
    """Berlin's packets go nowhere near the leaker."""
    story = Story(
        **_everywhere(("berlin",), _dead),
        way=only_way(
            ("berlin",), lambda world, at, place: world.trace(at, place, API, networks=(), reached=False)
        ),
        routes=ROUTES,
        relationships=RELATIONS,
    )

    faults = [one.affected for one in story.incidents() if one.cause is Cause.VANTAGE_FAULT]

    assert faults == [("berlin",)]
    assert [one.cause for one in story.incidents() if one.target is not None] == []


def test_old_leak_excuses_no_new_trouble_of_its_vantages() -> None:
    """The way through the leaker was well for a quarter of an hour before the line broke."""
    early = [announcement(BEGIN - 900, PEERS[4], (ABOVE, LEAKER, 64701, 64500), PREFIX)]
    story = Story(
        **_everywhere(FAR[:1], _dead),
        way=only_way(FAR, _leaked),
        routes=early,
        relationships=RELATIONS,
    )

    assert {one.affected for one in story.incidents() if one.cause is Cause.VANTAGE_FAULT} == {FAR[:1]}
