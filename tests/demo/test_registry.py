"""The registries that the demo's monitor reads agree with the demo's Internet."""

from __future__ import annotations

from pathlib import Path

from monitor.bgp.sources import read_relationships
from monitor.demo.registry import RELATIONSHIPS, write
from monitor.demo.topology import Role, demo_topology
from monitor.model import Asn


def test_every_way_of_the_demo_keeps_to_the_relationships(tmp_path: Path) -> None:
    """Of the service as of the impostor: it is a hijack, and no leak. A customer that passes routes on is one."""
    topology = demo_topology()
    write(topology, tmp_path)

    known = read_relationships(tmp_path / RELATIONSHIPS)
    ways = [*topology.genuine_paths().values(), *topology.hijacked_paths().values()]
    crowd, service = topology.only(Role.CROWD).asn, topology.only(Role.SERVICE).asn

    assert (len(known), known.bad) == (len(topology.links), 0)
    assert [valley for way in ways if (valley := known.valley(way))] == []
    assert known.valley((Asn(64502), crowd, Asn(64500), service)) is not None
