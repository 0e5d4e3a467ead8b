"""SSL certificate results: a handshake up to the server's certificate, which Atlas does not verify. Pure.

`rt` counts from the start of the connection to the certificate, so `tls_s` is nearly the whole handshake: with
TLS 1.3 the server's last message comes with its certificate. An observation that got no further than the
handshake is written as such a result; its certificate is not, since an observation keeps only the hashes.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from probes.atlas.error_text import error_text, read_error
from probes.atlas.result import (
    FIRMWARE,
    AtlasResult,
    Extension,
    Milliseconds,
    Naming,
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


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A TLS alert (RFC 8446 section 6). Firmware before 4750 misspells its description."""

    level: int
    description: int | None = None
    decription: int | None = None


class SslcertExtension(Extension, frozen=True, kw_only=True, omit_defaults=True):
    """What our own results carry in place of the certificates."""

    identity: ServerIdentity | None = None


class SslcertResult(AtlasResult, frozen=True, kw_only=True, tag="sslcert", omit_defaults=True):
    """One handshake; durations in milliseconds."""

    dst_port: str | int | None = None
    method: str | None = None
    ver: Annotated[str, msgspec.Meta(max_length=16)] | None = None
    rt: Milliseconds | None = None
    ttc: Milliseconds | None = None
    ttr: Milliseconds | None = None
    cert: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)] = ()
    alert: Alert | None = None
    dnserr: str | None = None
    err: str | None = None
    whydown: SslcertExtension | None = None


def read_sslcert(result: SslcertResult, naming: Naming) -> tuple[HttpObservation, ...]:
    """One observation that ends with the handshake.

    :raises AtlasError: an address or the PEM is none, or nothing names the target
    """
    failure, error = _failure(result)
    total_ms = result.rt if result.rt is None else result.rt + (result.ttr or 0.0)
    seen = HttpObservation(
        at=at_of(result),
        vantage=naming.vantage_of(result),
        target=naming.target_of(result, result.dst_name, result.dst_addr),
        address=address_of(result.dst_addr, "dst_addr"),
        family=result.af,
        failure=failure,
        error=error,
        dns_s=seconds(result.ttr),
        connect_s=seconds(result.ttc),
        tls_s=None if failure else between(result.ttc, result.rt),
        total_s=seconds(total_ms),
        tls_version=_version(result),
    )
    identity = ServerIdentity.of_chain(result.cert) if result.cert else result.whydown and result.whydown.identity
    return (identity.told_of(seen) if identity else seen,)


def _failure(result: SslcertResult) -> tuple[Failure | None, str | None]:
    if result.dnserr:
        return read_error(result.dnserr, Layer.DNS)
    if result.err:
        layer = Layer.CONNECT if result.ttc is None or result.err.startswith("connect") else Layer.TLS
        return read_error(result.err, layer)
    if result.alert is not None:
        code = result.alert.description if result.alert.description is not None else result.alert.decription
        return Failure.TLS_ERROR, f"TLS alert {code}, level {result.alert.level}"
    return None, None


def _version(result: SslcertResult) -> str | None:
    """As OpenSSL names it; 3.0 is the last SSL."""
    if result.ver is None:
        return None
    return "SSLv3" if result.ver == "3.0" else f"TLSv{printable(result.ver.removesuffix('.0'), 16)}"


def write_sslcert(seen: HttpObservation, url: str) -> SslcertResult:
    """The result of a connection to the server of `url` that ended with the handshake."""
    ver = None
    if seen.tls_version is not None:
        number = seen.tls_version.removeprefix("TLSv").removeprefix("SSLv")
        ver = number if "." in number else f"{number}.0"
    took = None if seen.total_s is None else milliseconds(max(seen.total_s - (seen.dns_s or 0.0), 0.0))
    return SslcertResult(
        fw=FIRMWARE,
        msm_id=0,
        msm_name="SSLCert",
        prb_id=probe_id_of(seen.vantage),
        timestamp=int(seen.at),
        af=seen.family,
        dst_addr=seen.address,
        dst_name=host_of(url),
        method="SSL" if ver == "3.0" else "TLS",
        ver=ver,
        rt=took if seen.failure or seen.tls_s is None else milliseconds(seen.connect_s, seen.tls_s),
        ttc=milliseconds(seen.connect_s),
        ttr=milliseconds(seen.dns_s),
        err=None if seen.failure is None else error_text(seen.failure, seen.error),
        whydown=SslcertExtension(
            vantage=seen.vantage,
            target=seen.target,
            at=seen.at,
            identity=ServerIdentity.seen_in(seen),
        ),
    )
