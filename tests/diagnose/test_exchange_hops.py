"""Hops in an exchange point's own network: left out of AS paths, not taken for a silent or foreign network."""

from __future__ import annotations

from ipaddress import ip_network

from monitor.bgp.ip_to_as import PrefixTable
from monitor.diagnose.paths.trail import trail_of
from probes.observation import Hop, HopReply, TraceObservation

LINES = ("198.51.100.0/24 64500", "80.249.208.0/21 1200", "203.0.113.0/24 64501")


def test_a_hop_at_an_exchange_is_neither_a_network_nor_a_gap() -> None:
    """Without the exchange's prefix its own AS number would stand in the path, a network that carries nothing."""
    hops = tuple(
        Hop(ttl=ttl, address=address, rtt_s=0.01, reply=HopReply.TIME_EXCEEDED)
        for ttl, address in enumerate(("198.51.100.1", "80.249.209.7", "203.0.113.1"), 1)
    )
    trace = TraceObservation(at=1.0, vantage="v", target="t", address="203.0.113.9", reached=True, hops=hops)
    plain = trail_of(trace, PrefixTable.parse(LINES))
    known = trail_of(trace, PrefixTable.parse(LINES, [ip_network("80.249.208.0/21")]))

    assert plain.ases == (64500, 1200, 64501)
    assert known.ases == (64500, 64501)
    assert not any(known.silent)
