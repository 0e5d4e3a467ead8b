"""The pocket internet itself: its octets as scapy reads them, its times and its chance."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pocket.internet import Internet
from pocket.packet import NotAPacketError, Packet, checksum
from pocket.topology import CLIENT, TARGET, Host, Label, Nat, Router, Topology, address_of, line
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

FAMILIES = pytest.mark.parametrize("family", [4, 6])


def probe(family: int, transport: Any, ttl: int) -> bytes:
    """A packet of the client, made by scapy."""
    if family == 4:
        return bytes(IP(src=CLIENT[4], dst=TARGET[4], ttl=ttl, id=4711) / transport)
    return bytes(IPv6(src=CLIENT[6], dst=TARGET[6], hlim=ttl, fl=4711) / transport)


def only_answer(internet: Internet, octets: bytes, now: float = 0.0) -> Any:
    """The one answer, read by scapy, after its checksums were found right by scapy too."""
    ((_, answer),) = internet.receive(octets, now)
    read = IP(answer) if answer[0] >> 4 == 4 else IPv6(answer)
    again = read.copy()
    for layer in (again, again.payload):
        for field in ("chksum", "cksum"):
            if field in layer.fields:
                delattr(layer, field)
    assert bytes(again)[:48] == answer[:48]
    return read


@FAMILIES
@pytest.mark.parametrize(
    "transport",
    [UDP(sport=61440, dport=33434) / b"probe", TCP(sport=61440, dport=443, flags="S")],
    ids=["udp", "tcp"],
)
def test_an_expired_packet_is_quoted_as_it_arrived(family: int, transport: Any) -> None:
    """Time exceeded comes from the router, and its quotation is the packet, octet for octet."""
    octets = probe(family, transport, ttl=2)

    answer = only_answer(Internet(line(Router("a", 1), Router("b", 2), Host("h"))), octets)

    kind = (answer.payload.type, answer.payload.code)
    quoted = bytes(answer.payload)[8:]
    expected = Packet.decode(octets)
    assert (answer.src, kind) == (address_of(family, 2), (11, 0) if family == 4 else (3, 0))
    assert Packet.decode(quoted) == Packet(**{**fields_of(expected), "ttl": 1})


def fields_of(packet: Packet) -> dict[str, Any]:
    """The fields of a packet by name."""
    return {name: getattr(packet, name) for name in Packet.__dataclass_fields__}


@FAMILIES
def test_labels_are_read_back_by_scapy(family: int) -> None:
    """The RFC 4884 length and the RFC 4950 object are where scapy looks for them."""
    router = Router("a", 1, labels=(Label(16001, 5, 3), Label(24)))

    answer = only_answer(Internet(line(router, Host("h"))), probe(family, UDP(sport=1, dport=2), ttl=1))

    message = bytes(answer.payload)
    length = message[5] * 4 if family == 4 else message[4] * 8
    entry = MPLS(message[8 + length + 8 :])
    assert length == 128
    assert checksum(message[8 + length :]) == 0
    assert (entry.label, entry.cos, entry.s, entry.ttl) == (16001, 5, 0, 3)
    assert MPLS(bytes(entry)[4:]).fields == {"label": 24, "cos": 0, "s": 1, "ttl": 1}


@FAMILIES
def test_a_translator_is_seen_in_quotations_as_far_as_it_does_not_undo_its_work(family: int) -> None:
    """Behind a translator of ports the quotation has them, unless the translator restores it."""
    for restores, port in (("nothing", 4242), ("addresses", 61440), ("all", 61440)):
        nat = Nat(source_port=4242, restores=restores)  # type: ignore[arg-type]
        internet = Internet(line(Router("a", 1, nat=nat), Router("b", 2), Host("h")))
        octets = probe(family, UDP(sport=61440, dport=33434) / b"probe", ttl=2)

        quoted = Packet.decode(bytes(only_answer(internet, octets).payload)[8:])

        assert quoted.ports == (port, 33434)
        same_checksum = quoted.payload[6:8] == Packet.decode(octets).payload[6:8]
        assert same_checksum == (restores == "all")


@FAMILIES
def test_a_host_answers_each_method_in_its_way(family: int) -> None:
    """Scapy reads SYN-ACK, RST, echo reply; data to a host that resets is answered by the RST of RFC 9293."""
    echo = ICMP(type=8, id=7, seq=9) / b"data" if family == 4 else ICMPv6EchoRequest(id=7, seq=9, data=b"data")
    opened = only_answer(Internet(line(Host("h"))), probe(family, TCP(sport=1, dport=2, flags="S", seq=99), 64))
    refused = only_answer(
        Internet(line(Host("h", tcp="refuse"))), probe(family, TCP(sport=1, dport=2, flags="S", seq=99), 64)
    )
    reset = only_answer(
        Internet(line(Host("h", tcp="reset"))),
        probe(family, TCP(sport=1, dport=2, flags="PA", seq=100, ack=7777) / b"GET", 64),
    )
    echoed = only_answer(Internet(line(Host("h"))), probe(family, echo, 64))

    assert (opened[TCP].flags, opened[TCP].ack, refused[TCP].flags, refused[TCP].ack) == ("SA", 100, "RA", 100)
    assert (reset[TCP].flags, reset[TCP].seq) == ("R", 7777)
    assert bytes(echoed.payload)[4:] == bytes(echo)[4:]
    assert echoed.payload.type == (0 if family == 4 else 129)


def test_answers_are_due_when_light_and_slow_paths_allow() -> None:
    """Link delays count both ways, the router's slow path once; the reply TTL tells the way back."""
    topology = line(Router("a", 1, delay_s=0.01), Router("b", 2, delay_s=0.02, answer_delay_s=0.1, back_hops=3))

    ((due, answer),) = Internet(topology).receive(probe(4, UDP(sport=1, dport=2), ttl=2), now=50.0)

    assert due == pytest.approx(50.16)
    assert Packet.decode(answer).ttl == 255 - 1 - 3


