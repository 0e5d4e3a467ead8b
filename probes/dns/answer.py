"""What a DNS reply says: answers, aliases, lifetime, validation, and the failure word of a reply without any.

Pure: a message in, a value out.
"""

from __future__ import annotations

from dataclasses import dataclass

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from probes.failure import Failed, classify, printable
from probes.failure_word import Failure, Layer

MAX_RECORDS = 100
"""Records kept of one reply; the largest address sets in use have some twenty."""

_MAX_TEXT = 1024  # characters of one record: the longest name fits, all escaped; a TXT record may have 64 KiB

_RCODE_WORDS = {
    dns.rcode.NXDOMAIN: Failure.DNS_NXDOMAIN,
    dns.rcode.SERVFAIL: Failure.DNS_SERVFAIL,
    dns.rcode.REFUSED: Failure.DNS_REFUSED,
}

# Extended DNS errors (RFC 8914 section 4) with which a resolver says that validation failed.
_BOGUS = frozenset({
    dns.edns.EDECode.DNSSEC_BOGUS,
    dns.edns.EDECode.SIGNATURE_EXPIRED,
    dns.edns.EDECode.SIGNATURE_NOT_YET_VALID,
    dns.edns.EDECode.DNSKEY_MISSING,
    dns.edns.EDECode.RRSIGS_MISSING,
    dns.edns.EDECode.NO_ZONE_KEY_BIT_SET,
    dns.edns.EDECode.NSEC_MISSING,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`records`: RDATA of the asked type in the server's order; `cnames` the aliases followed, in order.

    `ttl_s` is the least over aliases and records. `dnssec`: secure (the resolver says it validated), bogus
    (it says that validation failed), None (it says nothing: unsigned, or not validating). `soa_serial` is of
    the zone's SOA record, in the answer or beside a negative one (RFC 2308 section 3).
    """

    rcode: str
    records: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()
    ttl_s: float | None = None
    dnssec: str | None = None
    soa_serial: int | None = None
    failed: Failed | None = None


def read_answer(message: dns.message.Message, role: str) -> Answer:
    """Read a reply to a question put to a server of that role. Any message gives an answer."""
    code = message.rcode()
    rcode = dns.rcode.to_text(code)
    dnssec, serial = _dnssec(message, role), _serial(message)
    if code != dns.rcode.NOERROR:
        failed = Failed(_RCODE_WORDS.get(code, Failure.DNS_ERROR), f"rcode {rcode}{_extended(message)}")
        return Answer(rcode=rcode, dnssec=dnssec, soa_serial=serial, failed=failed)
    try:
        if not isinstance(message, dns.message.QueryMessage):
            raise dns.message.NotQueryResponse
        chain = message.resolve_chaining()
    except dns.exception.DNSException as exc:
        return Answer(rcode=rcode, dnssec=dnssec, failed=classify(exc, "follow the answer's aliases", Layer.DNS))
    records = tuple(_text(rdata) for rdata in list(chain.answer or ())[:MAX_RECORDS])
    cnames = tuple(_text(rrset[0]) for rrset in chain.cnames[:MAX_RECORDS])
    # An authoritative server that answers with an alias into another zone has said all that it knows.
    complete = bool(records) or (role == "authoritative" and bool(cnames))
    missing = f"no {dns.rdatatype.to_text(message.question[0].rdtype)} record{_extended(message)}"
    ttl = float(chain.minimum_ttl) if records or cnames else None
    return Answer(
        rcode=rcode,
        records=records,
        cnames=cnames,
        ttl_s=ttl,
        dnssec=dnssec,
        soa_serial=serial,
        failed=None if complete else Failed(Failure.DNS_NO_ANSWER, missing),
    )


def _serial(message: dns.message.Message) -> int | None:
    for rrset in (*message.answer, *message.authority):
        if rrset.rdtype == dns.rdatatype.SOA:
            serial: int = rrset[0].serial
            return serial
    return None


def _text(rdata: object) -> str:
    return printable(str(rdata), _MAX_TEXT)


def _extended_errors(message: dns.message.Message) -> list[dns.edns.EDEOption]:
    return [option for option in message.options if isinstance(option, dns.edns.EDEOption)]


def _extended(message: dns.message.Message) -> str:
    return "".join(
        f", extended error {int(error.code)} {error.text or ''}" for error in _extended_errors(message)[:3]
    )


def _dnssec(message: dns.message.Message, role: str) -> str | None:
    if any(error.code in _BOGUS for error in _extended_errors(message)):
        return "bogus"
    # AD means "validated by me", which only a resolver can say (RFC 4035 section 3.2.3).
    return "secure" if role == "recursive" and message.flags & dns.flags.AD else None
