"""The kernel's filter on TCP, run by the kernel: a Unix datagram socket takes the same programs, without root."""

from __future__ import annotations

import socket

import pytest
from scapy.layers.inet import IP, TCP, IPOption_NOP
from scapy.layers.inet6 import IPv6

from probes.traceroute.raw_filter import keep_tcp


def passes(family: int, flags: str, port: int, *, options: bool = False) -> bool:
    """Whether a segment with these flags to this port comes through."""
    segment = TCP(sport=443, dport=port, flags=flags)
    if family == 4:
        header = IP(src="203.0.113.10", dst="198.18.1.2", options=[IPOption_NOP()] * 4 if options else [])
        packet = bytes(header / segment)
    else:
        packet = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / segment)[40:]
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        keep_tcp(receiver, family)
        receiver.setblocking(False)
        try:
            sender.send(packet)
            return receiver.recv(2048) == packet
        except (BlockingIOError, PermissionError):  # Unix sockets tell the sender that a filter refused
            return False


@pytest.mark.parametrize("family", [4, 6])
def test_answers_to_flows_pass_and_all_other_tcp_does_not(family: int) -> None:
    """SYN-ACK and RST to ports from 61440 on; neither data, nor a peer's own SYN, nor other ports."""
    assert passes(family, "SA", 61440)
    assert passes(family, "RA", 65535)
    assert passes(family, "R", 61441)
    assert not passes(family, "SA", 61439)
    assert not passes(family, "RA", 443)
    assert not passes(family, "S", 61440)
    assert not passes(family, "PA", 61440)
    assert not passes(family, "FA", 61440)


def test_the_filter_finds_tcp_behind_ip_options() -> None:
    """The IPv4 header's length is read, not assumed."""
    assert passes(4, "SA", 61441, options=True)
    assert not passes(4, "A", 61441, options=True)
