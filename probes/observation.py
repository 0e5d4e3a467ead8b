"""What one vantage saw: observations, the facts that everything else is concluded from.

An observation is a timestamped statement; it says what happened, not what it means. Each class is one
kind of JSON object, one a line, tagged by `kind`. Wall times are Unix seconds UTC in fields ending `at`
(and `not_before`, `not_after`), durations are seconds of a monotonic clock in fields ending `_s`. None means *not
measured*. Fields may be added, never renamed.

Probes round wall times to the millisecond and durations to the microsecond (`probes.clock`), the store's
resolution, so that a stored fact equals the live one.

This module does no I/O and imports nothing but msgspec and the failure words.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from probes.failure_word import Failure

__all__ = [
    "DnsObservation",
    "Failure",
    "Hop",
    "HopReply",
    "HttpObservation",
    "MplsLabel",
    "NotMeasured",
    "Observation",
    "Rewritten",
    "TraceObservation",
    "completed_at",
    "decode",
    "encode",
]


class HttpObservation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="http"):
    """One HTTP request to one address: one attempt, no hidden retry.

    The phases add up to `total_s`: `dns_s` name to address, `connect_s` SYN to SYN-ACK as seen by us,
    `tls_s` handshake, `wait_s` request sent to first byte (one round trip and the server's think time),
    `receive_s` first to last byte; what is missing is our own code between them. A phase that was not
    completed is None: `failure` and `total_s` tell where the time went. Over redirects the phases are sums,
    and the rest is of the last answer. `body_bytes` and `body_sha256` are of the decoded body. A 5xx has a
    `status` and the failure `status_unexpected`. `checks_failed` names the expectations that failed by
    their key in `expect`.
    """

    at: float
    vantage: str
    target: str
    address: str | None = None
    family: int | None = None
    failure: Failure | None = None
    status: int | None = None
    http_version: str | None = None
    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None
    wait_s: float | None = None
    receive_s: float | None = None
    total_s: float | None = None
    kernel_rtt_s: float | None = None
    kernel_min_rtt_s: float | None = None
    retransmits: int | None = None
    spki_sha256: str | None = None
    certificate_sha256: str | None = None
    issuer: str | None = None
    not_after: float | None = None
    body_bytes: int | None = None
    body_sha256: str | None = None
    checks_failed: tuple[str, ...] = ()
    tls_version: str | None = None
    loop_lag_s: float | None = None
    error: str | None = None
    """The raw cause behind `failure`: operation and library message, bounded and printable."""
    not_before: float | None = None
    certificate_names: tuple[str, ...] = ()
    """DNS names and addresses that the server's certificate is for, in its order, the first 32."""
    chain_sha256: tuple[str, ...] = ()
    """Hashes of the certificates that the server sent after its own, in its order, at most 9."""
    alpn: str | None = None
    """The application protocol that the server chose in the handshake (`h2`, `http/1.1`)."""
    redirects: tuple[str, ...] = ()
    """Where redirects led, in order, without queries, which may hold secrets."""


class DnsObservation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="dns"):
    """One question to one named server.

    `role` is recursive or authoritative, `transport` udp, tcp, tls or https, `dnssec` secure, insecure,
    bogus or None; `answers` are the RDATA of the asked type in presentation form, sorted, with CNAME
    targets left out of it (`cnames` has them in order).

    `dnssec` is what the resolver claims, unless `dnssec_reason` is there: then we validated the chain from
    the trust anchor ourselves, and the reason says what decided it (also why no verdict could be reached);
    `signatures_expire_at` is the earliest end of a signature that it rests on. `subnet` is the client
    subnet that was sent (RFC 7871), `ecs` the server's as `address/source/scope`; `nsid` names the instance
    that answered (RFC 5001), as text where it is printable, else as `0x` and hex digits.
    """

    at: float
    vantage: str
    target: str
    server: str
    role: str = "recursive"
    transport: str = "udp"
    name: str
    rrtype: str = "A"
    rcode: str | None = None
    answers: tuple[str, ...] = ()
    ttl_s: float | None = None
    elapsed_s: float | None = None
    dnssec: str | None = None
    failure: Failure | None = None
    cnames: tuple[str, ...] = ()
    error: str | None = None
    subnet: str | None = None
    ecs: str | None = None
    nsid: str | None = None
    soa_serial: int | None = None
    dnssec_reason: str | None = None
    signatures_expire_at: float | None = None


