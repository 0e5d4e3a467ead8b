"""What a topology does with a packet: who answers, with which octets, and when. Pure: time is an argument.

A packet is walked through the nodes at once, and its answer gets the time at which it is due. What chance
decides (loss, jitter, balancing by packet) comes from the topology's seed.
"""

from __future__ import annotations

import ipaddress
import random
import struct
import zlib
from dataclasses import dataclass, field, replace

from pocket.packet import ICMP, ICMP6, TCP, UDP, Packet, checksummed, extension, icmp_error
from pocket.topology import Host, Nat, Node, Router, Topology, address_of

__all__ = ["Internet"]

_MOST_STEPS = 512
"""A loop of routers that do not decrement would never end."""

_TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
_PORT_UNREACHABLE = {4: (3, 3), 6: (1, 4)}
_SYN, _RST, _ACK = 0x02, 0x04, 0x10

Due = tuple[float, bytes]
"""When a packet reaches the client, and the packet."""


@dataclass(slots=True)
class _Journey:
    """A packet on its way: as the client sent it, as it is now, and the translators it passed."""

    sent: Packet
    packet: Packet
    at: float
    way_s: float = 0.0
    hops: int = 0
    passed: list[tuple[Nat, Packet]] = field(default_factory=list)

    def quotable(self) -> Packet:
        """The packet as the client sees it quoted, the translators on the way back having done their part."""
        quoted = self.packet
        for nat, before in reversed(self.passed):
            if nat.restores == "nothing":
                continue
            restored = replace(before, ttl=quoted.ttl)
            quoted = restored if nat.restores == "all" else restored.with_checksum_of(quoted)
        return quoted


class Internet:
    """One topology in play."""

    def __init__(self, topology: Topology) -> None:
        self._nodes: dict[str, Node] = {node.name: node for node in topology.nodes}
        self._entries = {ipaddress.ip_address(a): name for a, name in topology.entries.items()}
        self._chance = random.Random(topology.seed)
        self._answered: dict[str, int] = {}
        self._tokens: dict[str, tuple[float, float]] = {}

    def receive(self, octets: bytes, now: float) -> list[Due]:
        """What the client gets for a packet that it sends at `now`.

        :raises NotAPacketError: it sent none
        """
        packet = Packet.decode(octets)
        name = self._entries.get(ipaddress.ip_address(packet.destination))
        journey = _Journey(packet, packet, now)
        for _ in range(_MOST_STEPS):
            if name is None:
                return []
            node = self._nodes[name]
            journey.at += node.delay_s
            journey.way_s += node.delay_s
            journey.hops += 1
            if isinstance(node, Host):
                return self._answered_by(node, journey, _host_answer(node, journey))
            error = self._forward(node, journey)
            if error is not None:
                return self._error(node, journey, error)
            name = self._neighbour(node, journey.packet)
        raise ValueError(f"{_MOST_STEPS} nodes passed: a loop in which none decrements?")

    def _forward(self, router: Router, journey: _Journey) -> tuple[int, int] | None:
        """Change the packet as the router does; the ICMP error in place of forwarding, None where it forwards."""
        packet = journey.packet
        if router.decrements:
            if packet.ttl == 0 or (packet.ttl == 1 and not router.forwards_expired):
                return _TIME_EXCEEDED[packet.family]
            packet = replace(packet, ttl=packet.ttl - 1)
        refusal = router.refuses if packet.family == 4 else router.refuses6
        if refusal is not None:
            return refusal
        journey.packet = packet
        if router.nat is not None:
            journey.passed.append((router.nat, packet))
            journey.packet = _translated(router.nat, packet)
        return None

    def _neighbour(self, router: Router, packet: Packet) -> str | None:
        if not router.next:
            return None
        if router.balance == "packet":
            return self._chance.choice(router.next)
        flow = f"{router.name} {packet.source} {packet.destination} {packet.protocol} {packet.ports}"
        return router.next[zlib.crc32(flow.encode()) % len(router.next)]

    def _error(self, router: Router, journey: _Journey, what: tuple[int, int]) -> list[Due]:
        if router.silent or not self._allowed(router, journey.at):
            return []
        return self._answered_by(
            router,
            journey,
            icmp_error(
                journey.quotable(),
                self._answers_from(router, journey.sent),
                journey.sent.source,
                what,
                quote=router.quote,
                extension=extension(router.labels, broken=router.breaks_extension),
                says_length=router.says_length,
            ),
        )

    def _allowed(self, router: Router, at: float) -> bool:
        """Whether the token bucket of a rate-limited router has one left."""
        if router.rate_per_s is None:
            return True
        tokens, last = self._tokens.get(router.name, (float(router.burst), at))
        tokens = min(tokens + (at - last) * router.rate_per_s, float(router.burst))
        self._tokens[router.name] = (tokens - 1 if tokens >= 1 else tokens, at)
        return tokens >= 1

    def _answers_from(self, router: Router, sent: Packet) -> str:
        own = _of_family(router.answers_from, sent.family) or [address_of(sent.family, router.number)]
        turn = self._answered.get(router.name, 0)
        self._answered[router.name] = turn + 1
        return own[turn % len(own)]

    def _answered_by(self, node: Node, journey: _Journey, answer: Packet | None) -> list[Due]:
        if answer is None or self._chance.random() < node.loss:
            return []
        due = journey.at + journey.way_s + node.answer_delay_s + self._chance.uniform(0, node.jitter_s)
        octets = replace(answer, ttl=max(answer.ttl - journey.hops + 1 - node.back_hops, 1)).encode()
        return [(due, octets)] * node.copies


