"""A tracer whose own interface is watched: reads one request a line, writes what was traced and what was seen.

A request is `{"rate", "traces": [fields of TraceRequest]}`, the argument the interface. The watch is a packet
socket with stamps of its own, so it takes neither the tracer's sockets nor its parsers on trust. A second
argument, `without-stamps`, makes the kernel refuse SO_TIMESTAMPING, as those of some sandboxes do (seccomp(2)).
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import platform
import socket
import struct
import sys
from typing import Any

import msgspec

from probes.traceroute import Tracer, TraceRequest

SO_TIMESTAMPNS, SO_TIMESTAMPING = 35, 37
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
PACKET_OUTGOING = 4
SETSOCKOPT = {"x86_64": 54, "aarch64": 208}
"""The number of the system call."""


def refuse_stamps() -> None:
    """Let setsockopt(_, _, SO_TIMESTAMPING) fail with ENOPROTOOPT from now on."""
    load, equal, end = 0x20, 0x15, 0x06
    program = [
        (load, 0, 0, 0),  # seccomp_data.nr
        (equal, 0, 3, SETSOCKOPT[platform.machine()]),
        (load, 0, 0, 16 + 2 * 8),  # the third argument
        (equal, 0, 1, SO_TIMESTAMPING),
        (end, 0, 0, 0x00050000 | 92),  # SECCOMP_RET_ERRNO, ENOPROTOOPT
        (end, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
    ]
    memory = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    described = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(memory)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    no_new_privileges, set_seccomp, filtered = 38, 22, 2
    if prctl(no_new_privileges, 1, 0, 0, 0) or prctl(set_seccomp, filtered, ctypes.addressof(described), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def watch(interface: str) -> socket.socket:
    """All packets of an interface from now on, without their link-layer headers."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind((interface, ETH_P_ALL))
    sock.setblocking(False)
    return sock


def seen(sock: socket.socket) -> list[tuple[int, bool, str]]:
    """The IP packets watched: (Unix nanoseconds, whether it left, the packet in hexadecimal)."""
    packets = []
    while True:
        try:
            octets, ancillary, _, address = sock.recvmsg(2048, 256)
        except BlockingIOError:
            return packets
        if address[1] not in (ETH_P_IP, ETH_P_IPV6):
            continue
        (stamp,) = [data for _, kind, data in ancillary if kind == SO_TIMESTAMPNS]
        seconds, nanoseconds = struct.unpack("@ll", stamp)
        packets.append((seconds * 10**9 + nanoseconds, address[2] == PACKET_OUTGOING, octets.hex()))


async def serve(request: dict[str, Any], interface: str) -> bytes:
    """Trace all at once, and tell."""
    with watch(interface) as watching:
        async with Tracer(rate=request["rate"]) as tracer:
            traces = [TraceRequest(**fields) for fields in request["traces"]]
            found = await asyncio.gather(*(tracer.trace(one, vantage="here", target="there") for one in traces))
            told = {"observations": found, "unstamped": tracer.unstamped, "packets": seen(watching)}
    return msgspec.json.encode(told)


def main(interface: str, *words: str) -> None:
    """Serve until standard input ends."""
    if words:
        refuse_stamps()
    for line in sys.stdin:
        sys.stdout.buffer.write(asyncio.run(serve(json.loads(line), interface)) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
