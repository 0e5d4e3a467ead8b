"""Tells systemd how the service is (sd_notify(3)), when it asked to be told; otherwise does nothing.

With `Type=notify-reload` systemd knows when probing has begun, when a reload has ended and that a stop is
under way. The protocol is one datagram to the socket that NOTIFY_SOCKET names.
"""

from __future__ import annotations

import os
import socket
import time


def notify(**state: str) -> bool:
    """Send `KEY=value` lines, e.g. `notify(READY="1", STATUS="12 targets")`; whether anybody was told.

    A service manager that is gone is no reason to stop monitoring, so failures are not raised.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or address[0] not in "/@":
        return False
    lines = "\n".join(f"{key}={value.replace(chr(10), ' ')}" for key, value in state.items())
    # A leading @ stands for the abstract namespace's NUL.
    path = "\0" + address[1:] if address[0] == "@" else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.settimeout(1.0)
            sock.sendto(lines.encode(), path)
    except OSError:
        return False
    return True


def watchdog_s() -> float | None:
    """Seconds within which systemd wants signs of life of this process (sd_watchdog_enabled(3)); None: none."""
    asked, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not (asked.isascii() and asked.isdigit()) or (process and process != str(os.getpid())):
        return None
    return int(asked) / 1e6 or None


def reloading() -> bool:
    """Announce that a reload has begun; `notify(READY="1")` announces its end."""
    return notify(RELOADING="1", MONOTONIC_USEC=str(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000))
