"""Tells the operator once how traceroutes are made here, and how to get the better way. Opens nothing itself."""

from __future__ import annotations

from typing import Final

from structlog.typing import FilteringBoundLogger

from monitor.model.settings import TraceMethod
from probes.traceroute import Permitted

BETTER: Final = "AmbientCapabilities=CAP_NET_RAW in the service's unit"
"""Where the privilege comes from without root; `whydown install-unit` makes such a unit."""


def log_trace_mode(method: TraceMethod, permitted: Permitted, log: FilteringBoundLogger) -> None:
    """One event: the mode, what is sent, and for less than raw sockets what to do about it."""
    way = permitted.way(method.value)
    if way is None:
        log.warning("traceroute_impossible", method=method.value, better=BETTER)
        return
    mode, sent = way
    if mode == "raw":
        log.info("traceroute_mode", mode=mode, method=sent)
    elif sent == method:
        log.info("traceroute_mode", mode=mode, method=sent, better=BETTER)
    else:
        log.warning("traceroute_mode", mode=mode, method=sent, instead_of=method.value, better=BETTER)
