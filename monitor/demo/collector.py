"""What the demo's route collector hears from its peers, as RIS Live's own message objects. Pure.

Every transit network and every vantage's network is a peer of the collector and reports its path as it
follows from the topology, so a network that drops the hijack never reports it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from monitor.demo.topology import Role, Topology
from monitor.model.asn import Asn

COLLECTOR = "rrc00"
Message = dict[str, Any]


def announcements(
    topology: Topology, prefix: ipaddress.IPv4Network, paths: Mapping[Asn, tuple[Asn, ...]], at: float
) -> list[Message]:
    """One UPDATE per peer that has a path, nearest to the origin first, stamped `at`."""
    return [
        _update(topology, asn, at)
        | {
            "path": list(paths[asn]),
            "origin": "igp",
            "announcements": [{"next_hop": _router_address(topology, asn), "prefixes": [str(prefix)]}],
        }
        for asn in _peers(topology, paths)
    ]


def withdrawals(
    topology: Topology, prefix: ipaddress.IPv4Network, paths: Mapping[Asn, tuple[Asn, ...]], at: float
) -> list[Message]:
    """One UPDATE per peer that had a path and takes it back."""
    return [
        _update(topology, asn, at) | {"path": [], "withdrawals": [str(prefix)]} for asn in _peers(topology, paths)
    ]


def _peers(topology: Topology, paths: Mapping[Asn, tuple[Asn, ...]]) -> list[Asn]:
    peers = [network.asn for role in (Role.TRANSIT, Role.VANTAGE) for network in topology.of_role(role)]
    return sorted((asn for asn in peers if asn in paths), key=lambda asn: (len(paths[asn]), asn))


def _update(topology: Topology, asn: Asn, at: float) -> Message:
    return {
        "type": "UPDATE",
        "timestamp": round(at, 2),
        "peer": _router_address(topology, asn),
        "peer_asn": str(asn),
        "id": f"{topology.networks[asn].prefix[1]}-{at:.2f}",
        "host": COLLECTOR,
    }


def _router_address(topology: Topology, asn: Asn) -> str:
    return str(topology.networks[asn].prefix[1])
