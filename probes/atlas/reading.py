"""One RIPE Atlas result, whichever its kind, as observations. Pure; any bytes give them or `AtlasError`."""

from __future__ import annotations

from typing import Final

import msgspec

from probes.atlas.dns import DnsResult, read_dns
from probes.atlas.http import HttpResult, read_http
from probes.atlas.result import AtlasError, Naming
from probes.atlas.sslcert import SslcertResult, read_sslcert
from probes.atlas.traceroute import TracerouteResult, read_traceroute
from probes.failure import printable
from probes.observation import Observation

# Lax, because old firmware writes numbers as strings here and there.
_DECODER: msgspec.json.Decoder[HttpResult | SslcertResult | DnsResult | TracerouteResult] = msgspec.json.Decoder(
    HttpResult | SslcertResult | DnsResult | TracerouteResult, strict=False
)


_READ: Final = ("http", "sslcert", "dns", "traceroute")


def read_results(line: bytes, naming: Naming) -> tuple[Observation, ...]:
    """Read one JSON object: one observation, or several of a result that holds several measurements.

    `line` is held whole; the caller bounds it.

    :raises AtlasError: it is not JSON, no result of a kind read here, or one that contradicts itself
    """
    try:
        result = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise AtlasError(_reason(line, error)) from error
    match result:
        case HttpResult():
            return read_http(result, naming)
        case SslcertResult():
            return read_sslcert(result, naming)
        case DnsResult():
            return read_dns(result, naming)
        case TracerouteResult():
            return read_traceroute(result, naming)


class _Kind(msgspec.Struct):
    type: str


def _reason(line: bytes, error: Exception) -> str:
    """What is wrong with a result; that its kind is not read here, rather than which value is."""
    try:
        kind = msgspec.json.decode(line, type=_Kind).type
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        kind = ""
    if not kind or kind in _READ:
        return printable(str(error))
    return f"a result of type {printable(kind, 30)!r}, read are {', '.join(_READ)}"
