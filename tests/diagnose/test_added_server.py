"""A server that was added while the others were too busy: a new address and a new key, and nobody's fault."""

from __future__ import annotations

import pytest
from story import API, COVER, PLACES, Answer, Story, only
from world import Place, World, digest

from monitor.model.verdict import Cause
from probes.observation import HttpObservation

OWN, FOREIGN = "198.51.101.10", "203.0.113.10"


def _busy_with_new_server(world: World, at: float, place: Place) -> HttpObservation:
    """The server takes seconds; every other exchange is with one at a new address, with a key of its own."""
    think_s = world.noise(4.0, 0.3)
    if world.random.random() < 0.5:
        return world.ok(at, place, API, think_s=think_s, address=OWN, spki_sha256=digest("api", "second"))
    return world.ok(at, place, API, think_s=think_s)


def _sent_elsewhere(address: str) -> Answer:
    """A wrong page, at once, from somebody with another key."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        return world.status(at, place, API, 404, address=address, spki_sha256=digest("another"))

    return answer


@pytest.mark.parametrize("places", [PLACES[:1], PLACES])
def test_new_address_in_the_targets_own_network_is_no_forged_answer(places: tuple[Place, ...]) -> None:
    """Another prefix of the same network, by the prefix-to-AS table."""
    story = Story(api=_busy_with_new_server, usual_prefix=COVER, places=places)

    assert [one.cause for one in story.incidents()] == [Cause.SERVER_OVERLOAD]


@pytest.mark.parametrize(("address", "forged"), [(FOREIGN, True), (OWN, False)])
def test_new_address_in_a_strange_network_may_be_a_forged_answer(address: str, forged: bool) -> None:
    """Tokyo alone is sent there; in the target's own network it is a server that fails."""
    story = Story(api=only(("tokyo",), _sent_elsewhere(address)), usual_prefix=COVER)

    (incident,) = story.incidents()

    assert (incident.cause is Cause.DNS_TAMPERED) is forged
    assert ("names.new_address" in {one.rule for one in incident.evidence}) is forged
