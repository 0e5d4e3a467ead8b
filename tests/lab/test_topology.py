"""The laboratory's Internet as a value: no address twice, hops in their own AS, and what BIRD is told of it."""

from __future__ import annotations

import shutil
import subprocess
from ipaddress import IPv4Network, ip_network
from pathlib import Path

import pytest
from lab import bird, frr
from lab.bird import Announcement, Forwarding, Policy
from lab.internet import HUB_ADDRESS, Internet
from lab.topology import HIJACKER, SERVICE, lab_topology

from monitor.model.asn import Asn
from monitor.model.prefix import covers

TOPOLOGY = lab_topology()
_INTERNET = Internet(TOPOLOGY)
_EDGE = _INTERNET.edge_sessions()
# RFC 2544 and RFC 3849: none of the Internet's own.
_TEST_RANGES = (ip_network("198.18.0.0/15"), ip_network("2001:db8::/32"))


def test_no_address_is_used_twice_but_by_the_impostor() -> None:
    """Link ends, gateways and hosts, both families."""
    ends = [end for link in TOPOLOGY.links for end in (link.one, link.other)]
    networks = TOPOLOGY.networks.values()
    hosts = [host for host in TOPOLOGY.hosts.values() if not host.impostor]
    addresses = [
        *(address for end in ends for address in (end.address, end.address6)),
        *(address for network in networks for address in (network.gateway, network.gateway6)),
        *(address for host in hosts for address in (host.address, host.address6)),
    ]

    assert len(set(addresses)) == len(addresses)
    assert TOPOLOGY.hosts["impostor"].address == TOPOLOGY.hosts["service"].address


def test_each_end_of_a_link_is_in_its_own_network() -> None:
    """So a traceroute's hop maps to the AS of the router that answered."""
    for link in TOPOLOGY.links:
        for end in (link.one, link.other):
            assert end.address in TOPOLOGY.networks[end.asn].prefix
            assert end.address6 in TOPOLOGY.networks[end.asn].prefix6


def test_prefixes_are_test_ranges_and_do_not_overlap() -> None:
    """Nothing of the real Internet can be meant."""
    prefixes = list(TOPOLOGY.origins())

    assert all(any(covers(whole, prefix) for whole in _TEST_RANGES) for prefix in prefixes)
    assert not any(one.overlaps(other) for n, one in enumerate(prefixes) for other in prefixes[n + 1 :])


def test_vantages_are_in_networks_of_their_own() -> None:
    """Five or more, none of them the service's or the hijacker's."""
    networks = {TOPOLOGY.hosts[name].asn for name in TOPOLOGY.vantages}

    assert len(networks) == len(TOPOLOGY.vantages) >= 5
    assert not networks & {SERVICE, HIJACKER}


_POLICIES = {
    "ordinary": Policy(),
    "blackhole": Policy(
        announces=(Announcement(prefix=IPv4Network("198.18.3.0/24"), forward=Forwarding.BLACKHOLE),)
    ),
    "interception": Policy(
        announces=(
            Announcement(prefix=IPv4Network("198.18.3.0/24"), tail=(Asn(64504), SERVICE), forward=Asn(64504)),
        )
    ),
    "leak": Policy(leaks_to=frozenset({Asn(64505)})),
    "silence": Policy(keeps_own=frozenset({TOPOLOGY.networks[HIJACKER].prefix})),
}


@pytest.mark.parametrize("name", sorted(_POLICIES))
def test_bird_takes_the_configuration(tmp_path: Path, name: str) -> None:
    """Every router's in peace, and the hijacker's in all its ways, by BIRD's own parser."""
    if shutil.which("bird") is None:
        pytest.skip("bird is not installed")
    networks = TOPOLOGY.networks.values() if name == "ordinary" else (TOPOLOGY.networks[HIJACKER],)
    for network in networks:
        config = tmp_path / f"{network.asn}.conf"
        listeners = [one for one in (*_INTERNET.collector_sessions(), *_EDGE) if one.asn == network.asn]
        text = bird.router_config(TOPOLOGY, network, _POLICIES[name], bird.ordinary_vrps(TOPOLOGY), listeners)
        config.write_text(text, encoding="ascii")
        done = subprocess.run(["bird", "-p", "-c", str(config)], capture_output=True, timeout=20, check=False)

        assert done.returncode == 0, f"{network.asn}: {done.stderr.decode()}"


def test_frr_takes_the_configuration(tmp_path: Path) -> None:
    """The service's second router listens to both providers."""
    if not frr.is_installed():
        pytest.skip("FRR is not installed")
    config = tmp_path / "edge.conf"
    config.write_text(frr.bgpd_config(_EDGE, station=HUB_ADDRESS), encoding="ascii")
    command = (*frr.command(config), "--dryrun")
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)

    assert [session.asn for session in _EDGE] == [64503, 64504]
    assert done.returncode == 0
    # It says so, and goes on without the line.
    assert b"on config line" not in done.stdout + done.stderr
