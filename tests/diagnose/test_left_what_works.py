"""A vantage's packets that leave a way that works for one on which they die, with nothing heard of it in BGP."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from story import API, BEGIN, CONTROL, DATABASE, PEERS, START, STOP, Story, only, only_way
from world import Place, World, announcement, spread

from monitor.diagnose import Fact, in_order
from monitor.diagnose.elsewhere import is_as_ever
from monitor.diagnose.view import View
from monitor.model.incident import Incident
from monitor.model.verdict import Cause, HijackEffect

OWNER, EUROPE, AMERICA, ASIA, DARK = 64500, 64701, 64702, 64703, 64790
RULE = "path.left_what_works"
TOKYO = Place("tokyo", 64604, (ASIA, AMERICA), 0.230)
PLACES = (
    Place("berlin", 64601, (EUROPE,), 0.012),
    Place("london", 64602, (EUROPE,), 0.022),
    Place("newyork", 64603, (AMERICA,), 0.085),
    TOKYO,
    Place("sydney", 64605, (ASIA, AMERICA), 0.290),
)
MINUTES = 60.0
WITHOUT_ASIA = tuple(peer for peer in PEERS if peer[1] != ASIA)


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def dies_in(*networks: int):
    """A traceroute that gets through these networks and no further."""
    return lambda world, at, place: world.trace(at, place, API, networks=networks, reached=False)


@dataclass
class Traced(Story):
    """A story in which Tokyo traces its way to the other target as well, through `elsewhere` all along."""

    elsewhere: tuple[int, ...] = ()

    def facts(self, world: World) -> list[Fact]:
        """Those of a story, and these traceroutes."""
        made = super().facts(world)
        networks = (*self.elsewhere, DATABASE.networks[0])
        moments = spread(START, STOP, 120, 0.4) if self.elsewhere else ()
        return in_order([*made, *(world.trace(at, TOKYO, DATABASE, networks=networks) for at in moments)])


def moves(*asns: int) -> list[dict[str, object]]:
    """Routes of these peers, by Europe from the beginning of the trouble on."""
    peers = [peer for peer in PEERS if peer[1] in asns]
    return [announcement(BEGIN + 5, peer, (peer[1], EUROPE, OWNER), "198.51.100.0/24") for peer in peers]


def told(**story: object) -> Incident:
    """The first incident of a story in which Tokyo's packets die in a dark place, unless it says otherwise."""
    usual = {"places": PLACES, "api": only(("tokyo",), silent), "way": only_way(("tokyo",), dies_in(DARK))}
    return Traced(**{**usual, **story}).incidents()[0]


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


@pytest.mark.parametrize(
    "story",
    [
        {},
        {"usual_routes": False},
        {"elsewhere": (ASIA, AMERICA), "controls": False},
        {"routes": moves(64602)},
    ],
    ids=[
        "all else is as ever",
        "no feed, and Sydney goes that way",
        "traceroutes show who carries the rest",
        "a peer far off has moved",
    ],
)
def test_packets_that_left_a_way_that_works_follow_a_false_route(story: dict[str, object]) -> None:
    """Asia takes Tokyo's packets to all else, and Sydney's here: only a route for this target explains that."""
    incident = told(**story)

    assert (incident.cause, incident.suspected, incident.affected) == (Cause.ROUTE_HIJACK, True, ("tokyo",))
    assert incident.detail.effect is HijackEffect.BLACKHOLE
    assert incident.named_at >= BEGIN + 4 * MINUTES
    assert RULE in rules(incident)


def moved(service):
    """A good exchange with a service, by a longer way."""
    return lambda world, at, place: world.ok(at, place, service, rtt_s=place.rtt_s + 0.035)


def nearer(service):
    """A good exchange with a service, by a shorter way."""
    return lambda world, at, place: world.ok(at, place, service, rtt_s=place.rtt_s - 0.035)


def for_minutes(count: float):
    """Silence for so long, then the usual answers by the new way."""
    return lambda world, at, place: (
        silent(world, at, place) if at < BEGIN + count * MINUTES else world.ok(at, place, API, rtt_s=0.3)
    )


