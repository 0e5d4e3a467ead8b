"""What may be asked of a trace."""

from __future__ import annotations

from typing import Any

import pytest

from probes.traceroute import TraceRequest


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"address": "www.example.net"}, "does not appear to be an IPv4 or IPv6 address"),
        ({"address": "224.0.0.1"}, "only unicast"),
        ({"address": "255.255.255.255"}, "only unicast"),
        ({"address": "ff02::1"}, "only unicast"),
        ({"address": "0.0.0.0"}, "only unicast"),
        ({"address": "::ffff:203.0.113.10"}, "write the IPv4 address 203.0.113.10"),
        ({"method": "sctp"}, "method is 'sctp', allowed are tcp, icmp, udp"),
        ({"mode": "root"}, "mode is 'root', allowed are raw, unprivileged, None"),
        ({"port": 0}, "port is 0, allowed are 1 to 65535"),
        ({"port": 65536}, "port is 65536"),
        ({"max_hops": 65}, "max_hops is 65, allowed are 1 to 64"),
        ({"attempts": 0}, "attempts is 0, allowed are 1 to 10"),
        ({"flow": -1}, "flow is -1"),
        ({"expected_hops": 0}, "expected_hops is 0"),
        ({"timeout_s": 0}, "timeout_s is 0"),
        ({"timeout_s": float("nan")}, "timeout_s is nan"),
    ],
)
def test_a_bad_request_is_refused_with_what_is_allowed(fields: dict[str, Any], complaint: str) -> None:
    """The error names the field, its value and the limit."""
    with pytest.raises(ValueError, match=complaint):
        TraceRequest(**({"address": "203.0.113.10"} | fields))


def test_the_port_is_the_methods_own_unless_given() -> None:
    """A stand-in for TCP must not take over the port of a TCP service."""
    default = TraceRequest(address="203.0.113.10")
    given = TraceRequest(address="203.0.113.10", port=8443)

    assert [default.port_of(method) for method in ("tcp", "icmp", "udp")] == [443, None, 33434]
    assert [given.port_of(method) for method in ("tcp", "icmp", "udp")] == [8443, None, 33434]
    assert TraceRequest(address="203.0.113.10", method="icmp", port=8443).port_of("icmp") is None


def test_the_family_is_the_addresss() -> None:
    """Link-local addresses keep their scope."""
    assert TraceRequest(address="203.0.113.10").family == 4
    assert TraceRequest(address="fe80::1%lo").family == 6
