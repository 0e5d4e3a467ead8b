"""DNS results: one question to one server, or several in a `resultset`. Pure.

The answer is the reply's own bytes (`abuf`); `qbuf`, where it was asked for, is the question. A result that
holds neither, as a time-out mostly does, has the question of the others in its set, which were asked the same,
or leaves it to `Naming.question`. In the other direction the reply is built anew from the observation: the
records and the flags, not the server's bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import msgspec

from probes.atlas.dns_message import query_of, reply_of
from probes.atlas.error_text import error_text, read_error
from probes.atlas.result import (
    FIRMWARE,
    AtlasError,
    AtlasResult,
    Extension,
    Family,
    Milliseconds,
    Naming,
    Timestamp,
    address_of,
    at_of,
    milliseconds,
    probe_id_of,
    seconds,
)
from probes.dns.answer import read_answer
from probes.dns.server_address import ServerAddress, parse_server
from probes.failure import Failed, failing, printable
from probes.failure_word import Failure, Layer
from probes.observation import DnsObservation

_TRANSPORTS: Final = {"UDP": "udp", "TCP": "tcp", "TLS": "tls", "HTTPS": "https"}
_WELL_KNOWN: Final = {"udp": 53, "tcp": 53, "tls": 853, "https": 443}

_MAX_BASE64: Final = 87_384  # characters of 64 KiB, the longest DNS message
_Message = Annotated[str, msgspec.Meta(max_length=_MAX_BASE64)]


class DnsReply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came back; `rt` in milliseconds, the counts are the sections' of `abuf`."""

    rt: Milliseconds | None = None
    size: int | None = None
    abuf: _Message | None = None
    ID: int | None = None
    QDCOUNT: int | None = None
    ANCOUNT: int | None = None
    NSCOUNT: int | None = None
    ARCOUNT: int | None = None


class DnsExchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question to one server."""

    af: Family | None = None
    dst_addr: str | None = None
    dst_name: str | None = None
    dst_port: str | int | None = None
    proto: str = "UDP"
    time: Timestamp | None = None
    qbuf: _Message | None = None
    result: DnsReply | None = None
    error: dict[str, str | int | float] | str | None = None


class DnsExtension(Extension, frozen=True, kw_only=True, omit_defaults=True):
    """What our own results carry besides: what the rebuilt reply does not say."""

    subnet: str | None = None
    ecs: str | None = None
    nsid: str | None = None
    soa_serial: int | None = None
    dnssec: str | None = None
    dnssec_reason: str | None = None
    signatures_expire_at: float | None = None


_CARRIED: Final = tuple(name for name in DnsExtension.__struct_fields__ if name not in Extension.__struct_fields__)


class DnsResult(AtlasResult, frozen=True, kw_only=True, tag="dns", omit_defaults=True):
    """One question, or several: `resultset`, and then the other fields are absent."""

    dst_port: str | int | None = None
    proto: str = "UDP"
    qbuf: _Message | None = None
    result: DnsReply | None = None
    error: dict[str, str | int | float] | str | None = None
    resultset: Annotated[tuple[DnsExchange, ...], msgspec.Meta(max_length=256)] | None = None
    whydown: DnsExtension | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked."""

    name: str
    rrtype: str


def read_dns(result: DnsResult, naming: Naming) -> tuple[DnsObservation, ...]:
    """One observation a question.

    :raises AtlasError: an address, transport or encoding is none, or nothing names the target
    """
    exchanges = result.resultset if result.resultset is not None else (_alone(result),)
    asked = [_asked(exchange) for exchange in exchanges]
    said = {one for one in asked if one is not None}
    name, rrtype = naming.question or ("", "A")
    unsaid = said.pop() if len(said) == 1 else _Asked(name=name, rrtype=rrtype)
    return tuple(
        _read(result, exchange, one or unsaid, naming) for exchange, one in zip(exchanges, asked, strict=True)
    )


