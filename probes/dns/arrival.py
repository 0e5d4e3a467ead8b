"""Datagrams with the kernel's time of arrival (Linux SO_TIMESTAMPNS; elsewhere the time of reading).

With 500 questions in flight a loop reads a reply up to 100 ms after it came; the kernel's stamp is not late.
It is of the wall clock, so a step of that clock is guarded against. Knows nothing of DNS.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from dataclasses import dataclass

from probes import clock

_MAX_DATAGRAM = 65535
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python's socket module has no name for it
_TIMESPEC = struct.Struct("@ll")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on both clocks: wall in nanoseconds, monotonic in seconds."""

    wall_ns: int
    monotonic_s: float

    @classmethod
    def now(cls) -> Moment:
        """This moment."""
        return cls(time.time_ns(), clock.monotonic())

    def seconds_until(self, arrived_ns: int) -> float:
        """Seconds from this moment to a stamp that is not in the future.

        A stamp outside the time that the monotonic clock allows means that the wall clock was set meanwhile;
        the monotonic time until now is then what is left to tell.
        """
        read_s = clock.elapsed(self.monotonic_s)
        stamped_s = (arrived_ns - self.wall_ns) / 1e9
        return clock.duration(stamped_s) if 0 <= stamped_s <= read_s else read_s


class Arrivals:
    """What comes in on a non-blocking datagram socket, one at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    async def next(self) -> tuple[bytes, int]:
        """The next datagram and its arrival, wall clock nanoseconds.

        :raises OSError: the kernel reports an ICMP error instead
        """
        while True:
            with contextlib.suppress(BlockingIOError):
                data, ancillary, _, _ = self._sock.recvmsg(_MAX_DATAGRAM, socket.CMSG_SPACE(_TIMESPEC.size))
                return data, _stamp(ancillary)
            await self._readable()

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._sock, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._sock)


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if (level, kind, len(data)) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS, _TIMESPEC.size):
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return int(seconds) * 10**9 + int(nanoseconds)
    return time.time_ns()
