"""The simulated networks behave as the assumptions say."""

from __future__ import annotations

import ipaddress
from random import Random

import pytest
from simulator.as_graph import AsGraph, generated
from simulator.propagation import Announcement, propagate
from simulator.relations import inferred, lines, shows_leak
from simulator.routing import RoutingHistory, Taken

from monitor.bgp.episodes import Relationships


def _small() -> AsGraph:
    """1 and 2 are tier-1s; 3 and 4 their customers; 5, 6 and 7 stubs: 5 below 3, 6 below 4, 7 below both."""
    providers = {1: [], 2: [], 3: [1], 4: [2], 5: [3], 6: [4], 7: [3, 4]}
    customers = {1: [3], 2: [4], 3: [5, 7], 4: [6, 7], 5: [], 6: [], 7: []}
    peers = {1: [2], 2: [1], 3: [], 4: [], 5: [], 6: [], 7: []}
    return AsGraph(providers, customers, peers, frozenset({1, 2}))


@pytest.mark.parametrize("seed", range(6))
def test_every_chosen_path_is_valley_free(seed: int) -> None:
    """What honest networks choose breaks no export rule, and everybody has a route."""
    graph = generated(Random(seed))
    origin = Random(seed).choice(graph.stubs)

    routes = propagate(graph, [Announcement(origin)])

    assert set(routes) == set(graph.providers)
    assert all(graph.is_valley_free(path) for path in routes.values() if len(path) > 1)


def test_a_customers_route_is_preferred_to_a_shorter_one_of_a_peer() -> None:
    """Money comes before length."""
    graph = _small()
    graph.peers[3], graph.peers[4] = [4], [3]

    routes = propagate(graph, [Announcement(7)])

    assert routes[3] == (3, 7)
    assert routes[5] == (5, 3, 7)


def test_a_route_of_a_provider_is_told_to_customers_alone() -> None:
    """A multihomed stub carries nobody's traffic."""
    routes = propagate(_small(), [Announcement(5)])

    assert routes[7] == (7, 3, 5)
    assert routes[6] == (6, 4, 2, 1, 3, 5)


def test_a_leak_makes_a_valley() -> None:
    """The stub tells its other provider what it learned from the first, and is believed."""
    graph = _small()

    routes = propagate(graph, [Announcement(5), Announcement(7, (3, 5))])

    assert routes[4] == (4, 7, 3, 5)
    assert not graph.is_valley_free(routes[4])


def test_a_forged_origin_is_refused_by_the_origin_itself() -> None:
    """A path with oneself in it is a loop."""
    routes = propagate(_small(), [Announcement(5), Announcement(6, (5,))])

    assert routes[4] == (4, 6, 5)
    assert routes[5] == (5,)


def test_a_limited_announcement_stays_with_whom_it_was_told() -> None:
    """Told to one provider, it comes to the other by the long way."""
    routes = propagate(_small(), [Announcement(7, (), frozenset({3}))])

    assert routes[4] == (4, 2, 1, 3, 7)


def test_packets_follow_the_longest_prefix_of_every_network_on_the_way() -> None:
    """A vantage that never heard of the false route is taken by its provider's."""
    graph, wide, narrow = _small(), ipaddress.ip_network("198.18.0.0/22"), ipaddress.ip_network("198.18.0.0/24")
    history = RoutingHistory(graph)
    history.announce(0.0, wide, [Announcement(5)])
    history.announce(100.0, narrow, [Announcement(6)], lambda asn, path: asn == 7)
    history.take(narrow, Taken(6, "blackhole"))

    before = history.deliver(7, "198.18.0.10", 90.0)
    after = history.deliver(7, "198.18.0.10", 200.0)

    assert before.path == (7, 3, 5)
    assert before.arrived
    assert history.route(7, narrow, 200.0) is None
    assert after.path == (7, 3, 1, 2, 4, 6)
    assert not after.arrived


def test_interception_hands_packets_on_to_the_genuine_network() -> None:
    """They arrive, by a longer way."""
    graph, prefix = _small(), ipaddress.ip_network("198.18.0.0/24")
    history = RoutingHistory(graph)
    history.announce(0.0, prefix, [Announcement(5)])
    history.announce(100.0, prefix, [Announcement(5), Announcement(6)])
    history.take(prefix, Taken(6, "interception"))

    delivery = history.deliver(4, "198.18.0.10", 200.0)

    assert delivery.arrived
    assert delivery.path == (4, 6, 4, 2, 1, 3, 5)
    assert delivery.taken == Taken(6, "interception")


def test_the_table_of_relationships_tells_most_of_what_is_sold_and_some_of_it_wrongly() -> None:
    """A table that knew all would flatter whoever reads it."""
    graph = generated(Random(1))
    sold = {(provider, asn, -1) for asn, above in graph.providers.items() for provider in above}
    peered = {(asn, other, 0) for asn, others in graph.peers.items() for other in others if asn < other}

    told = inferred(graph, Random(2))

    assert 0.9 * len(sold) < len(told & sold) < len(sold)
    assert 0.4 * len(peered) < len(told & peered) < 0.75 * len(peered)
    assert 0 < len(told - sold - peered) < 0.04 * len(told)
    assert Relationships.parse(lines(told)).bad == 0


def test_a_leak_shows_only_where_all_its_sides_are_told() -> None:
    """7 buys of 3 and 4, and hands a route of the one to the other."""
    told = frozenset({(3, 7, -1), (4, 7, -1)})

    assert shows_leak(told, 3, 7, frozenset({4}))
    assert not shows_leak(told - {(4, 7, -1)}, 3, 7, frozenset({4}))
    assert not shows_leak(frozenset({(7, 3, -1), (4, 7, -1)}), 3, 7, frozenset({4}))
