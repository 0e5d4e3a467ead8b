"""A neighbour of the origin that nobody ever saw, and packets that end behind it."""

from __future__ import annotations

from story import API, BEGIN, END, PEERS, PREFIX, Story, only, only_way, usual_path
from world import Place, World, announcement

from monitor.model.incident import Incident
from monitor.model.verdict import Cause

NEIGHBOUR, OWNER = 64799, 64500
RULE = "path.dead_behind_new_neighbour"
FAR = ("newyork", "tokyo", "sydney")


def way_by_the_neighbour(at: float = BEGIN - 5) -> list[dict[str, object]]:
    """Three of five peers come to the usual prefix by it while the trouble lasts."""
    came = [announcement(at + n, p, (p[1], NEIGHBOUR, OWNER), PREFIX) for n, p in enumerate(PEERS[2:])]
    return came + [announcement(END + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS[2:])]


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def ends_behind(world: World, at: float, place: Place):
    """The traceroute gets to the new neighbour and no further."""
    return world.trace(at, place, API, networks=(NEIGHBOUR,), reached=False)


def told(**story) -> Incident:
    """The only incident of a story in which the far vantages fare badly."""
    (incident,) = Story(**story).incidents()
    return incident


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


def test_packets_that_die_behind_a_new_neighbour_were_taken() -> None:
    """The origin stands in the path, and was put there."""
    incident = told(api=only(FAR, silent), way=only_way(FAR, ends_behind), routes=way_by_the_neighbour())

    assert incident.cause is Cause.ROUTE_HIJACK
    assert (incident.affected, incident.detail.prefix) == (tuple(sorted(FAR)), PREFIX)
    assert RULE in rules(incident)


def test_new_provider_whose_way_is_longer_takes_nothing() -> None:
    """Everything arrives, a fifth of a second later: an ordinary new provider."""
    incident = told(
        api=only(FAR, lambda world, at, place: world.ok(at, place, API, rtt_s=place.rtt_s + 0.2)),
        way=only_way(FAR, lambda world, at, place: world.trace(at, place, API, networks=(NEIGHBOUR, OWNER))),
        routes=way_by_the_neighbour(),
    )

    assert incident.cause is Cause.ROUTE_CHANGE
    assert RULE not in rules(incident)


def test_dead_server_beside_a_new_provider_is_a_dead_server() -> None:
    """All hear nothing, also those whose way is the usual one."""
    incident = told(api=silent, routes=way_by_the_neighbour())

    assert incident.cause is Cause.SERVER_DOWN
    assert RULE not in rules(incident)
