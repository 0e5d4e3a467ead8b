"""The usual way to one address of a target proves nothing of the way to another, in a prefix of its own."""

from __future__ import annotations

import pytest
from story import API, BEGIN, COVER, END, PEERS, PLACES, PREFIX, START, Story
from world import Place, World, announcement, spread, withdrawal

from monitor.model.incident import Incident
from monitor.model.verdict import Cause

STRANGER = 64666
FAILING, BESIDE = API.addresses[0], "198.51.101.10"
TAKEN = [announcement(BEGIN - 5 + n, peer, (peer[1], STRANGER), PREFIX) for n, peer in enumerate(PEERS)]
GIVEN_BACK = [withdrawal(END + n, peer, PREFIX) for n, peer in enumerate(PEERS)]


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def told(traced: str, routes: list[dict[str, object]]) -> Incident:
    """The only incident of a silence at one address, where traceroutes to `traced` go the usual way meanwhile."""
    world = World(5)
    served = [
        world.ok(at, place, API, address=BESIDE)
        for number, place in enumerate(PLACES)
        for at in spread(START, BEGIN, 60.0, number / 7)
    ]
    (incident,) = Story(
        api=silent,
        way=lambda world, at, place: world.trace(at, place, API, address=traced),
        usual_prefix=COVER,
        routes=routes,
        extra=served,
    ).incidents()
    return incident


@pytest.mark.parametrize(
    ("traced", "routes", "cause"),
    [
        (BESIDE, [*TAKEN, *GIVEN_BACK], Cause.ROUTE_HIJACK),
        (FAILING, [], Cause.SERVER_DOWN),
        (BESIDE, [], Cause.SERVER_DOWN),
    ],
    ids=["a part is taken, and traced is another", "traced is the silent one", "nothing was taken"],
)
def test_usual_way_counts_for_the_addresses_that_fail_alone(
    traced: str, routes: list[dict[str, object]], cause: Cause
) -> None:
    """A stranger took the one that nothing answers from; traceroutes went to the other, by the usual way."""
    incident = told(traced, routes)
    shown = {one.rule for one in incident.evidence}

    assert incident.cause is cause
    assert traced == FAILING or "path.unchanged" not in shown
