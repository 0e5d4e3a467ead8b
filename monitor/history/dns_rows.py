"""One DNS observation as one row of `dns`, and back, without loss."""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.history.glossary import ReadingGlossary, WritingGlossary
from monitor.history.resolution import micros, seconds, wall_millis
from probes.observation import DnsObservation, Failure

COLUMNS = (
    "target", "done", "vantage", "seq", "question", "answer", "ttl_us", "elapsed_us", "failure", "error",
    "detail", "signatures_expire",
)  # fmt: skip

_NO_DETAIL: tuple[None, ...] = (None,) * 5
_TEXTS = msgspec.json.Decoder(tuple[str, ...])


def to_row(fact: DnsObservation, seq: int, glossary: WritingGlossary) -> tuple[Any, ...]:
    """The row's values in the order of COLUMNS. `answer` is None where no answer came at all."""
    elapsed_us = micros(fact.elapsed_s)
    answered = fact.rcode is not None or fact.answers or fact.cnames or fact.dnssec is not None
    answer = (
        fact.rcode,
        msgspec.json.encode(fact.answers).decode(),
        msgspec.json.encode(fact.cnames).decode(),
        fact.dnssec,
    )
    # Most answers carry none of these, so they are one reference that is mostly NULL.
    detail = (fact.subnet, fact.ecs, fact.nsid, fact.soa_serial, fact.dnssec_reason)
    expires = fact.signatures_expire_at
    question = (fact.server, fact.role, fact.transport, fact.name, fact.rrtype)
    return (
        glossary.number("target", (fact.target,)),
        wall_millis(fact.at) * 1000 + (elapsed_us or 0),
        glossary.number("vantage", (fact.vantage,)),
        seq,
        glossary.number("question", question),
        glossary.number("answer", answer) if answered else None,
        micros(fact.ttl_s),
        elapsed_us,
        glossary.word(fact.failure),
        glossary.free_text(fact.error),
        None if detail == _NO_DETAIL else glossary.number("dns_detail", detail),
        # Beside the detail and not in it: some zones sign each answer anew.
        None if expires is None else wall_millis(expires),
    )


def from_row(row: tuple[Any, ...], glossary: ReadingGlossary) -> DnsObservation:
    """The observation that `to_row` was given."""
    target, done, vantage, _, question, answer, ttl, elapsed, failure, error, detail, expires = row
    server, role, transport, name, rrtype = map(str, glossary.values("question", question))
    rcode, answers, cnames, dnssec = (
        (None, "[]", "[]", None) if answer is None else glossary.values("answer", answer)
    )
    subnet, ecs, nsid, soa_serial, reason = _NO_DETAIL if detail is None else glossary.values("dns_detail", detail)
    return DnsObservation(
        at=(done - (elapsed or 0)) // 1000 / 1e3,
        vantage=glossary.text("vantage", vantage),
        target=glossary.text("target", target),
        server=server,
        role=role,
        transport=transport,
        name=name,
        rrtype=rrtype,
        rcode=None if rcode is None else str(rcode),
        answers=decode_texts(str(answers)),
        ttl_s=seconds(ttl),
        elapsed_s=seconds(elapsed),
        dnssec=None if dnssec is None else str(dnssec),
        failure=None if failure is None else Failure(glossary.text("word", failure)),
        cnames=decode_texts(str(cnames)),
        error=error,
        subnet=None if subnet is None else str(subnet),
        ecs=None if ecs is None else str(ecs),
        nsid=None if nsid is None else str(nsid),
        soa_serial=None if soa_serial is None else int(soa_serial),
        dnssec_reason=None if reason is None else str(reason),
        signatures_expire_at=None if expires is None else expires / 1e3,
    )


def decode_texts(json: str) -> tuple[str, ...]:
    """The texts of an `answers` or `cnames` column."""
    return _TEXTS.decode(json)
