"""What the registries of the demo's little Internet say in peace: who originates what, the service's ROA, and who
buys transit from whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from monitor.bgp.ip_to_as import PrefixTable
from monitor.demo.topology import Role, Topology

PREFIX_TABLE, VRPS, RELATIONSHIPS = "prefix_to_as.txt", "vrps.json", "relationships.txt"


def prefix_table(topology: Topology) -> PrefixTable:
    """The prefix-to-AS table, without the hijack."""
    return PrefixTable.parse(f"{prefix}\t{asn}" for prefix, asn in topology.origins().items())


def write(topology: Topology, folder: Path) -> None:
    """Put the registries into `folder` as files: `PREFIX_TABLE`, `VRPS` and `RELATIONSHIPS`.

    The ROA is for the service's own prefix, nothing longer, by its own AS; so the more-specific is invalid.
    """
    lines = [f"{prefix}\t{asn}\n" for prefix, asn in topology.origins().items()]
    (folder / PREFIX_TABLE).write_text("".join(lines), encoding="ascii")
    prefix = topology.service_prefix
    roa = {"prefix": str(prefix), "maxLength": prefix.prefixlen, "asn": topology.only(Role.SERVICE).asn}
    (folder / VRPS).write_bytes(msgspec.json.encode({"roas": [roa]}))
    lines = [f"{line}\n" for line in relationships(topology)]
    (folder / RELATIONSHIPS).write_text("".join(lines), encoding="ascii")


def relationships(topology: Topology) -> Iterator[str]:
    """Lines as CAIDA writes them: transit networks are each other's peers, and sell to everybody else."""
    for one, other in topology.links:
        sellers = [end for end in (one, other) if topology.networks[end.asn].role is Role.TRANSIT]
        if len(sellers) == 2:
            yield f"{one.asn}|{other.asn}|0"
        else:
            (seller,) = sellers
            yield f"{seller.asn}|{(other if seller is one else one).asn}|-1"
