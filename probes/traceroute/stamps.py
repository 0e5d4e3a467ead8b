"""The kernel's own stamps of packets that leave and arrive (Linux `Documentation/networking/timestamping.rst`).

A packet is stamped by its driver just before the wire gets it, and by the kernel when it comes in, so that no
queue of this process is inside a round trip. Departure stamps come back over the error queue of the socket
that sent, named by how many packets the socket had sent before (OPT_ID). Not every driver stamps, and a queue
may overflow: a `Departure` without the kernel's stamp has our own, taken before the send call.

Knows ancillary data, not what is in a packet.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable
from typing import Final

import msgspec

__all__ = ["AncillaryData", "Departure", "Departures", "request_stamps", "stamp_ns"]

AncillaryData = Iterable[tuple[int, int, bytes]]

# Linux numbers that Python's socket module does not name.
_SO_TIMESTAMPING: Final = 37
_TX_SOFTWARE: Final = 1 << 1
_RX_SOFTWARE: Final = 1 << 3
_SOFTWARE: Final = 1 << 4
_OPT_ID: Final = 1 << 7
_OPT_TSONLY: Final = 1 << 11
_ARRIVALS: Final = _RX_SOFTWARE | _SOFTWARE
_DEPARTURES: Final = _TX_SOFTWARE | _OPT_ID | _OPT_TSONLY

_RECEIVE_ERRORS: Final = frozenset({(socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)})
"""The messages that carry `struct sock_extended_err` (IP_RECVERR, IPV6_RECVERR)."""
_ORIGIN_TIMESTAMPING: Final = 4
_EXTENDED_ERR: Final = struct.Struct("=4xB7xI")
"""Of errno, origin, type, code, pad, info, data: origin and data; for stamps, data is the packet's number."""
_TIMESPEC: Final = struct.Struct("@ll")
_NUMBERS: Final = 1 << 32

_REMEMBERED: Final = 4096
"""Departures of one socket: with the default rate those of twenty seconds."""


class Departure(msgspec.Struct, gc=False):
    """When one packet left: `monotonic_s` and `wall_ns` as we read the clocks before the send call (seconds on
    `probes.clock`, Unix nanoseconds); `kernel_ns` the driver's stamp, None while or where there is none.

    `number` counts the packets of a socket, from 0 to 2**32 - 1 and again; -1 until the kernel took it.
    """

    monotonic_s: float
    wall_ns: int
    kernel_ns: int | None = None
    number: int = -1


class Departures:
    """The latest packets of one socket, by the numbers that the kernel gives them. Pure but for `renumber`."""

    def __init__(self) -> None:
        self._kept: list[Departure | None] = [None] * _REMEMBERED
        self._number = 0

    def left(self, departure: Departure) -> None:
        """Take a packet that the kernel took."""
        departure.number = self._number
        self._kept[self._number % _REMEMBERED] = departure
        self._number = (self._number + 1) % _NUMBERS

    def renumber(self, sock: socket.socket) -> None:
        """Count from 0 again, we and the kernel.

        To be called after a send that failed: whether it took a number depends on where in the kernel it did.
        """
        request_stamps(sock)
        request_stamps(sock, departures=True)
        self._kept = [None] * _REMEMBERED
        self._number = 0

    def read(self, ancillary: AncillaryData) -> bool:
        """Take the stamp in a message of the error queue; False when the message is no departure stamp."""
        number = stamp = None
        for level, kind, octets in ancillary:
            if level == socket.SOL_SOCKET:
                stamp = _stamp(octets) if kind == _SO_TIMESTAMPING else stamp
            elif (level, kind) in _RECEIVE_ERRORS and len(octets) >= _EXTENDED_ERR.size:
                origin, number_there = _EXTENDED_ERR.unpack_from(octets)
                number = number_there if origin == _ORIGIN_TIMESTAMPING else number
        if number is None:
            return False
        self._stamped(number, stamp)
        return True

    def _stamped(self, number: int, stamp: int | None) -> None:
        kept = self._kept[number % _REMEMBERED]
        # A stamp from before our own reading belongs to a packet of an earlier numbering.
        if kept is not None and kept.number == number and stamp is not None and stamp >= kept.wall_ns:
            kept.kernel_ns = stamp


def request_stamps(sock: socket.socket, *, departures: bool = False) -> bool:
    """Ask for stamps of what arrives, and of what leaves; False: this kernel knows none.

    Asking for departures anew, after having asked without them, makes the kernel count from 0.
    """
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _ARRIVALS | (_DEPARTURES if departures else 0))
    except OSError as error:
        if error.errno not in (errno.ENOPROTOOPT, errno.EINVAL, errno.EPERM):
            raise
        return False
    return True


def stamp_ns(ancillary: AncillaryData) -> int | None:
    """The kernel's stamp of a packet: Unix nanoseconds, None where it gave none."""
    for level, kind, octets in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING:
            return _stamp(octets)
    return None


def _stamp(octets: bytes) -> int | None:
    """The software stamp in a message of SO_TIMESTAMPING; 0 is none."""
    if len(octets) < _TIMESPEC.size:
        return None
    seconds, nanoseconds = _TIMESPEC.unpack_from(octets)
    return (int(seconds) * 1_000_000_000 + int(nanoseconds)) or None
