"""Plays topologies on a TUN device of this network namespace; run as a process inside of it.

Commands are JSON, one a line of standard input, each answered by one line: `{"play": TOPOLOGY}` by `"playing"`,
`{"sent": true}` by the packets of the client since then, in hex. It ends with its input.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import select
import struct
import subprocess
import sys
import time
from itertools import count
from typing import Any

import msgspec
from pocket.internet import Internet
from pocket.packet import NotAPacketError
from pocket.topology import CLIENT, Topology

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_MTU = 1500
_MOST_NOTED = 100_000


class Command(msgspec.Struct, forbid_unknown_fields=True):
    """One line of input."""

    play: Topology | None = None
    sent: bool = False


class Player:
    """The device, the topology behind it, and the packets that are on their way back."""

    def __init__(self, device: int) -> None:
        self._device = device
        self._internet: Internet | None = None
        self._due: list[tuple[float, int, bytes]] = []
        self._order = count()
        self._noted: list[str] = []

    def obey(self, command: Command) -> Any:
        """Carry a command out; the answer to it."""
        if command.sent:
            return self._noted
        assert command.play is not None
        self._internet = Internet(command.play)
        self._due.clear()
        self._noted = []
        return "playing"

    def wait_s(self) -> float | None:
        """Seconds until a packet is due, None while none is under way."""
        return max(self._due[0][0] - time.monotonic(), 0.0) if self._due else None

    def deliver(self) -> None:
        """Hand the client what is due."""
        while self._due and self._due[0][0] <= time.monotonic():
            os.write(self._device, heapq.heappop(self._due)[2])

    def take(self) -> None:
        """Take what the client has sent."""
        while True:
            now = time.monotonic()
            try:
                octets = os.read(self._device, _MTU)
            except BlockingIOError:
                return
            try:
                answers = self._internet.receive(octets, now) if self._internet else []
            except NotAPacketError:
                continue  # multicast of the kernel itself
            if len(self._noted) < _MOST_NOTED:
                self._noted.append(octets.hex())
            for due, answer in answers:
                heapq.heappush(self._due, (due, next(self._order), answer))


def open_device() -> int:
    """Make the TUN device, give it the client's addresses and all routes. :raises OSError:"""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"wd-pocket", _IFF_TUN | _IFF_NO_PI))
    for words in (
        "link set lo up",
        f"link set wd-pocket mtu {_MTU} up",
        f"address add {CLIENT[4]}/24 dev wd-pocket",
        f"address add {CLIENT[6]}/64 dev wd-pocket nodad",
        "-4 route add default dev wd-pocket",
        "-6 route add default dev wd-pocket",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    return device


def main() -> None:
    """Serve until standard input ends."""
    device = open_device()
    player = Player(device)
    print('"ready"', flush=True)
    while True:
        readable, _, _ = select.select([device, sys.stdin], [], [], player.wait_s())
        player.deliver()
        if device in readable:
            player.take()
        if sys.stdin in readable:
            line = sys.stdin.readline()
            if not line:
                return
            print(msgspec.json.encode(player.obey(msgspec.json.decode(line, type=Command))).decode(), flush=True)


if __name__ == "__main__":
    main()
