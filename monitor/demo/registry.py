"""What the registries of the demo's little Internet say in peace: who originates what, and the service's ROA."""

from __future__ import annotations

from pathlib import Path

import msgspec

from monitor.bgp.ip_to_as import PrefixTable
from monitor.demo.topology import Role, Topology

PREFIX_TABLE, VRPS = "prefix_to_as.txt", "vrps.json"


def prefix_table(topology: Topology) -> PrefixTable:
    """The prefix-to-AS table, without the hijack."""
    return PrefixTable.parse(f"{prefix}\t{asn}" for prefix, asn in topology.origins().items())


def write(topology: Topology, folder: Path) -> None:
    """Put both registries into `folder` as files: `PREFIX_TABLE` and `VRPS`.

    The ROA is for the service's own prefix, nothing longer, by its own AS; so the more-specific is invalid.
    """
    lines = [f"{prefix}\t{asn}\n" for prefix, asn in topology.origins().items()]
    (folder / PREFIX_TABLE).write_text("".join(lines), encoding="ascii")
    prefix = topology.service_prefix
    roa = {"prefix": str(prefix), "maxLength": prefix.prefixlen, "asn": topology.only(Role.SERVICE).asn}
    (folder / VRPS).write_bytes(msgspec.json.encode({"roas": [roa]}))
