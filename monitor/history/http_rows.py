"""One HTTP observation as one row of `http`, and back, without loss."""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.history.glossary import ReadingGlossary, WritingGlossary
from monitor.history.resolution import micros, not_after_millis, seconds, wall_millis
from probes.observation import Failure, HttpObservation

COLUMNS = (
    "target", "done", "vantage", "seq", "address", "family", "failure", "status", "http_version", "dns_us",
    "connect_us", "tls_us", "wait_us", "receive_us", "total_us", "kernel_rtt_us", "kernel_min_rtt_us",
    "retransmits", "identity", "body_bytes", "body_sha256", "checks_failed", "loop_lag_us", "error",
    "tls_detail", "redirects",
)  # fmt: skip

WRITTEN = (
    "target", "done", "vantage", "seq", "outcome", "dns_us", "connect_us", "tls_us", "wait_us", "receive_us",
    "total_us", "kernel_rtt_us", "kernel_min_rtt_us", "loop_lag_us", "body_bytes", "body_sha256", "error",
)  # fmt: skip
"""Of `request`, which the view `http` shows as COLUMNS; an engine may keep the times in fewer columns."""

DIGEST_BYTES = 32
"""Of a body's SHA-256."""

_TEXTS = msgspec.json.Decoder(tuple[str, ...])
_TEXT = b"\0text\0"
"""Before what stands in a digest's place and is none."""


def to_row(fact: HttpObservation, seq: int, glossary: WritingGlossary) -> tuple[Any, ...]:
    """The row's values in the order of WRITTEN."""
    body = packed(glossary.free_text(fact.body_sha256))
    # A living page's body differs with every answer: its digest is no entry that anybody would use again.
    is_own = body is not None and len(body) == DIGEST_BYTES and not glossary.repeats(body)
    total = micros(fact.total_s)
    return (
        glossary.number("target", (fact.target,)),
        wall_millis(fact.at) * 1000 + (total or 0),
        glossary.number("vantage", (fact.vantage,)),
        seq,
        _outcome(fact, glossary, None if is_own else fact.body_bytes, None if is_own else body),
        micros(fact.dns_s),
        micros(fact.connect_s),
        micros(fact.tls_s),
        micros(fact.wait_s),
        micros(fact.receive_s),
        total,
        micros(fact.kernel_rtt_s),
        micros(fact.kernel_min_rtt_s),
        micros(fact.loop_lag_s),
        fact.body_bytes if is_own else None,
        body if is_own else None,
        glossary.free_text(fact.error),
    )


def _outcome(fact: HttpObservation, glossary: WritingGlossary, body_bytes: int | None, body: bytes | None) -> int:
    """The number of all that is not a time."""
    whole = (
        fact.address, fact.family, fact.failure, fact.status, fact.http_version, fact.retransmits,
        fact.spki_sha256, fact.certificate_sha256, fact.issuer, fact.not_after, fact.tls_version,
        body_bytes, body, fact.checks_failed,
        fact.not_before, fact.certificate_names, fact.chain_sha256, fact.alpn, fact.redirects,
    )  # fmt: skip
    return glossary.composed(whole, lambda: _new_outcome(fact, glossary, body_bytes, body))


def _new_outcome(
    fact: HttpObservation, glossary: WritingGlossary, body_bytes: int | None, body: bytes | None
) -> int:
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
        body_sha256=_unpacked(body),
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


def packed(digest: str | None) -> bytes | None:
    """A body's digest in half its size.

    What is not lower-case hex (another program's line) stays the text that it was, behind a mark.
    """
    if digest is None:
        return None
    try:
        packed = bytes.fromhex(digest)
    except ValueError:
        packed = b""
    return packed if packed.hex() == digest and not packed.startswith(_TEXT) else _TEXT + digest.encode()


def _unpacked(body: bytes | str | None) -> str | None:
    """What `packed` was given; older versions kept texts without a mark."""
    if not isinstance(body, bytes):
        return body
    return body.removeprefix(_TEXT).decode() if body.startswith(_TEXT) else body.hex()
