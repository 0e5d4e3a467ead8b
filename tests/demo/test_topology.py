"""The demo's small Internet: paths, addresses, and what BGP then says of it."""

from __future__ import annotations

import ipaddress
import itertools

import msgspec
import pytest

from monitor.bgp.ris_live import decode
from monitor.demo.collector import announcements, withdrawals
from monitor.demo.topology import Role, demo_topology
from monitor.model import AsPath, RouteEvent, RouteKind


def test_every_network_reaches_every_other_in_peace() -> None:
    """Each origin has a path from each network, ending in that origin, without a loop."""
    topology = demo_topology()
    for origin in topology.networks:
        paths = topology.paths_to(origin)

        assert paths.keys() == topology.networks.keys()
        for asn, path in paths.items():
            assert (path[0], path[-1]) == (asn, origin)
            assert len(set(path)) == len(path)


def test_only_transit_networks_are_in_the_middle_of_a_path() -> None:
    """A customer never carries traffic between its providers: no path has a valley."""
    topology = demo_topology()
    middles = {
        asn for origin in topology.networks for path in topology.paths_to(origin).values() for asn in path[1:-1]
    }

    assert {topology.networks[asn].role for asn in middles} == {Role.TRANSIT}


def test_the_hijack_takes_three_vantages_and_leaves_the_filtering_one() -> None:
    """The network behind the filtering provider hears nothing of it, nor does the victim."""
    topology = demo_topology()
    diverted = topology.hijacked_paths()
    believers = {network.host for network in topology.of_role(Role.VANTAGE) if network.asn in diverted}

    assert believers == {"seoul-1", "frankfurt-1", "virginia-1"}
    assert topology.only(Role.SERVICE).asn not in diverted
    assert not topology.filtering & diverted.keys()


def test_on_the_loopback_everybody_is_diverted() -> None:
    """One relay has one goal, so nobody filters there."""
    topology = demo_topology(loopback=True)

    assert {network.asn for network in topology.of_role(Role.VANTAGE)} <= topology.hijacked_paths().keys()


@pytest.mark.parametrize("loopback", [False, True])
def test_addresses_are_unique_and_lie_in_their_networks(loopback: bool) -> None:
    """No link end shares an address; only the impostor's host has one that is not its network's."""
    topology = demo_topology(loopback=loopback)
    ends = [end for link in topology.links for end in link]

    assert len({end.address for end in ends}) == len(ends)
    assert all(end.address in topology.networks[end.asn].prefix for end in ends)
    foreign = [
        network.role for network in topology.networks.values()
        if network.host_address is not None and network.host_address not in network.prefix
    ]  # fmt: skip
    assert foreign == [Role.IMPOSTOR]


@pytest.mark.parametrize("loopback", [False, True])
def test_prefixes_do_not_overlap_except_for_the_hijack(loopback: bool) -> None:
    """The hijacked prefix is a more-specific of the service's and holds the service's address."""
    topology = demo_topology(loopback=loopback)
    prefixes = list(topology.origins())

    assert not any(one.overlaps(other) for one, other in itertools.combinations(prefixes, 2))
    assert topology.hijacked_prefix.subnet_of(topology.service_prefix)
    assert topology.hijacked_prefix.prefixlen > topology.service_prefix.prefixlen
    assert topology.service_address in topology.hijacked_prefix
    documentation = ipaddress.ip_network("192.0.2.0/24")
    assert not any(prefix.overlaps(documentation) for prefix in prefixes)


def test_the_collector_reports_the_paths_that_packets_take() -> None:
    """The RIS Live messages decode to one announcement a peer, with the topology's own path."""
    topology = demo_topology()
    paths = topology.hijacked_paths()
    events = [
        fact
        for message in announcements(topology, topology.hijacked_prefix, paths, 1643850258.0)
        for fact in decode(_line(message))
    ]

    assert all(isinstance(event, RouteEvent) and event.kind is RouteKind.ANNOUNCEMENT for event in events)
    told = {event.peer_asn: event.path for event in events if isinstance(event, RouteEvent)}
    peers = {network.asn for role in (Role.TRANSIT, Role.VANTAGE) for network in topology.of_role(role)}
    assert told == {asn: AsPath(paths[asn]) for asn in peers if asn in paths}
    assert len(told) == 6


def test_the_collector_withdraws_what_it_announced_and_no_more() -> None:
    """Each peer that had the route takes it back, the clean ones say nothing."""
    topology = demo_topology()
    paths = topology.hijacked_paths()
    prefix = topology.hijacked_prefix
    announced = [fact for m in announcements(topology, prefix, paths, 1.0) for fact in decode(_line(m))]
    withdrawn = [fact for m in withdrawals(topology, prefix, paths, 2.0) for fact in decode(_line(m))]

    assert {(fact.kind, fact.prefix) for fact in withdrawn if isinstance(fact, RouteEvent)} == {
        (RouteKind.WITHDRAWAL, prefix)
    }
    assert [f.peer for f in withdrawn if isinstance(f, RouteEvent)] == [
        f.peer for f in announced if isinstance(f, RouteEvent)
    ]


def _line(message: dict[str, object]) -> bytes:
    return msgspec.json.encode(message)
