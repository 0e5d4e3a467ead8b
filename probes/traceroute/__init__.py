"""Traceroute: which routers lie between this vantage and a target, by TCP, ICMP or UDP, IPv4 or IPv6.

One way through the package, from pure to not: `request` (what to trace), `flow` (what all probes share, what
tells them apart), `packets` and `replies` with `extensions` (bytes), `strategy` (what to send next), then the
sockets `raw` and `unprivileged` behind the seam `channel`, and `engine`, which wires them. `privileges` says
which of the sockets this process may open. `multipath` makes many traces of one address, until `stopping` knows
all of its paths. Linux only.
It knows nothing of names, targets' meaning or AS numbers.
"""

from __future__ import annotations

from probes.traceroute.engine import Tracer, trace
from probes.traceroute.flow import flow_number
from probes.traceroute.multipath import MOST_FLOWS, explore, flows_towards
from probes.traceroute.packets import prepare
from probes.traceroute.privileges import Permitted, permitted
from probes.traceroute.request import TraceRequest
from probes.traceroute.stopping import Coverage, coverage

__all__ = [
    "MOST_FLOWS",
    "Coverage",
    "Permitted",
    "TraceRequest",
    "Tracer",
    "coverage",
    "explore",
    "flow_number",
    "flows_towards",
    "permitted",
    "prepare",
    "trace",
]
