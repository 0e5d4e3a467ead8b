"""A wire with a delay and, on the way back, a loss: two TUN devices and this process between them.

`python wire.py NAMESPACE_A NAMESPACE_B DELAY_S`. A line on standard input is the share of packets from B to A
that are lost from now on; its end is the end of the wire. "ready" is written when both devices are there.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import random
import select
import struct
import sys
import time
from collections import deque
from contextlib import suppress

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000


def end_in(namespace: str) -> int:
    """A new device `wire` in a network namespace, which this process enters."""
    libc = ctypes.CDLL(None, use_errno=True)
    inside = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(inside, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"setns {namespace}")
    os.close(inside)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"wire", _IFF_TUN | _IFF_NO_PI))
    return device


def main(namespace_a: str, namespace_b: str, delay_s: str) -> None:
    """Carry packets until standard input ends."""
    a, b = end_in(namespace_a), end_in(namespace_b)
    delay, loss, chance = float(delay_s), 0.0, random.Random(1)
    under_way: deque[tuple[float, int, bytes]] = deque()
    poll = select.epoll()
    for descriptor in (0, a, b):
        poll.register(descriptor, select.EPOLLIN)
    print("ready", flush=True)
    while True:
        wait = max(under_way[0][0] - time.monotonic(), 0) if under_way else -1
        for descriptor, _ in poll.poll(wait):
            if descriptor == 0:
                line = os.read(0, 64)
                if not line:
                    return
                loss = float(line)
                continue
            other = b if descriptor == a else a
            due = time.monotonic() + delay
            for packet in _packets(descriptor):
                if other is b or chance.random() >= loss:
                    under_way.append((due, other, packet))
        now = time.monotonic()
        while under_way and under_way[0][0] <= now:
            _, other, packet = under_way.popleft()
            with suppress(OSError):  # the other end is not up yet
                os.write(other, packet)


def _packets(device: int) -> list[bytes]:
    packets = []
    while len(packets) < 256:
        try:
            packets.append(os.read(device, 2048))
        except BlockingIOError:
            break
    return packets


if __name__ == "__main__":
    main(*sys.argv[1:])
