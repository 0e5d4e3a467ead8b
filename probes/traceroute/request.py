"""What to trace: one address, one method, one flow, one deadline. A pure value; it opens nothing."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["Method", "Mode", "TraceRequest"]

Method = Literal["tcp", "icmp", "udp"]
Mode = Literal["raw", "unprivileged"]

DEFAULT_PORT: dict[Method, int | None] = {"tcp": 443, "icmp": None, "udp": 33434}
"""The service port that most targets have; no port; the first port of Van Jacobson's traceroute."""

MAX_HOPS_LIMIT = 64
"""Linux hosts send with TTL 64, so a longer path could not be answered by most of them."""

MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRequest:
    """One traceroute to `address`, an IPv4 or IPv6 address (IPv6 link-local ones with `%interface`).

    `port`: the TCP port to open or the UDP port to hit; None is 443 for tcp and 33434 for udp.
    `timeout_s`: seconds for the whole trace. `flow`: which constant flow identifier to use, so that two
    traces with the same number take the same way through load balancers; None derives it from the address.
    `attempts`: probes per hop until one is answered; when more than 1, a single silent hop between two that
    answered gets another. `mode` None is raw where permitted, else unprivileged.
    `expected_hops`: the last known length L; TTLs 1 to L+1 are then sent at once.

    :raises ValueError: a field is out of its range, or the address is no unicast address
    """

    address: str
    method: Method = "tcp"
    port: int | None = None
    max_hops: int = 30
    timeout_s: float = 10.0
    flow: int | None = None
    attempts: int = 2
    mode: Mode | None = None
    expected_hops: int | None = None

    def __post_init__(self) -> None:
        address = ipaddress.ip_address(self.address)
        if address.is_multicast or address.is_unspecified or str(address) == "255.255.255.255":
            raise ValueError(f"address {self.address}: only unicast addresses can be traced")
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            raise ValueError(f"address {self.address}: write the IPv4 address {address.ipv4_mapped} itself")
        _one_of("method", self.method, get_args(Method))
        _one_of("mode", self.mode, (*get_args(Mode), None))
        _within("max_hops", self.max_hops, 1, MAX_HOPS_LIMIT)
        _within("attempts", self.attempts, 1, MAX_ATTEMPTS)
        if self.port is not None:
            _within("port", self.port, 1, 65535)
        if self.flow is not None:
            _within("flow", self.flow, 0, 65535)
        if self.expected_hops is not None:
            _within("expected_hops", self.expected_hops, 1, 255)
        if not 0 < self.timeout_s <= 600:
            raise ValueError(f"timeout_s is {self.timeout_s}, allowed are more than 0 and at most 600 seconds")

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.address else 4

    def port_of(self, method: Method) -> int | None:
        """The port when `method` is used, which is another than asked for when privileges are missing."""
        if method == self.method and self.port is not None and method != "icmp":
            return self.port
        return DEFAULT_PORT[method]


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}, allowed are {least} to {most}")


def _one_of(name: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}, allowed are {', '.join(map(str, allowed))}")
