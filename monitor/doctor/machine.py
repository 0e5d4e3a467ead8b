"""This machine: what it may send, and whether its clock is kept right."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence

from monitor.doctor.finding import Finding
from monitor.model.settings import Config
from monitor.station.plugin_state import State
from probes.traceroute import permitted

_UNSYNCHRONISED = 0x0040
_TIME_ERROR = 5
MOST_ERROR_S = 1.0
"""Facts of vantages are compared by the second; route messages within minutes."""


async def look_at_privileges(config: Config) -> Sequence[Finding]:
    """How traceroutes would be sent; who is there is asked of the kernel, nothing is sent."""
    if not config.traceroute.enabled:
        return [Finding(check="traceroute", state=State.OK, text="not enabled")]
    method = config.traceroute.method
    way = permitted().way(method.value)
    grant = "give CAP_NET_RAW (AmbientCapabilities in the unit of `whydown install-unit`)"
    if way is None:
        text = f"no socket for {method} nor for what stands in for it"
        return [Finding(check="traceroute", state=State.CRITICAL, text=text, todo=grant)]
    mode, sent = way
    if (mode, sent) == ("raw", method):
        return [Finding(check="traceroute", state=State.OK, text=f"{method} by raw sockets")]
    text = f"{sent} by unprivileged sockets" + (f" stands in for {method}" if sent != method else "")
    state = State.WARNING if sent != method else State.OK
    return [Finding(check="traceroute", state=state, text=text, todo=grant if state else None)]


class _Timex(ctypes.Structure):
    """The head of `struct timex` (adjtimex(2)), with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


async def look_at_clock() -> Sequence[Finding]:
    """Whether the kernel believes that its clock is steered, by NTP or a hypervisor, and how far off it may be."""
    timex = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    if state < 0:
        error = os.strerror(ctypes.get_errno())
        return [Finding(check="clock", state=State.UNKNOWN, text=f"the kernel does not say: {error}")]
    return [judge_clock(state, timex.status, timex.maxerror / 1e6)]


def judge_clock(state: int, status: int, most_off_s: float) -> Finding:
    """What adjtimex's answer means: its return value, the status bits, and the greatest error in seconds."""
    if state == _TIME_ERROR or status & _UNSYNCHRONISED:
        return Finding(
            check="clock", state=State.WARNING, text="nothing keeps it right, says the kernel",
            todo="run chrony or systemd-timesyncd; a hub compares facts of many vantages by their time",
        )  # fmt: skip
    if most_off_s > MOST_ERROR_S:
        text = f"synchronised, but up to {most_off_s:.1f} s off"
        return Finding(check="clock", state=State.WARNING, text=text, todo="see chronyc tracking or timedatectl")
    return Finding(check="clock", state=State.OK, text=f"synchronised, at most {most_off_s * 1000:.0f} ms off")
