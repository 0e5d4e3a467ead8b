"""One HTTP observation as one row of `http`, and back, without loss."""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.history.glossary import ReadingGlossary, WritingGlossary
from monitor.history.http_times import DIGEST_BYTES, pack
from monitor.history.resolution import micros, not_after_millis, seconds, wall_millis
from probes.observation import Failure, HttpObservation

COLUMNS = (
    "target", "done", "vantage", "seq", "address", "family", "failure", "status", "http_version", "dns_us",
    "connect_us", "tls_us", "wait_us", "receive_us", "total_us", "kernel_rtt_us", "kernel_min_rtt_us",
    "retransmits", "identity", "body_bytes", "body_sha256", "checks_failed", "loop_lag_us", "error",
    "tls_detail", "redirects",
)  # fmt: skip

WRITTEN = ("target", "done", "vantage", "seq", "outcome", "way", "work", "odd", "error")
"""Of `request`, which the view `http` shows as COLUMNS (`http_layout`)."""

_TEXTS = msgspec.json.Decoder(tuple[str, ...])


def to_row(fact: HttpObservation, seq: int, glossary: WritingGlossary) -> tuple[Any, ...]:
    """The row's values in the order of WRITTEN."""
    body = _packed(glossary.free_text(fact.body_sha256))
    # A living page's body differs with every answer: its digest is no entry that anybody would use again.
    own = body if isinstance(body, bytes) and len(body) == DIGEST_BYTES and not glossary.repeats(body) else None
    times = (fact.dns_s, fact.connect_s, fact.tls_s, fact.wait_s, fact.receive_s)
    dns, connect, tls, wait, receive = map(micros, times)
    total, rtt, min_rtt = micros(fact.total_s), micros(fact.kernel_rtt_s), micros(fact.kernel_min_rtt_s)
    way = connect or 0
    rest = None if total is None else total - (dns or 0) - way - (tls or 0) - (wait or 0) - (receive or 0)
    differences = (
        dns,
        connect,
        None if tls is None else tls - way,
        None if wait is None else wait - way,
        receive,
        rest,
        None if rtt is None else rtt - way,
        None if min_rtt is None else (rtt or 0) - min_rtt,
        micros(fact.loop_lag_s),
    )
    return (
        glossary.number("target", (fact.target,)),
        wall_millis(fact.at) * 1000 + (total or 0),
        glossary.number("vantage", (fact.vantage,)),
        seq,
        _outcome(fact, glossary, fact.body_bytes if own is None else None, body if own is None else None),
        *pack(differences, own, None if own is None else fact.body_bytes),
        glossary.free_text(fact.error),
    )


def _outcome(
    fact: HttpObservation, glossary: WritingGlossary, body_bytes: int | None, body: bytes | str | None
) -> int:
    """The number of all that is not a time."""
    identity = (
        fact.spki_sha256, fact.certificate_sha256, fact.issuer, not_after_millis(fact.not_after), fact.tls_version,
    )  # fmt: skip
    detail = (
        not_after_millis(fact.not_before), _listed(fact.certificate_names), _listed(fact.chain_sha256), fact.alpn,
    )  # fmt: skip
    values = (
        glossary.word(fact.address),
        fact.family,
        glossary.word(fact.failure),
        fact.status,
        glossary.word(fact.http_version),
        fact.retransmits,
        glossary.number("identity", identity) if any(part is not None for part in identity) else None,
        body_bytes,
        body,
        glossary.word(_listed(fact.checks_failed)),
        glossary.number("tls_detail", detail) if any(part is not None for part in detail) else None,
        glossary.word(_listed(fact.redirects)),
    )
    return glossary.number("outcome", values)


def from_row(row: tuple[Any, ...], glossary: ReadingGlossary) -> HttpObservation:
    """The observation that `to_row` was given."""
    (target, done, vantage, _, address, family, failure, status, version, dns, connect, tls, wait, receive,
     total, rtt, min_rtt, retransmits, identity, body_bytes, body, checks, lag, error, detail,
     redirects) = row  # fmt: skip
    spki, certificate, issuer, not_after, tls_version = (
        (None,) * 5 if identity is None else glossary.values("identity", identity)
    )
    not_before, names, chain, alpn = (None,) * 4 if detail is None else glossary.values("tls_detail", detail)
    fields: dict[str, Any] = {
        "spki_sha256": spki,
        "certificate_sha256": certificate,
        "issuer": issuer,
        "alpn": alpn,
    }
    return HttpObservation(
        at=(done - (total or 0)) // 1000 / 1e3,
        vantage=glossary.text("vantage", vantage),
        target=glossary.text("target", target),
        address=glossary.word(address),
        family=family,
        failure=None if failure is None else Failure(glossary.text("word", failure)),
        status=status,
        http_version=glossary.word(version),
        dns_s=seconds(dns),
        connect_s=seconds(connect),
        tls_s=seconds(tls),
        wait_s=seconds(wait),
        receive_s=seconds(receive),
        total_s=seconds(total),
        kernel_rtt_s=seconds(rtt),
        kernel_min_rtt_s=seconds(min_rtt),
        retransmits=retransmits,
        not_after=None if not_after is None else int(not_after) / 1e3,
        body_bytes=body_bytes,
        body_sha256=body.hex() if isinstance(body, bytes) else body,
        checks_failed=_texts(glossary.word(checks)),
        tls_version=None if tls_version is None else str(tls_version),
        loop_lag_s=seconds(lag),
        error=error,
        not_before=None if not_before is None else int(not_before) / 1e3,
        certificate_names=_texts(names),
        chain_sha256=_texts(chain),
        redirects=_texts(glossary.word(redirects)),
        **fields,
    )


def _listed(texts: tuple[str, ...]) -> str | None:
    return msgspec.json.encode(texts).decode() if texts else None


def _texts(listed: object) -> tuple[str, ...]:
    return () if listed is None else _TEXTS.decode(str(listed))


def _packed(digest: str | None) -> bytes | str | None:
    """A body's digest in half its size.

    What is not lower-case hex (another program's line) stays the text that it was.
    """
    if digest is None:
        return None
    try:
        packed = bytes.fromhex(digest)
    except ValueError:
        return digest
    return packed if packed.hex() == digest else digest
