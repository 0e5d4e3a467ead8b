"""Hops that are a known router under another of its addresses. Pure.

A router may answer with the address of the interface that the answer leaves by, not of the one that the probe
came in by (RFC 1812 §4.3.2.4), so its address changes when its way back to the vantage does. The address may
belong to a neighbour's network, and then draws an AS that the packets never saw: Mao et al., "Towards an
accurate AS-level traceroute tool", SIGCOMM 2003; Luckie et al., "A second look at detecting third-party
addresses in traceroute traces", PAM 2014.

So one hop that is new between two that are known, at the same TTLs, and whose address belongs to the network of
one of them, is the old router by the link between the two. An address of a third network there is left to be
compared: the packets may as well have gone through it.
"""

from __future__ import annotations

from monitor.bgp.address_owners import Owners
from monitor.model.asn import Asn
from monitor.model.prefix import as_address
from probes.observation import Hop, TraceObservation

KEPT_ADDRESSES = 8
"""Addresses remembered at one TTL of a series; wider per-packet balancing is rare."""


class KnownHops:
    """Which addresses one series of traces with one flow has shown at each TTL."""

    def __init__(self) -> None:
        self._at: dict[int, dict[str, None]] = {}

    def other_interfaces(self, trace: TraceObservation, table: Owners) -> frozenset[int]:
        """The TTLs of `trace` at which a known router answered by its link to a known neighbour."""
        found = set()
        for before, hop, behind in zip(trace.hops, trace.hops[1:], trace.hops[2:], strict=False):
            is_new = hop.address is not None and hop.ttl in self._at and not self._knows(hop)
            if not (is_new and self._knows(before) and self._knows(behind)):
                continue
            if _networks(hop, table) & (_networks(before, table) | _networks(behind, table)):
                found.add(hop.ttl)
        return frozenset(found)

    def learn(self, trace: TraceObservation, leaving_out: frozenset[int]) -> None:
        """Remember a trace's addresses, but those at the TTLs `leaving_out`."""
        for hop in trace.hops:
            if hop.address is None or hop.ttl in leaving_out:
                continue
            known = self._at.setdefault(hop.ttl, {})
            known.pop(hop.address, None)
            known[hop.address] = None
            if len(known) > KEPT_ADDRESSES:
                del known[next(iter(known))]

    def _knows(self, hop: Hop) -> bool:
        return hop.address is not None and hop.address in self._at.get(hop.ttl, {})


def _networks(hop: Hop, table: Owners) -> frozenset[Asn]:
    address = as_address(hop.address or "")
    return (table.lookup(address) if address is not None else None) or frozenset()
