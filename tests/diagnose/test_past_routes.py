"""Routes of the past, and of others, explain nothing: found by playing troubles one after the other."""

from __future__ import annotations

from story import API, BEGIN, PEERS, PREFIX, START, Story, only, usual_path
from world import Place, World, announcement, withdrawal

from monitor.model.verdict import Cause
from probes.observation import Failure

TAKEN = "198.51.100.0/25"
CLOUD, CLOUD_ADDRESS, CLOUD_PREFIX = 64999, "198.19.254.80", "198.19.254.0/24"


def shedding(world: World, at: float, place: Place):
    """The genuine server answers 503 at once, but to those whom it lets in, late."""
    if world.random.random() < 0.2:
        return world.ok(at, place, API, think_s=3.0)
    return world.ok(at, place, API, status=503, failure=Failure.STATUS_UNEXPECTED)


def taken_and_given_back(ended_before_s: float) -> list[dict[str, object]]:
    """Everybody carries a stranger's more-specific for a minute, gone so long before the trouble."""
    gone = BEGIN - ended_before_s
    return [
        message
        for peer in PEERS
        for message in (
            announcement(gone - 60, peer, (peer[1], 64666), TAKEN),
            withdrawal(gone, peer, TAKEN),
        )
    ]


def test_hijack_that_was_over_is_not_blamed_for_an_overload() -> None:
    """A minute and a half lie between; the incident begins with its own first bad exchange."""
    incidents = Story(api=shedding, routes=taken_and_given_back(90.0)).incidents()
    (shed,) = [one for one in incidents if one.opened_at >= BEGIN]

    assert shed.cause is Cause.SERVER_OVERLOAD
    assert shed.started_at is not None
    assert shed.started_at >= BEGIN


def test_hijack_that_stands_is_still_seen_from_its_start() -> None:
    """The near-miss of the test above: the same route, not given back."""
    routes = [announcement(BEGIN - 100, peer, (peer[1], 64666), TAKEN) for peer in PEERS]
    incidents = Story(api=lambda world, at, place: world.failed(at, place, API, Failure.CONNECT_TIMEOUT),
                      routes=routes).incidents()  # fmt: skip

    assert [one.cause for one in incidents] == [Cause.ROUTE_HIJACK]
    assert incidents[0].started_at is not None
    assert incidents[0].started_at <= BEGIN - 100 + 1


def test_network_that_a_poisoned_resolver_pointed_to_takes_nothing_by_its_own_routes() -> None:
    """Once sent there, its prefix is met; that its own network announces it anew is nobody's hijack."""

    def sent_astray(world: World, at: float, place: Place):
        return world.ok(at, place, API, address=CLOUD_ADDRESS, status=403, failure=Failure.STATUS_UNEXPECTED)

    routes = [announcement(START + 2, peer, (*usual_path(peer[1])[:-1], CLOUD), CLOUD_PREFIX) for peer in PEERS]
    routes += [announcement(BEGIN + 900, peer, (peer[1], 64888, CLOUD), CLOUD_PREFIX) for peer in PEERS]
    story = Story(
        api=only(("berlin",), sent_astray),
        routes=routes,
        target=f'prefixes = ["{PREFIX}"]\norigins = [64500]',
    )

    assert Cause.ROUTE_HIJACK not in {one.cause for one in story.incidents()}
