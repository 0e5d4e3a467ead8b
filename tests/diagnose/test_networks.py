"""Vantages that depend on one network are one witness."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from story import API, Story, only, only_way
from world import Place, World

from monitor.diagnose.networks import Connection, connection, independent, weight
from monitor.diagnose.paths.trail import Trail
from monitor.model.asn import Asn
from monitor.model.verdict import Cause

CROWD = tuple(Place(f"cloud-{n}", 64650, (64750,), 0.020 + n / 1000) for n in range(5))
ELSEWHERE = (Place("london", 64602, (64701,), 0.022), Place("tokyo", 64604, (64703,), 0.230))


def trail(*ases: int) -> Trail:
    """A way that reached its end."""
    return Trail(tuple(map(Asn, ases)), reached=True)


@pytest.mark.parametrize(
    ("asn", "usual", "expected"),
    [
        (None, None, (None, None)),
        (64601, None, (64601, None)),
        (None, trail(64601, 64701, 64500), (64601, 64701)),
        (64601, trail(64601, 64701, 64500), (64601, 64701)),
        (64601, trail(64701, 64500), (64601, 64701)),
        (None, trail(64601, 64500), (64601, None)),
        (64601, trail(64500), (64601, None)),
    ],
)
def test_a_connection_is_the_own_network_and_the_first_transit(asn, usual, expected) -> None:
    """A declared AS wins over the first hop's; the target's own network is no transit."""
    assert connection(asn, usual) == Connection(*expected)


def test_one_transit_or_one_network_makes_one_witness() -> None:
    """Two of one AS, two behind one transit, one by itself, one of whom nothing is known."""
    found = independent({
        "a": Connection(Asn(1), Asn(10)),
        "b": Connection(Asn(1), Asn(11)),
        "c": Connection(Asn(2), Asn(12)),
        "d": Connection(Asn(3), Asn(12)),
        "e": Connection(Asn(4), Asn(13)),
        "f": Connection(),
    })  # fmt: skip

    assert found["a"] == found["b"] == "AS1"
    assert found["c"] == found["d"] == "AS12"
    assert len(set(found.values())) == 4
    assert found["f"] == "f"


def test_a_network_that_is_half_seen_counts_half() -> None:
    """One of two networks fully, of the other one of two vantages."""
    assert weight(["x", "y"], ["x", "y", "y"]) == pytest.approx(0.75)
    assert weight(["x", "x"], ["x", "x", "y"]) == pytest.approx(0.5)
    assert weight([], []) == 0.0


asns = st.one_of(st.none(), st.integers(1, 6).map(Asn))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.builds(Connection, asns, asns)), st.randoms())
def test_sharing_an_as_is_an_equivalence(connections: dict[str, Connection], random) -> None:
    """Whoever shares an AS shares a network, nobody is left out, and the order does not matter."""
    found = independent(connections)
    shuffled = list(connections.items())
    random.shuffle(shuffled)

    assert found.keys() == connections.keys()
    assert found == independent(dict(shuffled))
    for one, first in connections.items():
        for other, second in connections.items():
            if {first.own, first.transit} & {second.own, second.transit} - {None}:
                assert found[one] == found[other]


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def lost_in_transit(world: World, at: float, place: Place):
    """A traceroute that ends in the cloud's transit."""
    return world.trace(at, place, API, networks=place.transit, reached=False)


def test_five_vantages_of_one_network_are_not_the_server() -> None:
    """Their transit fails them; two others, in networks of their own, reach the server."""
    hit = tuple(place.name for place in CROWD)
    story = Story(places=(*CROWD, *ELSEWHERE), api=only(hit, silent), way=only_way(hit, lost_in_transit))
    incidents = story.incidents()

    assert incidents
    assert all(not one.cause.value.startswith(("server.", "upstream.", "route.hijack")) for one in incidents)
    assert {one.networks for one in incidents} == {("AS64650",)}


def test_three_networks_that_see_it_are_the_server() -> None:
    """The near miss of the other side: everybody, in three networks, is refused."""
    story = Story(places=(*CROWD, *ELSEWHERE), api=lambda world, at, place: world.refused(at, place, API))
    (incident,) = story.incidents()

    assert (incident.cause, len(incident.affected)) == (Cause.SERVER_DOWN, 7)
    assert incident.networks == ("AS64602", "AS64604", "AS64650")
    assert msgspec.json.decode(msgspec.json.encode(incident))["networks"] == list(incident.networks)
