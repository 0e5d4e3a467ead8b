"""Traceroute results: up to some packets a hop, of which an observation keeps one answer. Pure.

Which answers are ours to keep follows from how the probes number and print them (evtraceroute of the RIPE
Atlas probe):

- `late`: the answer to an earlier packet, printed under whichever hop is being probed when it comes. Which
  hop it belongs to is not said, so it is left out, as ripe.atlas.sagan does.
- `dup`: a second answer to one packet. `edst`: it quotes a packet to another destination, in real results one of
  another measurement that ran at the same time. `mtu`: the packet was too large. None of them is this hop's
  answer. What a translator changed of our own probes is no `edst`, and so has no place in a result.
- several routers at one hop: the first to answer is the hop's, the further ones are `others`. They are written as
  packets without a round trip, since an observation keeps none.
- no `err` from the destination under UDP is a port unreachable, the way a UDP trace ends.
- hop 255 follows a stretch of silence, to see whether the host answers at all. Silent, it says nothing.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from probes.atlas.error_text import error_text, read_error
from probes.atlas.result import (
    FIRMWARE,
    AtlasError,
    AtlasResult,
    Extension,
    Milliseconds,
    Naming,
    Timestamp,
    address_of,
    at_of,
    host_of,
    milliseconds,
    probe_id_of,
    seconds,
)
from probes.failure_word import Failure, Layer
from probes.observation import Hop, HopReply, MplsLabel, TraceObservation
from probes.traceroute.replies import REACHED, icmp4_kind, icmp6_kind
from probes.traceroute.strategy import MOST_OTHERS

_LAST_RESORT_TTL: Final = 255

# Their letters; `h` is ICMPv6 "beyond scope of source address", `P` and `p` come from the host itself.
_LETTERS: Final = {
    "N": HopReply.NET_UNREACHABLE,
    "h": HopReply.NET_UNREACHABLE,
    "H": HopReply.HOST_UNREACHABLE,
    "A": HopReply.ADMIN_PROHIBITED,
    "P": HopReply.PORT_UNREACHABLE,
    "p": HopReply.PORT_UNREACHABLE,
}
_LETTER_OF: Final = {
    HopReply.NET_UNREACHABLE: "N",
    HopReply.HOST_UNREACHABLE: "H",
    HopReply.ADMIN_PROHIBITED: "A",
    HopReply.PORT_UNREACHABLE: "p",
}
_FLAGS_OF: Final = {HopReply.SYN_ACK: "SA", HopReply.RST: "RA"}

# Class and type of an MPLS label stack (RFC 4950 section 3).
_MPLS: Final = (1, 1)


class AtlasLabel(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a label stack (RFC 3032 section 2.1): label, traffic class, bottom of stack, TTL."""

    label: Annotated[int, msgspec.Meta(ge=0, lt=1 << 20)]
    exp: Annotated[int, msgspec.Meta(ge=0, le=7)]
    s: Annotated[int, msgspec.Meta(ge=0, le=1)]
    ttl: Annotated[int, msgspec.Meta(ge=0, le=255)]


class IcmpObject(msgspec.Struct, frozen=True, kw_only=True, rename={"number": "class"}, omit_defaults=True):
    """One object of an ICMP extension (RFC 4884 section 7.1)."""

    number: int
    type: int
    mpls: Annotated[tuple[AtlasLabel, ...], msgspec.Meta(max_length=64)] = ()


class IcmpExtension(msgspec.Struct, frozen=True, kw_only=True):
    """An ICMP extension structure (RFC 4884 section 7)."""

    version: int = 2
    rfc4884: int = 1
    obj: Annotated[tuple[IcmpObject, ...], msgspec.Meta(max_length=64)] = ()


