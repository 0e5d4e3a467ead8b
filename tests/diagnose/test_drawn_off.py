"""Packets that go where no re-route takes them, and die there, with nothing heard of it in BGP."""

from __future__ import annotations

import pytest
from story import API, BEGIN, COVER, PEERS, PREFIX, Story, only, only_way
from world import Place, World, announcement

from monitor.model.incident import Incident
from monitor.model.verdict import Cause, HijackEffect

OWNER, EUROPE, AMERICA, ASIA, DARK, BESIDE = 64500, 64701, 64702, 64703, 64790, 64791
OUT, DRAWN = "path.out_of_its_own_network", "path.drawn_in_and_dead"
LONDON = Place("london", 64602, (DARK,), 0.022)
PLACES = (
    Place("berlin", 64601, (EUROPE,), 0.012),
    LONDON,
    Place("newyork", 64603, (AMERICA,), 0.085),
    Place("tokyo", 64604, (ASIA, AMERICA), 0.230),
)
DEAD = ("london", "tokyo")
MINUTES = 60.0


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def dies_in(*networks: int):
    """A traceroute that gets through these networks and no further."""
    return lambda world, at, place: world.trace(at, place, API, networks=networks, reached=False)


def told(**story) -> Incident:
    """The only incident of a story whose BGP is quiet."""
    (incident,) = Story(**story).incidents()
    return incident


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


def out_again(*behind: int):
    """Traceroutes that come to the owner by the usual way, and go on from there."""

    def way(world: World, at: float, place: Place):
        networks = (*place.transit, OWNER, *behind)
        return world.trace(at, place, API, networks=networks, reached=False)

    return way


def test_packets_that_leave_the_network_they_are_for_follow_a_false_route() -> None:
    """Its provider has a longer prefix of somebody else, and so has everybody behind it, the owner himself too."""
    incident = told(api=silent, way=out_again(DARK), target=f"origins = [{OWNER}]")

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, True)
    assert (incident.detail.effect, incident.detail.culprit) == (HijackEffect.BLACKHOLE, DARK)
    assert OUT in rules(incident)


@pytest.mark.parametrize(
    "story",
    [
        {"way": out_again(DARK, OWNER, DARK, OWNER)},
        {"way": out_again()},
        {"way": out_again(DARK), "target": f"origins = [{OWNER}]\nsiblings = [{DARK}]"},
        {"way": out_again(DARK), "target": f"origins = [{OWNER}]\nallowed_origins = [{DARK}]"},
        {"way": dies_in(DARK, EUROPE)},
    ],
    ids=[
        "a loop: its own inside route is lost",
        "the usual way",
        "a sibling",
        "who may have it",
        "before the owner",
    ],
)
def test_dead_packets_that_a_network_did_not_give_away_are_no_hijack(story: dict[str, object]) -> None:
    """The server is dead, or somebody whose business it is carries the packets."""
    incident = told(api=silent, **{"target": f"origins = [{OWNER}]", **story})

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert OUT not in rules(incident)


def test_network_that_draws_others_packets_in_while_all_in_it_die_has_a_false_route() -> None:
    """London always came by it and dies there; Tokyo's packets go there from that moment on. Others are served."""
    incident = told(
        places=PLACES,
        api=only(DEAD, silent),
        way=lambda world, at, place: (
            dies_in(DARK)(world, at, place) if place.name in DEAD else world.trace(at, place, API)
        ),
    )

    assert (incident.cause, incident.suspected, incident.affected) == (Cause.ROUTE_HIJACK, True, DEAD)
    assert incident.named_at >= BEGIN + 3 * MINUTES
    assert DRAWN in rules(incident)


@pytest.mark.parametrize(
    ("dead", "ways"),
    [
        (("tokyo",), {"tokyo": dies_in(DARK)}),
        (DEAD, {"london": dies_in(DARK), "tokyo": dies_in(ASIA)}),
        (DEAD, {"london": dies_in(DARK), "tokyo": dies_in(BESIDE)}),
        (DEAD, {"london": dies_in(DARK), "tokyo": dies_in(DARK), "newyork": None}),
    ],
    ids=["one network alone", "it draws nobody in", "two places", "others are served by it"],
)
def test_faults_of_networks_that_draw_nobody_in_are_no_hijack(
    dead: tuple[str, ...], ways: dict[str, object]
) -> None:
    """A lone vantage's other provider may be at fault; one that breaks loses packets of those who came by it.

    There is no control, and one other target says little of the provider that the lone one left.
    """
    served_by_it = lambda world, at, place: world.trace(at, place, API, networks=(DARK, OWNER))  # noqa: E731

    def way(world: World, at: float, place: Place):
        if place.name not in ways:
            return world.trace(at, place, API)
        return (ways[place.name] or served_by_it)(world, at, place)

    incident = told(places=PLACES, api=only(dead, silent), way=way, controls=False)

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert DRAWN not in rules(incident)


def test_two_minutes_of_death_behind_a_re_route_are_no_hijack() -> None:
    """Routes converge within three."""
    short = lambda world, at, place: (  # noqa: E731
        silent(world, at, place) if at < BEGIN + 2 * MINUTES else world.ok(at, place, API)
    )
    incident = told(places=PLACES, api=only(DEAD, short), way=only_way(DEAD, dies_in(DARK)))

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert DRAWN not in rules(incident)


def test_network_on_the_ways_to_a_new_part_of_the_space_drew_nobody_in_unheard() -> None:
    """Its owner has a part told by one provider, and the server dies: BGP tells where packets go."""
    way = lambda world, at, place: (  # noqa: E731
        dies_in(DARK)(world, at, place) if place.name in DEAD else world.trace(at, place, API)
    )
    part = [announcement(BEGIN - 5, peer, (peer[1], DARK, OWNER), PREFIX) for peer in PEERS]
    known = (f"{DARK}|{OWNER}|-1",)
    routes = {"usual_prefix": COVER, "routes": part, "relationships": known}
    incident = told(places=PLACES, api=only(DEAD, silent), way=way, **routes)

    assert DRAWN not in rules(incident)
