"""A measurement library: sockets and packets, no storage and no opinion.

It measures one thing once (an HTTP exchange, a DNS question, a traceroute) and returns an
observation for every outcome. It never imports `monitor`, so it could be published alone.
"""

from probes.observation import (
    DnsObservation,
    Failure,
    Hop,
    HopReply,
    HttpObservation,
    MplsLabel,
    NotMeasured,
    Observation,
    TraceObservation,
)

__all__ = [
    "DnsObservation",
    "Failure",
    "Hop",
    "HopReply",
    "HttpObservation",
    "MplsLabel",
    "NotMeasured",
    "Observation",
    "TraceObservation",
]