class Packet(msgspec.Struct, frozen=True, kw_only=True, rename={"sender": "from"}, omit_defaults=True):
    """One packet sent, and what came back: an answer, `x` for nothing, or an `error` on sending."""

    x: str | None = None
    error: str | None = None
    sender: str | None = None
    rtt: Milliseconds | None = None
    ttl: int | None = None
    err: str | int | None = None
    flags: str | None = None
    late: int | None = None
    dup: bool | int | None = None
    edst: str | None = None
    mtu: int | None = None
    icmpext: IcmpExtension | None = None

    @property
    def answers(self) -> bool:
        """Whether it is an answer to the packet that was sent for this hop."""
        other = self.late is not None or self.dup or self.edst is not None or self.mtu is not None
        return bool(self.sender) and not other


class HopResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The packets of one TTL, or why none was sent."""

    hop: Annotated[int, msgspec.Meta(ge=1, le=255)] | None = None
    error: str | None = None
    result: Annotated[tuple[Packet, ...], msgspec.Meta(max_length=1024)] = ()


class TracerouteResult(AtlasResult, frozen=True, kw_only=True, tag="traceroute", omit_defaults=True):
    """One traceroute."""

    proto: Literal["ICMP", "UDP", "TCP"]
    paris_id: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    endtime: Timestamp | None = None
    result: Annotated[tuple[HopResult, ...], msgspec.Meta(max_length=256)]


def read_traceroute(result: TracerouteResult, naming: Naming) -> tuple[TraceObservation, ...]:
    """One observation: of each hop the router that answered first, with its least round trip.

    :raises AtlasError: an address is none, or nothing names the target
    """
    destination = address_of(result.dst_addr, "dst_addr")
    hops = tuple(_hops(result, destination))
    failure, error = (None, None) if any(hop.address for hop in hops) else _failure(result)
    ended = result.endtime
    observed = TraceObservation(
        at=at_of(result),
        vantage=naming.vantage_of(result),
        target=naming.target_of(result, result.dst_name, result.dst_addr),
        address=destination,
        method=result.proto.lower(),
        flow=result.paris_id,
        reached=any(hop.reply in REACHED for hop in hops),
        failure=failure,
        error=error,
        hops=hops,
        elapsed_s=None if ended is None else max(float(ended - result.timestamp), 0.0),
    )
    return (observed,)


def _hops(result: TracerouteResult, destination: str | None) -> list[Hop]:
    hops: list[Hop] = []
    for one in result.result:
        if one.hop is None or one.error is not None or all(packet.error for packet in one.result):
            continue  # nothing was sent
        if hops and one.hop <= hops[-1].ttl:
            raise AtlasError(f"hop {one.hop} comes after hop {hops[-1].ttl}")
        hop = _hop(one, result.proto, destination)
        if hop.ttl != _LAST_RESORT_TTL or hop.address is not None:
            hops.append(hop)
    return hops


def _hop(one: HopResult, proto: str, destination: str | None) -> Hop:
    ttl = one.hop or 0
    answers = [packet for packet in one.result if packet.answers]
    if not answers:
        return Hop(ttl=ttl)
    first = answers[0]
    address = address_of(first.sender, "from")
    reply = _reply(first, proto, address == destination)
    times = [a.rtt for a in answers if a.sender == first.sender and a.rtt is not None]
    return Hop(
        ttl=ttl,
        address=address,
        rtt_s=seconds(min(times, default=None)),
        reply=reply,
        mpls=_labels(first.icmpext),
        reply_ttl=first.ttl if first.ttl is not None and 0 <= first.ttl <= 255 else None,
        others=_others(answers, address) if reply is HopReply.TIME_EXCEEDED else (),
    )


def _others(answers: list[Packet], address: str | None) -> tuple[str, ...]:
    """The further routers that answered, in the order in which they did."""
    plain = (packet for packet in answers if packet.err is None and packet.flags is None)
    found = dict.fromkeys(address_of(packet.sender, "from") for packet in plain)
    return tuple(other for other in found if other is not None and other != address)[:MOST_OTHERS]


def _reply(packet: Packet, proto: str, from_destination: bool) -> HopReply | None:
    """What kind of packet it was; None where the code is one that no traceroute causes."""
    if packet.flags is not None:
        return HopReply.RST if "R" in packet.flags else HopReply.SYN_ACK
    if packet.err is not None:
        return _unreachable(str(packet.err), ":" in (packet.sender or ""))
    if from_destination and proto != "TCP":
        return HopReply.ECHO_REPLY if proto == "ICMP" else HopReply.PORT_UNREACHABLE
    return HopReply.TIME_EXCEEDED


def _unreachable(err: str, is_ipv6: bool) -> HopReply | None:
    """A letter, or the code of an ICMP "destination unreachable"."""
    if err.isascii() and err.isdigit() and len(err) <= 3:
        return icmp6_kind(1, int(err)) if is_ipv6 else icmp4_kind(3, int(err))
    return _LETTERS.get(err)


def _labels(extension: IcmpExtension | None) -> tuple[MplsLabel, ...]:
    if extension is None:
        return ()
    stacks = (entry.mpls for entry in extension.obj if (entry.number, entry.type) == _MPLS)
    return tuple(
        MplsLabel(label=label.label, tc=label.exp, bottom=bool(label.s), ttl=label.ttl)
        for stack in stacks
        for label in stack
    )


def _failure(result: TracerouteResult) -> tuple[Failure | None, str | None]:
    """Why the probe could not trace, if it says so: name resolution, then sockets and sending."""
    for one in result.result:
        errors = [one.error, *(packet.error for packet in one.result)]
        for text in filter(None, errors):
            in_dns = one.hop is None and text.startswith("name resolution failed")
            return read_error(text, Layer.DNS if in_dns else Layer.CONNECT)
    return None, None


def write_traceroute(seen: TraceObservation, url: str) -> TracerouteResult:
    """The result of one trace towards the host of `url`.

    :raises AtlasError: its method is none of ICMP, UDP and TCP
    """
    proto = seen.method.upper()
    if proto not in ("ICMP", "UDP", "TCP"):
        raise AtlasError(f"trace by {seen.method!r}, Atlas knows icmp, udp and tcp")
    hops = [
        HopResult(
            hop=hop.ttl, result=(_packet(hop, seen, proto), *(Packet(sender=other) for other in hop.others))
        )
        for hop in seen.hops
    ]  # fmt: skip
    if seen.failure is not None:
        hops.append(HopResult(error=error_text(seen.failure, seen.error)))
    return TracerouteResult(
        fw=FIRMWARE,
        msm_id=0,
        msm_name="Traceroute",
        prb_id=probe_id_of(seen.vantage),
        timestamp=int(seen.at),
        endtime=int(seen.at + (seen.elapsed_s or 0.0)),
        af=None if seen.address is None else 6 if ":" in seen.address else 4,
        dst_addr=seen.address,
        dst_name=host_of(url),
        proto=proto,  # type: ignore[arg-type]  # one of the three, as checked above
        paris_id=seen.flow,
        result=tuple(hops),
        whydown=Extension(vantage=seen.vantage, target=seen.target, at=seen.at),
    )


def _packet(hop: Hop, seen: TraceObservation, proto: str) -> Packet:
    if hop.address is None:
        return Packet(x="*")
    # The way in which a UDP trace ends goes without saying.
    silent = proto == "UDP" and hop.reply is HopReply.PORT_UNREACHABLE and hop.address == seen.address
    return Packet(
        sender=hop.address,
        rtt=milliseconds(hop.rtt_s),
        ttl=hop.reply_ttl,
        err=None if silent or hop.reply is None else _LETTER_OF.get(hop.reply),
        flags=None if hop.reply is None else _FLAGS_OF.get(hop.reply),
        icmpext=_extension(hop.mpls) if hop.mpls else None,
    )


def _extension(labels: tuple[MplsLabel, ...]) -> IcmpExtension:
    stack = tuple(AtlasLabel(label=one.label, exp=one.tc, s=int(one.bottom), ttl=one.ttl) for one in labels)
    return IcmpExtension(obj=(IcmpObject(number=_MPLS[0], type=_MPLS[1], mpls=stack),))