def test_a_rate_limited_router_has_a_bucket() -> None:
    """Two at once, then one each half second."""
    internet = Internet(line(Router("a", 1, rate_per_s=2.0, burst=2), Host("h")))
    octets = probe(4, UDP(sport=1, dport=2), ttl=1)

    answered = [len(internet.receive(octets, at)) for at in (0.0, 0.1, 0.2, 0.5, 0.6, 1.1)]

    assert answered == [1, 1, 0, 1, 0, 1]


def test_balancing_by_packet_is_by_seed_and_by_flow_is_by_flow() -> None:
    """The same seed gives the same ways; one flow keeps its way, whatever else it carries."""

    def ways(balance: Any, seed: int, ports: list[int]) -> list[str]:
        nodes = (Router("a", 1, next=("b", "c"), balance=balance), Router("b", 2), Router("c", 3))
        internet = Internet(Topology(nodes=nodes, entries={TARGET[4]: "a"}, seed=seed))
        answers = [internet.receive(probe(4, UDP(sport=port, dport=2), ttl=2), 0.0) for port in ports]
        return [Packet.decode(answer).source for ((_, answer),) in answers]

    assert ways("packet", 1, [7] * 32) == ways("packet", 1, [7] * 32)
    assert len(set(ways("packet", 1, [7] * 32))) == 2
    assert len(set(ways("flow", 1, [7] * 32))) == 1
    assert len(set(ways("flow", 1, list(range(32))))) == 2


def test_a_topology_names_only_nodes_that_are_there() -> None:
    """A neighbour that is missing, or a name given twice, is an error of the test that says which."""
    with pytest.raises(ValueError, match="no node is named x"):
        Topology(nodes=(Router("a", 1, next=("x",)),), entries={})
    with pytest.raises(ValueError, match="every name once"):
        Topology(nodes=(Host("a"), Host("a")), entries={})


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.binary(max_size=120))
def test_any_octets_are_a_packet_or_none(octets: bytes) -> None:
    """What decodes is written back as it was, but for IPv4's header checksum."""
    try:
        packet = Packet.decode(octets)
    except NotAPacketError:
        return
    written = packet.encode()
    assert (written[:10], written[12:]) == (octets[:10], octets[12:])


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.sampled_from([4, 6]), st.integers(1, 255), st.integers(0, 65535), st.binary(max_size=64))
def test_packets_of_scapy_are_written_back_to_the_octet(family: int, ttl: int, port: int, data: bytes) -> None:
    """Reading and writing a packet changes nothing of it."""
    octets = probe(family, UDP(sport=port, dport=33434) / data, ttl)

    assert Packet.decode(octets).encode() == octets
