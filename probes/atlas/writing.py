"""One observation as a RIPE Atlas result. Pure."""

from __future__ import annotations

import msgspec

from probes.atlas.dns import write_dns
from probes.atlas.http import write_http
from probes.atlas.result import AtlasError, AtlasResult
from probes.atlas.sslcert import write_sslcert
from probes.atlas.traceroute import write_traceroute
from probes.failure_word import Layer
from probes.observation import DnsObservation, HttpObservation, NotMeasured, Observation, TraceObservation

_ENCODER = msgspec.json.Encoder()


def write_result(observation: Observation, url: str | None = None) -> bytes:
    """One line of JSON, without the line's end. `url` is what the target stands for; None: its name is all.

    :raises AtlasError: Atlas has no result for it
    """
    try:
        return _ENCODER.encode(_result(observation, url or observation.target))
    except (OverflowError, UnicodeError) as error:
        raise AtlasError(f"{observation.target!a}: {error}") from error


def _result(observation: Observation, url: str) -> AtlasResult:
    match observation:
        case HttpObservation():
            return (
                write_sslcert(observation, url)
                if _ends_in_handshake(observation)
                else write_http(observation, url)
            )
        case DnsObservation():
            return write_dns(observation)
        case TraceObservation():
            return write_traceroute(observation, url)
        case NotMeasured():
            raise AtlasError("a round that did not take place has no result")


def _ends_in_handshake(seen: HttpObservation) -> bool:
    if seen.failure is not None:
        return seen.failure.layer is Layer.TLS
    return seen.status is None and (seen.tls_s is not None or seen.certificate_sha256 is not None)