class HopReply(StrEnum):
    """What kind of packet a hop answered with."""

    TIME_EXCEEDED = "time_exceeded"
    SYN_ACK = "syn_ack"
    RST = "rst"
    ECHO_REPLY = "echo_reply"
    PORT_UNREACHABLE = "port_unreachable"
    HOST_UNREACHABLE = "host_unreachable"
    NET_UNREACHABLE = "net_unreachable"
    ADMIN_PROHIBITED = "admin_prohibited"


class MplsLabel(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the MPLS label stack quoted by a router (RFC 4950)."""

    label: int
    tc: int
    bottom: bool
    ttl: int


class Rewritten(StrEnum):
    """A field of the probe that was another one when it came to the hop than when it left us."""

    SOURCE = "source"
    DESTINATION = "destination"
    SOURCE_PORT = "source_port"
    """Of ICMP: the identifier."""
    PORT = "port"
    CHECKSUM = "checksum"
    """The transport checksum: alone, of a field that is not told here, such as the MSS option."""


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """What answered at one TTL (IPv6: hop limit). `address` None: nobody did.

    `others`: further routers that answered later attempts at this TTL, at most 8, as balancing by packet shows
    them. `rewritten`: what an address translator or another middlebox on the way changed, told by comparing the
    quoted packet with the one that was sent (RFC 5508 §4.2 lets a translator undo it in the quotation, and then it
    is not seen; Detal et al., "Revealing middlebox interference with Tracebox", IMC 2013); () nothing, None: the
    answer quotes nothing, or was not measured. `quoted_destination`: what the destination was changed to.
    """

    ttl: int
    address: str | None = None
    rtt_s: float | None = None
    reply: HopReply | None = None
    mpls: tuple[MplsLabel, ...] = ()
    reply_ttl: int | None = None
    """The TTL or hop limit with which the answer arrived: how far the way back is, and a trait of the router's
    system (Vanaubel et al., "Network fingerprinting: TTL-based router signatures", IMC 2013)."""
    others: tuple[str, ...] = ()
    rewritten: tuple[Rewritten, ...] | None = None
    quoted_destination: str | None = None


class TraceObservation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="trace"):
    """One traceroute with a constant flow identifier. `hops` in TTL order, at most one a TTL.

    `reached` means the destination host answered by its kind of reply (echo reply, SYN-ACK, RST, port
    unreachable), not that an address was equal.
    """

    at: float
    vantage: str
    target: str
    address: str | None = None
    method: str = "tcp"
    port: int | None = None
    flow: int | None = None
    mode: str = "raw"
    reached: bool = False
    failure: Failure | None = None
    hops: tuple[Hop, ...] = ()
    elapsed_s: float | None = None
    error: str | None = None


class NotMeasured(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="not_measured"):
    """A round that was due at `at` and did not take place; never evidence that the target was down.

    `probe` is http, dns or trace; `reason` says why in one word (missed, overlapping, starved, stopped).
    """

    at: float
    vantage: str
    target: str
    probe: str
    reason: str


Observation = HttpObservation | DnsObservation | TraceObservation | NotMeasured

_DECODER: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation, strict=False)
_ENCODER = msgspec.json.Encoder()


def decode(line: bytes | str) -> Observation:
    """Read one observation from one line of JSON.

    :raises msgspec.ValidationError: the line is JSON, but not an observation
    :raises msgspec.DecodeError: the line is not JSON
    """
    return _DECODER.decode(line)


def encode(observation: Observation) -> bytes:
    """Write one observation as one line of JSON, without the line's end."""
    return _ENCODER.encode(observation)


def completed_at(observation: Observation) -> float:
    """When the observation was complete and could first be known, Unix seconds."""
    if isinstance(observation, HttpObservation):
        return observation.at + (observation.total_s or 0.0)
    if isinstance(observation, DnsObservation | TraceObservation):
        return observation.at + (observation.elapsed_s or 0.0)
    return observation.at