def _translated(nat: Nat, packet: Packet) -> Packet:
    source = nat.source4 if packet.family == 4 else nat.source6
    destination = nat.destination4 if packet.family == 4 else nat.destination6
    addressed = replace(
        packet, source=source or packet.source, destination=destination or packet.destination
    ).with_ports(nat.source_port, nat.destination_port)
    return checksummed(addressed)


def _of_family(addresses: tuple[str, ...], family: int) -> list[str]:
    return [address for address in addresses if ipaddress.ip_address(address).version == family]


def _host_answer(host: Host, journey: _Journey) -> Packet | None:
    """The host's answer as the client gets it: translators have put everything back that they changed."""
    sent = journey.sent
    own = _of_family(host.answers_from, sent.family)
    source = own[0] if own else sent.destination
    if sent.protocol == UDP:
        if host.udp == "silent":
            return None
        refusal = _PORT_UNREACHABLE[sent.family]
        quoted = journey.quotable()
        error = icmp_error(
            quoted, source, sent.source, refusal, quote=host.quote, extension=b"", says_length=False
        )
        return replace(error, ttl=64)
    payload = _tcp_answer(host, sent) if sent.protocol == TCP else _echo_answer(host, sent)
    if payload is None:
        return None
    return checksummed(Packet(sent.family, source, sent.source, sent.protocol, 64, payload))


def _echo_answer(host: Host, sent: Packet) -> bytes | None:
    request, reply = {ICMP: (8, 0), ICMP6: (128, 129)}[sent.protocol]
    if not host.echo or sent.payload[0] != request:
        return None
    return bytes([reply]) + sent.payload[1:]


def _tcp_answer(host: Host, sent: Packet) -> bytes | None:
    """RFC 9293 §3.10.7, as far as a peer without memory can follow it."""
    source, destination, sequence, acknowledged, offset, flags = struct.unpack_from("!HHIIBB", sent.payload)
    data = len(sent.payload) - (offset >> 4) * 4
    if host.tcp == "silent" or flags & _RST:
        return None
    if flags & _SYN:
        answer = _RST | _ACK if host.tcp == "refuse" else _SYN | _ACK
        sequence, acknowledged = 0 if answer & _RST else 0x1234_5678, (sequence + 1) & 0xFFFF_FFFF
    elif host.tcp == "reset" and data:
        answer, sequence, acknowledged = _RST, acknowledged, 0
    else:
        return None
    return struct.pack("!HHIIBBHHH", destination, source, sequence, acknowledged, 0x50, answer, 64240, 0, 0)
