"""Seals: digests of stored facts in a chain, so that a third party can check that nothing was altered afterwards.

    facts are over for ten minutes -> a seal of these five minutes of one target (or of all routes)
    head(n) = SHA-256( head(n-1) + digest(n) ),  head(0) = 32 zero bytes

Theory of operation. A seal covers the facts of its five minutes that no earlier seal covers: each vantage's
facts are numbered in the order in which they came (`fact_number`), and a seal says up to which number it goes.
Facts that come late get a seal of their own, and cannot be an occasion to seal altered ones anew. The digest is
of the facts as a reader gets them and not of rows, so tables may be laid out anew; it is of names and not of
their numbers here, so that it can be computed from exported facts. What is forgotten (`retention` cuts between
seals, for both are of whole five minutes) leaves its digest behind, and the chain holds.

Whoever can write the file can also make a new chain. So a head has to be known elsewhere: it is in the monitor's
log, in every bundle, and `whydown verify` prints it; with it, everything sealed until then is fixed. This module
is pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
import zstandard

from monitor.model import FeedState, FeedTally, PeerState, RouteEvent, RouteFact, VrpChange
from probes.observation import DnsObservation, Hop, HttpObservation, NotMeasured, Observation, TraceObservation

FORM = "whydown-seal/1"
FIRST_HEAD = bytes(32)

_MOST_UPTO = 2**24

# The fields of each kind, in the order of form 1. A new field needs a new form: what was sealed must not change.
_HTTP = attrgetter(
    "at", "vantage", "target", "address", "family", "failure", "status", "http_version", "dns_s", "connect_s",
    "tls_s", "wait_s", "receive_s", "total_s", "kernel_rtt_s", "kernel_min_rtt_s", "retransmits", "spki_sha256",
    "certificate_sha256", "issuer", "not_after", "body_bytes", "body_sha256", "checks_failed", "tls_version",
    "loop_lag_s", "error", "not_before", "certificate_names", "chain_sha256", "alpn", "redirects",
)  # fmt: skip
_DNS = attrgetter(
    "at", "vantage", "target", "server", "role", "transport", "name", "rrtype", "rcode", "answers", "ttl_s",
    "elapsed_s", "dnssec", "failure", "cnames", "error", "subnet", "ecs", "nsid", "soa_serial", "dnssec_reason",
    "signatures_expire_at",
)  # fmt: skip
_TRACE = attrgetter(
    "at", "vantage", "target", "address", "method", "port", "flow", "mode", "reached", "failure", "elapsed_s",
    "error",
)  # fmt: skip
_HOP = attrgetter(
    "ttl", "address", "rtt_s", "reply", "reply_ttl", "others", "rewritten", "quoted_destination",
)  # fmt: skip
_LABEL = attrgetter("label", "tc", "bottom", "ttl")
_NOT_MEASURED = attrgetter("at", "vantage", "target", "probe", "reason")
_TALLY = attrgetter("at", "source", "since", "received", "parsed", "relevant", "late", "dropped", "bad")

_ENCODER = msgspec.json.Encoder()

Fact = Observation | RouteFact


def _hop(hop: Hop) -> tuple[Any, ...]:
    return (*_HOP(hop), [_LABEL(label) for label in hop.mpls])


_FORMS: Mapping[type[Any], Callable[[Any], tuple[Any, ...]]] = {
    HttpObservation: lambda fact: ("http", *_HTTP(fact)),
    DnsObservation: lambda fact: ("dns", *_DNS(fact)),
    TraceObservation: lambda fact: ("trace", *_TRACE(fact), [_hop(hop) for hop in fact.hops]),
    NotMeasured: lambda fact: ("not_measured", *_NOT_MEASURED(fact)),
    RouteEvent: lambda fact: (
        "route", fact.at, fact.kind, str(fact.prefix), fact.collector, fact.peer, fact.peer_asn,
        None if fact.path is None else str(fact.path), fact.next_hop,
    ),
    PeerState: lambda fact: ("peer_state", fact.at, fact.collector, fact.peer, fact.peer_asn, fact.up),
    FeedState: lambda fact: ("feed_state", fact.at, fact.source, fact.live, fact.reason),
    FeedTally: lambda fact: ("feed_tally", *_TALLY(fact)),
    VrpChange: lambda fact: (
        "vrp_change", fact.at, str(fact.vrp.prefix), fact.vrp.max_length, fact.vrp.asn, fact.added,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Numbered:
    """A fact with the number that its source (a vantage, or `` for routes) got it under."""

    source: str
    number: int
    fact: Fact


def canonical(fact: Fact) -> bytes:
    """A fact as form 1 has it: a JSON array of its kind and its fields."""
    return _ENCODER.encode(_FORMS[type(fact)](fact))


def seal_digest(
    number: int, target: str | None, slot_at: int, upto: Mapping[str, int], facts: Sequence[Numbered]
) -> bytes:
    """The digest of seal `number`: of five minutes from `slot_at` (Unix seconds) of a target, None: of routes.

    `upto`: for each source the first number that no seal of these five minutes covers yet. Facts in any order.
    """
    lines = hashlib.sha256()
    for one in sorted(facts, key=lambda one: (one.source, one.number)):
        lines.update(canonical(one.fact) + b"\n")
    head = [FORM, number, target, slot_at, len(facts), dict(sorted(upto.items())), lines.hexdigest()]
    return hashlib.sha256(_ENCODER.encode(head)).digest()


def next_head(head: bytes, digest: bytes) -> bytes:
    """The chain's head behind a seal with that digest."""
    return hashlib.sha256(head + digest).digest()


def pack_upto(upto: Mapping[str, int]) -> bytes:
    """How far a seal goes, as it is stored: a hundred vantages' names are half of what is alike in them."""
    return zstandard.ZstdCompressor(write_checksum=False).compress(msgspec.msgpack.encode(upto))


def unpack_upto(packed: bytes) -> dict[str, int]:
    """What `pack_upto` was given; older versions did not compress.

    :raises ValueError: it is none
    """
    try:
        if packed.startswith(zstandard.FRAME_HEADER):
            packed = zstandard.ZstdDecompressor().decompress(packed, max_output_size=_MOST_UPTO)
        return msgspec.msgpack.decode(packed, type=dict[str, int])
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise ValueError(f"not how far a seal goes: {error}") from error
