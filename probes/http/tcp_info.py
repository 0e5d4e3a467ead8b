"""The kernel's own figures of a TCP connection: Linux `struct tcp_info` (include/uapi/linux/tcp.h).

User-space phases inflate when this machine is busy; the kernel's round trip does not, so it is the referee
between a slow network and a slow monitor. Parsing is pure; `read` asks one socket.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from probes import clock

# Offsets in bytes: 8 bytes of flags, 24 u32, 4 u64, then u32 again. `tcpi_rtt` is the 16th u32 (smoothed),
# `tcpi_total_retrans` the 24th (lost SYNs count), `tcpi_min_rtt` came with Linux 4.6.
_RTT_AT = 68
_TOTAL_RETRANS_AT = 100
_MIN_RTT_AT = 148
_SIZE = 256
_NO_SAMPLE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpInfo:
    """`rtt_s` smoothed and `min_rtt_s` least round trip, seconds, None before the first sample."""

    rtt_s: float | None
    min_rtt_s: float | None
    retransmits: int | None


def parse(data: bytes) -> TcpInfo:
    """Read what the kernel returned; an older, shorter structure gives None for the fields it lacks."""
    return TcpInfo(
        rtt_s=_microseconds(data, _RTT_AT),
        min_rtt_s=_microseconds(data, _MIN_RTT_AT),
        retransmits=_u32(data, _TOTAL_RETRANS_AT),
    )


def read(sock: socket.socket) -> TcpInfo | None:
    """Ask the kernel about `sock`; None where it has no such figures (another system, a closed socket)."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return None
    try:
        return parse(sock.getsockopt(socket.IPPROTO_TCP, option, _SIZE))
    except OSError:
        return None


def _u32(data: bytes, at: int) -> int | None:
    if len(data) < at + 4:
        return None
    (value,) = struct.unpack_from("=I", data, at)
    return int(value)


def _microseconds(data: bytes, at: int) -> float | None:
    value = _u32(data, at)
    return None if value in (None, 0, _NO_SAMPLE) else clock.duration((value or 0) / 1e6)
