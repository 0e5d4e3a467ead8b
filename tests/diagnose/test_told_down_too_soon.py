"""A silent host that was told to be down before any traceroute showed where its packets go."""

from __future__ import annotations

from story import API, BEGIN, Story
from world import Place, World

from monitor.model.incident import Incident
from monitor.model.verdict import Cause

EUROPE, DARK = 64701, 64790
BERLIN = Place("berlin", 64601, (EUROPE,), 0.012)


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def dies_in_the_dark(world: World, at: float, place: Place):
    """A traceroute into a network that was never on the way, and no further."""
    return world.trace(at, place, API, networks=(DARK,), reached=False)


def as_ever(world: World, at: float, place: Place):
    """A traceroute by the usual way, and no answer at its end."""
    return world.trace(at, place, API, reached=False)


def told(**story: object) -> Incident:
    """The only incident of a story seen from one place, whose host is silent."""
    (incident,) = Story(**{"places": (BERLIN,), "api": silent, **story}).incidents()
    return incident


def test_host_told_to_be_down_is_in_doubt_once_its_packets_are_seen_to_go_elsewhere() -> None:
    """A lone vantage cannot tell whose fault it is; but that it is the host's nothing says any more."""
    incident = told(way=dies_in_the_dark)

    assert incident.cause is Cause.INSUFFICIENT
    assert incident.detail.new_path == (BERLIN.asn, DARK)
    assert incident.missing


def test_host_told_to_be_down_stays_so_by_the_usual_way() -> None:
    """Its own network is reached, and it does not answer there."""
    incident = told(way=as_ever)

    assert incident.cause is Cause.SERVER_DOWN
    assert not incident.detail.new_path


def test_way_that_is_first_seen_later_is_told_beside_a_server_that_fails() -> None:
    """A server that answers by status is there, whatever way leads to it; who looks into it should know both."""
    refuses = lambda world, at, place: world.status(at, place, API, 500)  # noqa: E731
    detour = lambda world, at, place: (  # noqa: E731
        world.trace(at, place, API, networks=(DARK, 64500)) if at > BEGIN + 240.0 else world.trace(at, place, API)
    )
    incident = told(api=refuses, way=detour)

    assert incident.cause is Cause.SERVER_DOWN
    assert DARK in incident.detail.new_path
