"""A stranger takes a part of the space: the addresses in it fail, and the others are the control."""

from __future__ import annotations

from story import API, BEGIN, COVER, END, PEERS, PLACES, START, STOP, Story
from world import Place, Service, World, announcement, spread, withdrawal

from monitor.model.incident import Incident
from monitor.model.verdict import Cause
from probes.observation import HttpObservation

RULE = "routing.only_taken_part_fails"
STRANGER = 64666
PART, OTHER_PART = "198.51.100.0/24", "198.51.101.0/24"
BESIDE = Service("api", ("198.51.101.10",), API.networks, think_s=API.think_s)
"""The second address of the API, half a /23 away."""


def silent(world: World, at: float, place: Place) -> HttpObservation:
    """No SYN-ACK from the address in the first half."""
    return world.silent(at, place, API)


def taken(prefix: str) -> list[dict[str, object]]:
    """A half of the space from a stranger at all peers."""
    rows = [announcement(BEGIN - 5 + n, peer, (peer[1], STRANGER), prefix) for n, peer in enumerate(PEERS)]
    return rows + [withdrawal(END + n, peer, prefix) for n, peer in enumerate(PEERS)]


def beside(*, dead: bool = False) -> list[HttpObservation]:
    """Exchanges with the second address, all well, or not while the trouble lasts."""
    world = World(5)
    return [
        world.silent(at, place, BESIDE) if dead and BEGIN <= at < END else world.ok(at, place, BESIDE)
        for index, place in enumerate(PLACES)
        for at in spread(START, STOP, 30, (index / len(PLACES) + 0.5) % 1)
    ]


def told(prefix: str, *, dead: bool = False) -> Incident:
    """The incident in which the first address is silent; traces go to the second one, and find the usual way."""
    way = lambda world, at, place: world.trace(at, place, BESIDE)  # noqa: E731
    (incident,) = Story(
        api=silent, way=way, usual_prefix=COVER, routes=taken(prefix), extra=list(beside(dead=dead))
    ).incidents()
    return incident


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


def test_addresses_in_the_taken_part_alone_fail() -> None:
    """No server's trouble knows where a stranger's prefix ends."""
    incident = told(PART)

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, False)
    assert (incident.detail.prefix, incident.detail.culprit) == (PART, STRANGER)
    assert RULE in rules(incident)


def test_part_that_holds_the_address_which_is_well_broke_nothing() -> None:
    """The first address is silent, and the stranger took the other half: that is no explanation."""
    assert RULE not in rules(told(OTHER_PART))


def test_failing_outside_of_the_part_too_says_nothing_of_its_bounds() -> None:
    """Both addresses are silent: the rule asks for a control that is well."""
    assert RULE not in rules(told(PART, dead=True))