@pytest.mark.parametrize(
    "story",
    [
        {"control": only(("tokyo",), moved(CONTROL), CONTROL)},
        {"database": only(("tokyo",), nearer(DATABASE), DATABASE)},
        {"control": only(("tokyo",), lambda world, at, place: world.silent(at, place, CONTROL), CONTROL)},
        {"controls": False},
        {"controls": False, "elsewhere": (AMERICA,)},
        {"elsewhere": (ASIA, AMERICA), "routes": moves(ASIA)},
        {"api": only(("tokyo",), for_minutes(3.5))},
        {"routes": moves(ASIA)},
        {"routes": moves(64601, 64602, ASIA)},
        {"way": only_way(("tokyo",), dies_in(ASIA))},
        {"way": only_way(("tokyo",), lambda world, at, place: world.trace(at, place, API, networks=(DARK,)))},
        {
            "way": lambda world, at, place: (
                dies_in(DARK)(world, at, place)
                if place.name == "tokyo"
                else world.trace(at, place, API, networks=(EUROPE, OWNER))
            )
        },
        {"api": silent},
        {"target": f"allowed_origins = [{DARK}]", "routes": [
            announcement(BEGIN + 5, PEERS[0], (64601, EUROPE, DARK), "198.51.100.0/24")
        ]},
        {"places": (*PLACES[:3], TOKYO), "usual_routes": False},
    ],
    ids=[
        "its control is farther: it lost that provider",
        "another target is nearer: its ways have moved",
        "its control is silent",
        "one other target says too little",
        "one other target is reached by another provider",
        "the provider takes the rest, and itself moved",
        "three and a half minutes",
        "the provider itself moved",
        "many moved",
        "on the usual way",
        "packets arrive",
        "others have moved as well: the target lost a provider",
        "nobody is served",
        "who may have it took it over",
        "nobody shows that the way it left still leads there",
    ],
)  # fmt: skip
def test_packets_that_left_a_way_that_may_be_broken_are_no_hijack(
    story: dict[str, object],
) -> None:
    """Whoever lost a provider, or is led by a route that others follow too, has met a fault of somebody's."""
    incident = told(**story)

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert RULE not in rules(incident)


def test_hour_of_maintenance_at_a_vantages_provider_is_no_hijack() -> None:
    """All its ways move to the other provider, which loses what it carries to one target."""
    incident = told(
        control=only(("tokyo",), moved(CONTROL), CONTROL),
        database=only(("tokyo",), moved(DATABASE), DATABASE),
        elsewhere=(DARK, AMERICA),
    )

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert RULE not in rules(incident)


def test_part_that_its_owner_asks_others_to_drop_is_no_hijack() -> None:
    """Under attack he announces the address with the community of RFC 7999, and one provider drops all for it."""
    message = announcement(BEGIN + 5, PEERS[2], (EUROPE, OWNER), "198.51.100.10/32")
    incident = told(routes=[message | {"community": [[65535, 666]]}])

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert RULE not in rules(incident)


@pytest.mark.parametrize(
    ("answers", "as_ever"),
    [("...", True), ("....x.......", True), ("..", None), ("xxx", False), ("n.nn.n", False), ("ffff", False)],
    ids=["well", "one accident", "too few", "silent", "mostly nearer", "farther"],
)
def test_what_else_is_measured_is_as_ever_or_not(answers: str, as_ever: bool | None) -> None:
    """Silence is told at once, another distance by most round trips, and one accident is nothing."""
    world, view = World(3), View("tokyo", 30.0)
    ways = {".": TOKYO.rtt_s, "n": TOKYO.rtt_s - 0.03, "f": TOKYO.rtt_s + 0.03}
    for number in range(40):
        view.add(world.ok(START + number, TOKYO, CONTROL), START + number)
    for number, answer in enumerate(answers):
        at = BEGIN + number
        silence = world.silent(at, TOKYO, CONTROL)
        view.add(silence if answer == "x" else world.ok(at, TOKYO, CONTROL, rtt_s=ways[answer]), at)

    assert is_as_ever(view, BEGIN) is as_ever
