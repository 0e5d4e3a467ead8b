"""Packets that answer a traceroute, and the error queue of a socket."""

from __future__ import annotations

import socket
import struct
from typing import Any

from fuzzed.target import Target
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6TimeExceeded, IPv6

from probes.traceroute.error_queue import queued_error
from probes.traceroute.extensions import mpls_labels, mpls_labels_after_quote
from probes.traceroute.replies import MalformedReplyError, Reply, read_icmp4, read_icmp6, read_tcp4, read_tcp6

_MOST_LABELS = 16
_FROM6 = "2001:db8::1"


def _checked(reply: Reply | None) -> None:
    if reply is None:
        return
    socket.inet_pton(socket.AF_INET6 if ":" in reply.responder else socket.AF_INET, reply.responder)
    assert len(reply.mpls) <= _MOST_LABELS
    for label in reply.mpls:
        assert 0 <= label.label < 1 << 20
        assert 0 <= label.ttl < 256


def _labels(data: bytes) -> None:
    assert len(mpls_labels(data)) <= _MOST_LABELS
    assert len(mpls_labels_after_quote(data[1:], data[0] * 4 if data else 0)) <= _MOST_LABELS


def _error_queue(data: bytes) -> None:
    for level, kind in ((socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)):
        error = queued_error([(level, kind, data)])
        if error is not None:
            mpls_labels(data[error.extension :] if error.extension is not None else data)


def _extension(*entries: int) -> bytes:
    stack = b"".join(struct.pack("!I", entry) for entry in entries)
    return b"\x20\0\0\0" + struct.pack("!HBB", 4 + len(stack), 1, 1) + stack


def _exceeded(probe: Any) -> bytes:
    return bytes(IP(src="198.51.100.1", dst="198.51.100.9") / ICMP(type=11) / bytes(probe))


_PROBE4 = IP(src="198.51.100.9", dst="203.0.113.10", id=77) / UDP(sport=61440, dport=33434) / b"whydown"
_SYN4 = IP(src="198.51.100.9", dst="203.0.113.10", id=78) / TCP(sport=61440, dport=443, seq=0x12345678)
_PROBE6 = IPv6(src="2001:db8::9", dst="2001:db8::10") / UDP(sport=61440, dport=33434) / b"whydown"
_LABELLED = _exceeded(bytes(_PROBE4).ljust(128, b"\0") + _extension(0x03E81101, 0x000181FE))
_QUEUED4 = struct.pack("=IBBBBIHBB", 113, 2, 11, 0, 0, 0, 36, 0, 0) + struct.pack(
    "=HH4s8x", 2, 0, b"\xc6\x33\x64\1"
)
_QUEUED6 = struct.pack("=IBBBBIHBB", 113, 3, 3, 0, 0, 0, 0, 0, 0) + struct.pack("=HHI16sI", 10, 0, 0, bytes(16), 0)

TARGETS = (
    Target("icmp4", lambda data: _checked(read_icmp4(data)), (MalformedReplyError,),
           (_exceeded(_PROBE4), _exceeded(_SYN4), _LABELLED)),
    Target("icmp6", lambda data: _checked(read_icmp6(data, _FROM6)), (MalformedReplyError,),
           (bytes(IPv6(src=_FROM6, dst="2001:db8::9") / ICMPv6TimeExceeded() / bytes(_PROBE6))[40:],)),
    Target("tcp4", lambda data: _checked(read_tcp4(data)), (MalformedReplyError,),
           (bytes(IP(src="203.0.113.10", dst="198.51.100.9") / TCP(dport=61440, flags="SA", ack=9)),)),
    Target("tcp6", lambda data: _checked(read_tcp6(data, _FROM6)), (MalformedReplyError,),
           (bytes(IP() / TCP(sport=443, dport=61440, flags="RA", ack=9))[20:],)),
    Target("extensions", _labels, (), (b"\x20" + bytes(128) + _extension(0x03E81101), _extension(1, 2, 3))),
    Target("error_queue", _error_queue, (), (_QUEUED4, _QUEUED6)),
)  # fmt: skip
