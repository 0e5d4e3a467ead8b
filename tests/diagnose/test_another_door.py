"""A new key on the night of a new provider: where packets end right before the origin, they end where they should.

The origin's own routers never answer here, so that each way ends at one of its providers, and to another one by
another. BGP says who its providers are.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from story import API, BEGIN, CONFIG, PEERS, PREFIX, START, STOP, Story, engine_for
from world import Place, World, announcement, spread

from monitor.diagnose import in_order
from monitor.model.incident import Incident
from monitor.model.verdict import Cause
from probes.observation import HttpObservation

MOVED = ("berlin", "london")
DOOR, STRANGER = 64702, 64999
BY_DOOR = [
    announcement(BEGIN - 20 + index, peer, (peer[1], 64703, DOOR, 64500), PREFIX)
    for index, peer in enumerate(PEERS[:3])
]
BY_STRANGER = [announcement(BEGIN - 20, PEERS[2], (64701, STRANGER, 64500), PREFIX)]


def renewed(world: World, at: float, place: Place) -> HttpObservation:
    """The new certificate has another key and issuer; those who moved have a longer way."""
    farther_s = 0.05 if place.name in MOVED else 0.0
    good = world.ok(at, place, API, rtt_s=place.rtt_s + farther_s)
    return replace(good, spki_sha256="e" * 64, certificate_sha256="f" * 64, issuer="CN=R11,O=Let's Encrypt,C=US")


def night(end: int, routes: list[dict[str, object]], *, home: tuple[int, ...] = ()) -> list[Incident]:
    """The traceroutes of those who moved end in network `end` from then on; `home`: what shows of the origin's own
    network, before.
    """
    world, story = World(7), Story(api=renewed, routes=routes, traces=False)
    facts = story.facts(world)
    for index, place in enumerate(story.places):
        for at in spread(START, STOP, 120, index / 9):
            moved = at >= BEGIN and place.name in MOVED
            networks = (64703, end) if moved else (*place.transit, *home)
            facts.append(world.trace(at, place, API, networks=networks))
    engine = engine_for(CONFIG.format(target=""), prefixes=world.table((PREFIX, 64500)))
    changes = [*engine.feed(in_order(facts)), *engine.advance(STOP)]
    return [change.incident for change in changes if change.incident.target == "api"]


def test_a_way_to_another_of_the_origins_providers_is_no_hijack() -> None:
    """BGP has had that provider next to the origin all the time, and has it on the way of those who moved."""
    assert Cause.ROUTE_HIJACK not in {one.cause for one in night(DOOR, BY_DOOR)}


@pytest.mark.parametrize(
    ("end", "routes", "home"),
    [(STRANGER, [], ()), (STRANGER, BY_STRANGER, ()), (DOOR, [], (64500,))],
    ids=["nobody's provider", "a new neighbour", "the origin's routers used to answer"],
)
def test_a_way_that_ends_where_it_never_should_is_one(
    end: int, routes: list[dict[str, object]], home: tuple[int, ...]
) -> None:
    """The near-misses: an unknown network, one that BGP has there only since, a way that used to go further."""
    assert Cause.ROUTE_HIJACK in {one.cause for one in night(end, routes, home=home)}
