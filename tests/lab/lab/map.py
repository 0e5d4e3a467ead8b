"""The laboratory's Internet for people: who is who, who pays whom, where the hosts are. Pure text."""

from __future__ import annotations

from collections.abc import Iterator

from lab.topology import HIJACKER, Topology

from monitor.model.asn import Asn


def lines(topology: Topology) -> Iterator[str]:
    """The map, a line a network, the largest first; `^` is bought from, `=` peers with."""
    yield "   AS     what it is                                buys from, peers with      its hosts"
    for asn in sorted(topology.networks, key=lambda asn: (_tier(topology, asn), asn)):
        network = topology.networks[asn]
        links = " ".join(
            [f"^{provider}" for provider in _of(topology, asn, "provider")]
            + [f"={peer}" for peer in _of(topology, asn, "peer")]
        )
        hosts = ", ".join(host.name for host in topology.hosts.values() if host.asn == asn)
        mark = "!" if asn == HIJACKER else "o" if asn in topology.collector_peers else " "
        filters = " (drops RPKI-invalid)" if network.rejects_invalid else ""
        yield f" {mark} {asn:<6} {network.name + filters:41} {links:26} {hosts}".rstrip()
    yield " o: the route collector listens there.   !: up to no good, when a scenario says so."


def _tier(topology: Topology, asn: Asn) -> int:
    """1: buys from nobody, 2: buys and sells, 3: sells to nobody."""
    if not _of(topology, asn, "provider"):
        return 1
    return 2 if _of(topology, asn, "customer") else 3


def _of(topology: Topology, asn: Asn, role: str) -> list[Asn]:
    return [neighbour.asn for neighbour in topology.neighbours(asn) if neighbour.role == role]
