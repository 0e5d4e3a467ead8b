"""Filters that keep packets which are none of ours inside the kernel.

A raw TCP socket is handed a copy of every segment that the machine receives; on a busy server that would cost
more than the traces. The program is classic BPF (Linux `Documentation/networking/filter.rst`).
"""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import Final

from probes.traceroute.flow import FIRST_SOURCE_PORT

__all__ = ["keep_icmp4", "keep_icmp6", "keep_tcp"]

_SO_ATTACH_FILTER: Final = 26
_SOL_RAW: Final = 255
_ICMP_FILTER: Final = 1
_ICMP6_FILTER: Final = 1
_ACCEPT: Final = 0xFFFF

# Echo reply, destination unreachable, time exceeded; for ICMPv6 parameter problem too.
_ICMP4_TYPES: Final = (0, 3, 11)
_ICMP6_TYPES: Final = (1, 3, 4, 129)

_Instruction = tuple[int, int, int, int]


def keep_icmp4(raw: socket.socket) -> None:
    """Let only the ICMP types through that answer probes; a set bit blocks its type (`raw(7)`)."""
    blocked = 0xFFFFFFFF
    for kind in _ICMP4_TYPES:
        blocked &= ~(1 << kind)
    raw.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", blocked))


def keep_icmp6(raw: socket.socket) -> None:
    """Let only the ICMPv6 types through that answer probes (RFC 3542 §3.2; Linux: a set bit blocks)."""
    blocked = [0xFFFFFFFF] * 8
    for kind in _ICMP6_TYPES:
        blocked[kind >> 5] &= ~(1 << (kind & 31))
    raw.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *blocked))


def keep_tcp(raw: socket.socket, family: int) -> None:
    """Let only SYN-ACK and RST segments to a port of a flow through."""
    program = _tcp_program(family)
    instructions = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    memory = ctypes.create_string_buffer(instructions)
    # struct sock_fprog { unsigned short len; struct sock_filter *filter; }, copied by the kernel.
    raw.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(memory)))


def _tcp_program(family: int) -> list[_Instruction]:
    # IPv4 raw sockets see the IP header, of varying length, so X holds where TCP starts; IPv6 ones do not.
    load_x: list[_Instruction] = [(0xB1, 0, 0, 0)] if family == 4 else []  # ldxb 4*([0]&0xf)
    half, octet = (0x48, 0x50) if family == 4 else (0x28, 0x30)  # [x + k] or [k]
    return [
        *load_x,
        (half, 0, 0, 2),  # the destination port
        (0x35, 0, 5, FIRST_SOURCE_PORT),  # below: drop
        (octet, 0, 0, 13),  # the flags
        (0x45, 2, 0, 0x04),  # RST: accept
        (0x54, 0, 0, 0x12),
        (0x15, 0, 1, 0x12),  # SYN and ACK: accept
        (0x06, 0, 0, _ACCEPT),
        (0x06, 0, 0, 0),
    ]
