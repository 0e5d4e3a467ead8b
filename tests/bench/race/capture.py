"""What an interface saw of UDP traces, with the kernel's own stamps: round trips that no tracer measured.

`python capture.py INTERFACE`: until standard input ends; then `[[destination, ttl, rtt_s], ...]` is written,
without probes that were sent twice. A probe and its answer are told by what routers quote: destination, IP
identification and UDP header.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys

_SO_TIMESTAMPNS = 35
_ETH_P_IP = 0x0800
_OUTGOING = 4

_Probe = tuple[bytes, bytes, bytes]


class Capture:
    """Stamps of probes, Unix nanoseconds, and of their answers."""

    def __init__(self, interface: str) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((interface, 3))
        self.socket.setblocking(False)
        self._left: dict[_Probe, tuple[int, int]] = {}
        self._came: dict[_Probe, int] = {}

    def read(self) -> None:
        """Take what waits."""
        while True:
            try:
                packet, ancillary, _, address = self.socket.recvmsg(256, 128)
            except BlockingIOError:
                return
            if address[1] == _ETH_P_IP and ancillary:
                seconds, nanoseconds = struct.unpack("@ll", ancillary[0][2])
                self._take(packet, address[2] == _OUTGOING, seconds * 10**9 + nanoseconds)

    def _take(self, packet: bytes, outgoing: bool, stamp: int) -> None:
        if outgoing and packet[9] == 17:
            self._left[_probe(packet)] = (stamp, packet[8])
        elif not outgoing and packet[9] == 1 and packet[20] in (3, 11):
            self._came.setdefault(_probe(packet[28:]), stamp)

    def trips(self) -> list[tuple[str, int, float]]:
        """(destination, TTL, seconds) of what was asked once and answered."""
        asked: dict[tuple[bytes, int], list[_Probe]] = {}
        for probe, (_, ttl) in self._left.items():
            asked.setdefault((probe[0], ttl), []).append(probe)
        return [
            (socket.inet_ntoa(destination), ttl, (self._came[probes[0]] - self._left[probes[0]][0]) / 1e9)
            for (destination, ttl), probes in asked.items()
            if len(probes) == 1 and probes[0] in self._came
        ]


def _probe(packet: bytes) -> _Probe:
    return packet[16:20], packet[4:6], packet[20:28]


def main(interface: str) -> None:
    """Capture until standard input ends."""
    capture = Capture(interface)
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([0, capture.socket], [], [])
        capture.read()
        if 0 in readable:
            print(json.dumps(capture.trips()), flush=True)
            return


if __name__ == "__main__":
    main(sys.argv[1])
