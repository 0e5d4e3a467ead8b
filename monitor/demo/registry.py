"""What the registries of the demo's little Internet say in peace: who originates what, and the service's ROA."""

from __future__ import annotations

import msgspec

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.demo.topology import Role, Topology


def prefix_table(topology: Topology) -> PrefixTable:
    """The prefix-to-AS table, without the hijack."""
    return PrefixTable.parse(f"{prefix}\t{asn}" for prefix, asn in topology.origins().items())


def vrps(topology: Topology) -> VrpTable:
    """The service's ROA: its own prefix, nothing longer, by its own AS; so the more-specific is invalid."""
    prefix = topology.service_prefix
    roa = {"prefix": str(prefix), "maxLength": prefix.prefixlen, "asn": topology.only(Role.SERVICE).asn}
    return VrpTable.from_json(msgspec.json.encode({"roas": [roa]}))
