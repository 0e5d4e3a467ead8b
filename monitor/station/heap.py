"""Keeps the garbage collector from stopping the monitor: what lives as long as the process is looked at no more.

A full collection stops every probe for as long as it takes to walk all objects, which shows as a slow service.
With scapy loaded that is 80-100 ms, nearly all of it for objects of imported modules.

Called by `whydown run` before its loop starts, and by nothing else: to freeze the heap is up to who owns the
process, so no probe does it; and commands that end in seconds (`probe`, `once`) gain less than it costs.
"""

from __future__ import annotations

import gc

from probes.traceroute import prepare


def freeze_heap(*, tracing: bool) -> None:
    """Put everything that was made up to now out of the collector's sight.

    `tracing`: load before what the first traceroute would load. Garbage is collected first, since frozen garbage
    stays. What a later reload of the configuration makes necessary is loaded then, and stays in sight.
    """
    if tracing:
        prepare()
    gc.collect()
    gc.freeze()