def _alone(result: DnsResult) -> DnsExchange:
    return DnsExchange(
        af=result.af,
        dst_addr=result.dst_addr,
        dst_name=result.dst_name,
        dst_port=result.dst_port,
        proto=result.proto,
        qbuf=result.qbuf,
        result=result.result,
        error=result.error,
    )


def _read(result: DnsResult, exchange: DnsExchange, asked: _Asked, naming: Naming) -> DnsObservation:
    transport = _TRANSPORTS.get(exchange.proto.upper())
    if transport is None:
        raise AtlasError(f"proto is {printable(exchange.proto, 30)!r}, read are {', '.join(_TRANSPORTS)}")
    reply, failed = _reply(exchange)
    role = _role(exchange, reply)
    observed = DnsObservation(
        at=at_of(result) if exchange.time is None else float(exchange.time),
        vantage=naming.vantage_of(result),
        target=naming.target_of(result, asked.name.rstrip("."), exchange.dst_name, exchange.dst_addr),
        server=_server(exchange, transport),
        role=role,
        transport=transport,
        name=asked.name,
        rrtype=asked.rrtype,
        elapsed_s=seconds(exchange.result.rt) if exchange.result else _waited(exchange),
        failure=failed.word if failed else None,
        error=(failed.text or None) if failed else None,
    )
    if reply is not None:
        observed = _answered(observed, reply)
    return observed if result.whydown is None else _completed(observed, result.whydown)


def _answered(observed: DnsObservation, reply: dns.message.Message) -> DnsObservation:
    answer = read_answer(reply, observed.role)
    failed = answer.failed
    if reply.answer and any(dns.rdatatype.is_metatype(question.rdtype) for question in reply.question):
        failed = None  # the answer to ANY has no record of that type, and that is no failure
    return msgspec.structs.replace(
        observed,
        rcode=answer.rcode,
        answers=tuple(sorted(answer.records)),
        cnames=answer.cnames,
        ttl_s=answer.ttl_s,
        dnssec=answer.dnssec,
        soa_serial=answer.soa_serial,
        failure=failed.word if failed else None,
        error=failed.text if failed else None,
    )


def _completed(observed: DnsObservation, ours: DnsExtension) -> DnsObservation:
    told = {name: value for name in _CARRIED if (value := getattr(ours, name)) is not None}
    return msgspec.structs.replace(observed, **told)


def _reply(exchange: DnsExchange) -> tuple[dns.message.Message | None, Failed | None]:
    """The reply, or what kept it from us; neither where the result holds no reply but says that one came."""
    if exchange.error is not None:
        return None, _failed(exchange.error)
    if exchange.result is None or exchange.result.abuf is None:
        return None, None
    try:
        with failing("read the reply", Layer.DNS):
            return dns.message.from_wire(_bytes(exchange.result.abuf, "abuf")), None
    except Failed as failed:
        if isinstance(failed.__cause__, AtlasError):
            raise failed.__cause__ from None
        return None, failed


def _failed(error: dict[str, str | int | float] | str) -> Failed:
    """`{"timeout": milliseconds}`, or an operation and its message."""
    if isinstance(error, str):
        word, text = read_error(error, Layer.DNS)
        return Failed(word, text or "")
    if "timeout" in error:
        waited = error["timeout"]
        text = f"{waited:.0f} ms" if isinstance(waited, int | float) else printable(waited, 20)
        return Failed(Failure.DNS_TIMEOUT, f"no answer within {text}")
    operation, message = next(iter(error.items()), ("error", "unnamed"))
    word, text = read_error(str(message), Layer.DNS)
    ours = text != printable(str(message))
    return Failed(word, (text or "") if ours else f"{operation}: {text}")


def _waited(exchange: DnsExchange) -> float | None:
    if isinstance(exchange.error, dict) and isinstance(waited := exchange.error.get("timeout"), int | float):
        return seconds(waited)
    return None


