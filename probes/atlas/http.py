"""HTTP results. Pure.

`rt`, `ttc` and `ttfb` count from the start of the connection, `ttr` (name resolution) lies before it. Where
the probe spoke TLS, Atlas does not say how long the handshake took, so that the wait is not known either.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from probes.atlas.error_text import error_text, read_error
from probes.atlas.result import (
    FIRMWARE,
    AtlasResult,
    Extension,
    Family,
    Milliseconds,
    Naming,
    Timestamp,
    address_of,
    at_of,
    between,
    host_of,
    milliseconds,
    probe_id_of,
    seconds,
)
from probes.atlas.server_identity import ServerIdentity
from probes.failure import printable
from probes.failure_word import Failure, Layer
from probes.observation import HttpObservation

_FIRST_BAD_STATUS = 400
"""Atlas has no expectations; what RFC 9110 section 15 calls an error is one."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request to one address; durations in milliseconds."""

    method: str | None = None
    af: Family | None = None
    dst_addr: str | None = None
    res: Annotated[int, msgspec.Meta(ge=100, le=999)] | None = None
    ver: Annotated[str, msgspec.Meta(max_length=16)] | None = None
    rt: Milliseconds | None = None
    ttr: Milliseconds | None = None
    ttc: Milliseconds | None = None
    ttfb: Milliseconds | None = None
    bsize: Annotated[int, msgspec.Meta(ge=0)] | None = None
    time: Timestamp | None = None
    dnserr: str | None = None
    err: str | None = None


class HttpExtension(Extension, frozen=True, kw_only=True, omit_defaults=True):
    """What our own HTTP results carry besides: the handshake's duration in seconds, and who answered."""

    tls_s: Annotated[float, msgspec.Meta(ge=0)] | None = None
    identity: ServerIdentity | None = None


class HttpResult(AtlasResult, frozen=True, kw_only=True, tag="http", omit_defaults=True):
    """One request, or one to each address of the name."""

    uri: str = ""
    result: Annotated[tuple[Exchange, ...], msgspec.Meta(max_length=256)]
    whydown: HttpExtension | None = None


def read_http(result: HttpResult, naming: Naming) -> tuple[HttpObservation, ...]:
    """One observation an exchange.

    :raises AtlasError: an address is none, or nothing names the target
    """
    return tuple(_read(result, exchange, naming) for exchange in result.result)


def _read(result: HttpResult, exchange: Exchange, naming: Naming) -> HttpObservation:
    ours = result.whydown or HttpExtension()
    tls_ms = None if ours.tls_s is None else milliseconds(ours.tls_s)
    # What the first byte was waited for behind: the handshake, if there was one.
    ready = None if tls_ms is None and result.uri.lower().startswith("https:") else exchange.ttc
    if ready is not None and tls_ms is not None:
        ready += tls_ms
    total = seconds(exchange.rt if exchange.rt is None else exchange.rt + (exchange.ttr or 0.0))
    failure, error = _failure(exchange)
    seen = HttpObservation(
        at=at_of(result) if exchange.time is None else float(exchange.time),
        vantage=naming.vantage_of(result),
        target=naming.target_of(result, host_of(result.uri), result.dst_name, exchange.dst_addr),
        address=address_of(exchange.dst_addr, "dst_addr"),
        family=exchange.af,
        failure=failure,
        error=error,
        status=exchange.res,
        http_version=None if exchange.ver is None else f"HTTP/{printable(exchange.ver, 16)}",
        dns_s=seconds(exchange.ttr),
        connect_s=seconds(exchange.ttc),
        tls_s=seconds(tls_ms),
        wait_s=between(ready, exchange.ttfb),
        receive_s=between(exchange.ttfb, exchange.rt),
        total_s=total,
        body_bytes=exchange.bsize,
        checks_failed=("status",) if failure is Failure.STATUS_UNEXPECTED else (),
    )
    return seen if ours.identity is None else ours.identity.told_of(seen)


def _failure(exchange: Exchange) -> tuple[Failure | None, str | None]:
    if exchange.dnserr:
        return read_error(exchange.dnserr, Layer.DNS)
    if exchange.err:
        connecting = exchange.err.startswith("connect") or (exchange.ttc is None and exchange.res is None)
        return read_error(exchange.err, Layer.CONNECT if connecting else Layer.EXCHANGE)
    if exchange.res is not None and exchange.res >= _FIRST_BAD_STATUS:
        return Failure.STATUS_UNEXPECTED, f"status {exchange.res}"
    return None, None


def write_http(seen: HttpObservation, url: str) -> HttpResult:
    """The result of a request to `url`."""
    failed = None if seen.failure is None else error_text(seen.failure, seen.error)
    in_dns = seen.failure is not None and seen.failure.layer is Layer.DNS
    # Absent where there was no handshake: the first byte follows the connection then.
    handshake = () if seen.tls_s is None else (seen.tls_s,)
    exchange = Exchange(
        method="GET",  # the format wants one; an observation has none, and another than GET is rare
        af=seen.family,
        dst_addr=seen.address,
        res=seen.status,
        ver=None if seen.http_version is None else seen.http_version.removeprefix("HTTP/"),
        rt=None if seen.total_s is None else milliseconds(max(seen.total_s - (seen.dns_s or 0.0), 0.0)),
        ttr=milliseconds(seen.dns_s),
        ttc=milliseconds(seen.connect_s),
        ttfb=milliseconds(seen.connect_s, *handshake, seen.wait_s),
        bsize=seen.body_bytes,
        dnserr=failed if in_dns else None,
        err=None if in_dns else failed,
    )
    return HttpResult(
        fw=FIRMWARE,
        msm_id=0,
        msm_name="HTTPGet",
        prb_id=probe_id_of(seen.vantage),
        timestamp=int(seen.at),
        uri=url,
        result=(exchange,),
        whydown=HttpExtension(
            vantage=seen.vantage,
            target=seen.target,
            at=seen.at,
            tls_s=seen.tls_s,
            identity=ServerIdentity.seen_in(seen),
        ),
    )
