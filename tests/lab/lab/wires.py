"""The links between routers as one process: a pair of TUN devices each, and the packets copied between them.

    python -m lab.wires < commands

The first line on standard input is a JSON array of `Wire`s, later ones are `Change`s, each answered by a line:
`ready` and then the link's counters. Delay, loss and rate are `impairment`'s. TUN devices carry bare IP packets
without offloads, so that what a probe sends is what arrives, checksums included.

It knows neither addresses nor routes.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from lab.impairment import Direction, Impairment

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_CLONE_NEWNET = 0x40000000  # linux/sched.h
_MTU = 1500
# Packets read from one device before the others get their turn.
_BURST = 64
_LIBC = ctypes.CDLL(None, use_errno=True)


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """One link: a device of that name in each of two namespaces, and its delay one way."""

    name: str
    device: str
    one: str
    other: str
    delay_s: float


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A new impairment of both directions of a link; `delay_s` None: as before, only counters are asked for."""

    name: str
    delay_s: float | None = None
    loss: float = 0.0
    rate_bps: float | None = None
    queue_s: float = 0.1


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """What a link has done so far, both directions together."""

    carried: int
    lost: int
    overflowed: int


def tun_in(namespace: str, device: str) -> int:
    """Make a TUN device in a namespace; its file descriptor.

    :raises OSError: TUN devices are closed to us here
    """
    with inside(namespace):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH", device.encode(), _IFF_TUN | _IFF_NO_PI))
        except OSError:
            os.close(fd)
            raise
        return fd


def tun_possible(namespace: str) -> bool:
    """Whether TUN devices can be made here; it is tried."""
    try:
        os.close(tun_in(namespace, "wd-rehearsal"))
    except OSError:
        return False
    return True


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Be in a network namespace meanwhile, by setns(2), which Python has from 3.12 on; sockets stay there."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        _enter(there)
        yield
    finally:
        _enter(home)
        os.close(there)
        os.close(home)


def _enter(fd: int) -> None:
    if _LIBC.setns(fd, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


class Wires:
    """All links. `run` copies packets until standard input ends."""

    def __init__(self, wires: list[Wire]) -> None:
        self._ways: dict[int, tuple[Direction, int]] = {}
        self._links: dict[str, tuple[Direction, Direction]] = {}
        for number, wire in enumerate(wires):
            ends = tun_in(wire.one, wire.device), tun_in(wire.other, wire.device)
            # Seeded, so that a scenario loses the same packets of the same sequence again.
            chance = random.Random(number)
            there, back = (Direction(Impairment(delay_s=wire.delay_s), chance) for _ in range(2))
            self._ways[ends[0]], self._ways[ends[1]] = (there, ends[1]), (back, ends[0])
            self._links[wire.name] = there, back
        self._due: list[tuple[float, int, int, bytes]] = []
        self._sequence = 0

    def run(self) -> None:
        """Copy packets, and obey the commands."""
        poll = select.epoll()
        for fd in (*self._ways, 0):
            poll.register(fd, select.EPOLLIN)
        while True:
            wait_s = max(self._due[0][0] - time.monotonic(), 0.0) if self._due else -1
            for fd, _ in poll.poll(wait_s):
                if fd:
                    self._take(fd)
                elif not self._obey():
                    return
            self._deliver()

    def _take(self, fd: int) -> None:
        direction, far = self._ways[fd]
        now = time.monotonic()
        for _ in range(_BURST):
            try:
                packet = os.read(fd, _MTU)
            except BlockingIOError:
                return
            at = direction.admit(now, len(packet))
            if at is not None:
                self._sequence += 1
                heapq.heappush(self._due, (at, self._sequence, far, packet))

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, fd, packet = heapq.heappop(self._due)
            try:
                os.write(fd, packet)
            except OSError:
                continue  # the device is down, or its queue is full: a packet lost, as on any wire

    def _obey(self) -> bool:
        line = sys.stdin.buffer.readline()
        if not line:
            return False
        change = msgspec.json.decode(line, type=Change)
        ways = self._links[change.name]
        if change.delay_s is not None:
            impairment = Impairment(
                delay_s=change.delay_s, loss=change.loss, rate_bps=change.rate_bps, queue_s=change.queue_s
            )
            for direction in ways:
                direction.impairment = impairment
        counters = Counters(
            carried=sum(direction.carried for direction in ways),
            lost=sum(direction.lost for direction in ways),
            overflowed=sum(direction.overflowed for direction in ways),
        )
        print(msgspec.json.encode(counters).decode(), flush=True)
        return True


def main() -> None:
    """Make the devices, say `ready`, copy packets until standard input ends."""
    wires = Wires(msgspec.json.decode(sys.stdin.buffer.readline(), type=list[Wire]))
    print("ready", flush=True)
    wires.run()


if __name__ == "__main__":
    main()