def _asked(exchange: DnsExchange) -> _Asked | None:
    """The question, from its own bytes or from the reply's."""
    for message in _questions(exchange):
        if message.question:
            question = message.question[0]
            return _Asked(name=_text(question.name), rrtype=dns.rdatatype.to_text(question.rdtype))
    return None


def _role(exchange: DnsExchange, reply: dns.message.Message | None) -> str:
    """Only who wants recursion sets RD, and a reply repeats it (RFC 1035 section 4.1.1)."""
    message = reply or next(_questions(exchange), None)
    return "recursive" if message is None or message.flags & dns.flags.RD else "authoritative"


def _questions(exchange: DnsExchange) -> Iterator[dns.message.Message]:
    """The question section of `qbuf` and of `abuf`, where they can be read so far."""
    reply = exchange.result.abuf if exchange.result is not None else None
    for text, field in ((exchange.qbuf, "qbuf"), (reply, "abuf")):
        if text is not None:
            with suppress(dns.exception.DNSException):
                yield dns.message.from_wire(_bytes(text, field), question_only=True)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=name != dns.name.root)


def _bytes(text: str, field: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AtlasError(f"{field} is no base64: {error}") from error


def _server(exchange: DnsExchange, transport: str) -> str:
    """The server as it is written elsewhere; its name where the probe found no address for it."""
    address = address_of(exchange.dst_addr, "dst_addr")
    if address is None:
        return printable(exchange.dst_name or "unknown")
    port = str(exchange.dst_port or "")
    usual = _WELL_KNOWN[transport]
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else usual
    return address if number == usual else str(ServerAddress(address, number))


def write_dns(seen: DnsObservation) -> DnsResult:
    """The result of one question.

    :raises AtlasError: the name, type or a record is none, so that no message can be made of it
    """
    try:
        query = query_of(seen)
        reply = None if seen.rcode is None else reply_of(query, seen)
        server = parse_server(seen.server, _WELL_KNOWN.get(seen.transport, 53))
        result = _result(reply, seen)
        qbuf = base64.b64encode(query.to_wire()).decode()
    except (dns.exception.DNSException, ValueError, UnicodeError) as error:
        raise AtlasError(f"dns observation of {printable(seen.name, 80)!r}: {printable(str(error))}") from error
    return DnsResult(
        fw=FIRMWARE,
        msm_id=0,
        msm_name="Tdig",
        prb_id=probe_id_of(seen.vantage),
        timestamp=int(seen.at),
        af=server.family,
        dst_addr=server.address,
        dst_port=str(server.port),
        proto=seen.transport.upper(),
        qbuf=qbuf if seen.name else None,
        result=result,
        error=_error(seen) if reply is None and seen.failure is not None else None,
        whydown=DnsExtension(
            vantage=seen.vantage,
            target=seen.target,
            at=seen.at,
            **{name: getattr(seen, name) for name in _CARRIED},
        ),
    )


def _result(reply: dns.message.Message | None, seen: DnsObservation) -> DnsReply | None:
    """The reply; where there is none to show, the time that it took, except that of a time-out."""
    if reply is None:
        return None if seen.failure is Failure.DNS_TIMEOUT else DnsReply(rt=milliseconds(seen.elapsed_s))
    wire = reply.to_wire(want_shuffle=False)  # the same observation, the same bytes
    return DnsReply(
        rt=milliseconds(seen.elapsed_s),
        size=len(wire),
        abuf=base64.b64encode(wire).decode(),
        ID=reply.id,
        QDCOUNT=len(reply.question),
        ANCOUNT=sum(len(rrset) for rrset in reply.answer),
        NSCOUNT=0,
        ARCOUNT=1,  # EDNS
    )


def _error(seen: DnsObservation) -> dict[str, str | int | float]:
    if seen.failure is Failure.DNS_TIMEOUT:
        return {"timeout": milliseconds(seen.elapsed_s) or 0}
    return {"socket": error_text(seen.failure or Failure.UNKNOWN, seen.error)}
