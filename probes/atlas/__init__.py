"""Observations as RIPE Atlas results, and RIPE Atlas results as observations, so that its probes can be vantages.

Pure: bytes to values and back, by the published format (https://atlas.ripe.net/docs/apis/result-format),
firmware 4460 and later. It opens nothing and knows no file, no store and no configuration.

    result type   observation          what it has no place for
    http          HttpObservation      TLS handshake, kernel figures, body hash, expectations
    sslcert       HttpObservation      everything after the handshake; Atlas does not judge the certificate
    dns           DnsObservation       one result may hold several questions (`resultset`)
    traceroute    TraceObservation     three packets a hop, of which one answer is kept

Not read: ping, ntp and wifi (no observation of ours), and the unstructured results of firmware 1. Fields that
Atlas does not know stand in an object `whydown` of the result, which other readers skip; it carries the names
of vantage and target, the exact time, and the server's identity.
"""

from __future__ import annotations

from probes.atlas.reading import read_results
from probes.atlas.result import AtlasError, Naming
from probes.atlas.writing import write_result

__all__ = ["AtlasError", "Naming", "read_results", "write_result"]
