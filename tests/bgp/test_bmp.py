"""BMP messages beside NetGauze's reading of the same bytes, and what one router's session amounts to."""

from __future__ import annotations

import gzip
import ipaddress
import json
import struct
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.bmp import (
    HEADER_BYTES,
    MAX_MESSAGE_BYTES,
    BmpError,
    Initiation,
    PeerDown,
    PeerUp,
    RouteMonitoring,
    StatisticsReport,
    Termination,
    View,
    decode,
    message_size,
)
from monitor.bgp.bmp_router import BmpRouter
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.watch import Watch
from monitor.model import PeerState, RouteEvent, RouteKind, parse_prefix

QUIET = settings(derandomize=True, max_examples=150, deadline=None)

# File -> messages by class, and bytes of a message that is cut at the end.
FILES = {
    "cisco-iosxr-peer-down.bmp": (
        {"Initiation": 1, "PeerUp": 10, "RouteMonitoring": 301, "StatisticsReport": 28, "PeerDown": 3},
        0,
    ),
    "cisco-truncated.bmp": ({"Initiation": 1, "PeerUp": 12, "RouteMonitoring": 53}, 156),
    "evpn.bmp": ({"PeerUp": 2, "StatisticsReport": 7, "PeerDown": 1, "RouteMonitoring": 6}, 0),
    "huawei-locrib.bmp": ({"Initiation": 1, "PeerUp": 18, "RouteMonitoring": 84}, 0),
    "many-routers-peer-up.s0.bmp": ({"PeerUp": 17}, 0),
    "many-routers-peer-up.s4.bmp": ({"PeerUp": 10}, 0),
    "many-routers-peer-up.s8.bmp": ({"PeerUp": 37}, 0),
    "peers-with-different-caps.bmp": ({"Initiation": 1, "PeerUp": 18, "RouteMonitoring": 173}, 0),
}
REASONS = {"RemoteSystemClosedNoData": 4}
STATISTICS = {
    "NumberOfPrefixesRejectedByInboundPolicy": 0,
    "NumberOfDuplicatePrefixAdvertisements": 1,
    "NumberOfDuplicateWithdraws": 2,
    "NumberOfUpdatesInvalidatedDueToClusterListLoop": 3,
    "NumberOfUpdatesInvalidatedDueToAsPathLoop": 4,
    "NumberOfUpdatesInvalidatedDueToOriginatorId": 5,
    "NumberOfUpdatesInvalidatedDueToAsConfederationLoop": 6,
    "NumberOfRoutesInAdjRibIn": 7,
    "NumberOfRoutesInLocRib": 8,
}


def messages(data: bytes) -> tuple[list[bytes], int]:
    """The whole messages of a stream, and how many bytes are left behind them."""
    found, start = [], 0
    while len(data) - start >= HEADER_BYTES:
        size = message_size(data[start : start + HEADER_BYTES])
        if start + size > len(data):
            break
        found.append(data[start : start + size])
        start += size
    return found, len(data) - start


@pytest.mark.parametrize("name", FILES)
def test_router_streams_are_read_to_their_end(shared_data, name):
    """Every message, none of them bad, to the router's facts."""
    whole, left = messages((shared_data / "bmp" / name).read_bytes())
    router = BmpRouter("router")
    kinds = Counter(type(router.take(message, 1.0)[0]).__name__ for message in whole)

    assert (dict(kinds), left) == FILES[name]
    assert router.counts.bad == 0


def test_a_session_of_bird_is_read():
    """Recorded by bmp_lab with BIRD 2.19.0: it puts IPv4 routes into MP_REACH_NLRI, adds a LOCAL_PREF that the
    peer never sent, and stamps neither Peer Up nor Peer Down, so that their time is ours."""
    whole, left = messages((Path(__file__).with_name("captures") / "bird-2.19.0.bmp").read_bytes())
    router = BmpRouter("bird-router")
    facts = [fact for number, message in enumerate(whole) for fact in router.take(message, 1000.0 + number)[1]]
    states = [fact.up for fact in facts if isinstance(fact, PeerState)]
    events = [(fact.kind, str(fact.path), fact.next_hop) for fact in facts if isinstance(fact, RouteEvent)]

    assert (left, router.counts.bad, router.counts.passed_over) == (0, 0, 0)
    assert Counter(type(decode(message)).__name__ for message in whole) == {
        "Initiation": 1, "PeerUp": 1, "RouteMonitoring": 4, "PeerDown": 1,
    }  # fmt: skip
    assert states == [True, False]
    assert events == [
        (RouteKind.ANNOUNCEMENT, "64500 64510", "198.51.100.2"),
        (RouteKind.ANNOUNCEMENT, "64500 64511 64512", "198.51.100.2"),
        (RouteKind.WITHDRAWAL, "None", None),
    ]
    assert {(one.peer, one.peer_asn, one.collector) for one in facts} == {("198.51.100.2", 64500, "bird-router")}
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)


@pytest.mark.parametrize("name", ["cisco-iosxr-peer-down", "peers-with-different-caps"])
def test_messages_say_what_netgauze_says(shared_data, name):
    """Peer, view, stamp, OPENs, counters, reason, and the unicast prefixes of each message, one by one."""
    whole, _ = messages((shared_data / "bmp" / f"{name}.bmp").read_bytes())
    answers = gzip.decompress((shared_data / "bmp" / f"{name}.expected.jsonl.gz").read_bytes()).splitlines()

    assert len(whole) == len(answers)
    for message, line in zip(whole, answers, strict=True):
        ((kind, answer),) = json.loads(line)["V3"].items()
        ours = decode(message)
        if kind == "Initiation":
            information = {key: text for field in answer["information"] for key, text in field.items()}
            assert ours == Initiation(information["SystemName"], information["SystemDescription"])
            continue
        assert_same_peer(ours.peer, answer["peer_header"])
        if isinstance(ours, RouteMonitoring):
            assert_same_prefixes(message, answer["update_message"]["Update"])
        elif isinstance(ours, PeerUp):
            for mine, theirs in ((ours.sent, "sent_message"), (ours.received, "received_message")):
                assert mine.asn == asn_of(answer[theirs]["Open"])
                assert (mine.sends, mine.receives) == add_path_of(answer[theirs]["Open"])
        elif isinstance(ours, PeerDown):
            assert ours.reason == REASONS[answer["reason"]]
        else:
            counters = {name: count for counter in answer["counters"] for name, count in counter.items()}
            assert isinstance(ours, StatisticsReport)
            of_all_families = {name: count for name, count in counters.items() if "PerAfiSafi" not in name}
            assert ours.counters == {STATISTICS[name]: count for name, count in of_all_families.items()}


def assert_same_peer(peer, answer) -> None:
    """The per-peer header."""
    ((kind, flags),) = answer["peer_type"].items()
    if kind == "LocRibInstancePeer":
        view, address = View.LOC_RIB, answer["bgp_id"]
    else:
        view = View.POST_POLICY if flags["post_policy"] else View.PRE_POLICY
        address = answer["address"]
        assert peer.asn_size == (2 if flags["asn2"] else 4)
    assert (peer.view, peer.address, peer.asn) == (view, address, answer["peer_as"])
    assert (peer.distinguisher == bytes(8)) == (answer["rd"] is None)


def assert_same_prefixes(message, answer) -> None:
    """What the UPDATE announces and withdraws of IPv4 itself and of the unicast families."""
    update = BmpRouter("router")
    # The distinguisher of a VPN is taken out: here it is the decoding that counts.
    _, facts = update.take(message[:8] + bytes(8) + message[16:], 1.0)
    found = {(fact.kind, str(fact.prefix)) for fact in facts}
    expected = {(RouteKind.WITHDRAWAL, route["network"]) for route in answer["withdrawn_routes"]}
    expected |= {(RouteKind.ANNOUNCEMENT, route["network"]) for route in answer["nlri"]}
    for attribute in answer["path_attributes"]:
        for name, kind in (("MpReach", RouteKind.ANNOUNCEMENT), ("MpUnreach", RouteKind.WITHDRAWAL)):
            for family, value in attribute["value"].get(name, {}).items():
                if family in ("Ipv4Unicast", "Ipv6Unicast"):
                    expected |= {(kind, route["network"]) for route in value["nlri"]}

    assert found == expected


def asn_of(answer) -> int:
    """The AS number of an OPEN, the four-octet one if there is one."""
    return next((c["FourOctetAs"]["asn4"] for c in capabilities(answer) if "FourOctetAs" in c), answer["my_as"])


def add_path_of(answer) -> tuple[frozenset[int], frozenset[int]]:
    """IP versions sent and received with path identifiers."""
    families = [
        family for c in capabilities(answer) if "AddPath" in c for family in c["AddPath"]["address_families"]
    ]
    versions = {"Ipv4Unicast": 4, "Ipv6Unicast": 6}
    return tuple(
        frozenset(versions[f["address_type"]] for f in families if f[way] and f["address_type"] in versions)
        for way in ("send", "receive")
    )


def capabilities(answer) -> list[dict]:
    """All that have values."""
    return [c for param in answer["params"] for c in param["Capabilities"] if isinstance(c, dict)]


def bmp(kind: int, body: bytes) -> bytes:
    """A message with its header."""
    return struct.pack("!BIB", 3, HEADER_BYTES + len(body), kind) + body


def peer_header(address="198.51.100.7", asn=64500, *, kind=0, flags=0, distinguisher=bytes(8)) -> bytes:
    """The per-peer header; the version flag follows from the address."""
    packed = ipaddress.ip_address(address).packed
    flags |= 0x80 if len(packed) == 16 else 0
    return (
        struct.pack("!BB", kind, flags)
        + distinguisher
        + packed.rjust(16, b"\0")
        + struct.pack("!I4sII", asn, bytes([203, 0, 113, 1]), 1_600_000_000, 0)
    )


def open_message(wire, asn: int, *capabilities: bytes) -> bytes:
    """An OPEN with the four-octet capability and others."""
    every = struct.pack("!BBI", 65, 4, asn) + b"".join(capabilities)
    parameters = bytes([2, len(every)]) + every
    return wire.message(struct.pack("!BHH4sB", 4, 23456, 180, bytes(4), len(parameters)) + parameters, kind=1)


def peer_up(wire, header: bytes, *, own=64999, peer=64500, sent=(), received=()) -> bytes:
    """A Peer Up."""
    return bmp(3, header + bytes(20) + open_message(wire, own, *sent) + open_message(wire, peer, *received))


def route(wire, header: bytes, *prefixes: str, path=(64500, 64510), path_id=None, size=4) -> bytes:
    """A Route Monitoring that announces prefixes of IPv4."""
    attributes = wire.attribute(2, wire.as_path(path, size)) + wire.attribute(3, bytes([198, 51, 100, 7]))
    update = wire.update(attributes=attributes, announced=wire.nlri(*prefixes, path_id=path_id))
    return bmp(0, header + wire.message(update))


def facts_of(*stream: bytes, wanted: PrefixFilter | None = None) -> list:
    """What a router's messages amount to, at 100.0."""
    router = BmpRouter("edge1", wanted)
    return [fact for message in stream for fact in router.take(message, 100.0)[1]]


def test_routes_have_the_time_of_their_arrival(wire):
    """FRR keeps the stamp of the route that is replaced."""
    up, event = facts_of(peer_up(wire, peer_header()), route(wire, peer_header(), "203.0.113.0/24"))

    assert up == PeerState(at=100.0, collector="edge1", peer="198.51.100.7", peer_asn=64500, up=True)
    assert (event.at, event.collector, event.peer, event.peer_asn) == (100.0, "edge1", "198.51.100.7", 64500)
    assert (str(event.prefix), str(event.path), event.kind) == (
        "203.0.113.0/24",
        "64500 64510",
        RouteKind.ANNOUNCEMENT,
    )


@pytest.mark.parametrize(
    ("path", "peer", "expected"),
    [
        ((64999, 64500, 64510), 64500, "64500 64510"),
        ((64500, 64999), 64500, "64500 64999"),
        ((64999, 64510), 64999, "64999 64510"),
    ],
    ids=["FRR's own number is taken off", "elsewhere it stays", "of an internal peer it stays"],
)
def test_own_number_in_front_of_an_external_peers_path(wire, path, peer, expected):
    """FRR 8.4 writes it there in the pre-policy view."""
    header = peer_header(asn=peer)
    facts = facts_of(peer_up(wire, header, peer=peer), route(wire, header, "203.0.113.0/24", path=path))

    assert str(facts[1].path) == expected


def test_one_view_of_a_peer_is_followed(wire):
    """Post-policy only where the router does not show what the peer sends; what it sends out never."""
    before, after, out = peer_header(), peer_header(flags=0x40), peer_header(flags=0x10)
    only_after = facts_of(peer_up(wire, after), route(wire, after, "203.0.113.0/24"))
    both = facts_of(
        peer_up(wire, before),
        peer_up(wire, after),
        route(wire, before, "203.0.113.0/24"),
        route(wire, after, "203.0.113.0/24", path=(64500, 1)),
        route(wire, out, "203.0.113.0/24", path=(64999,)),
    )

    assert [str(fact.path) for fact in only_after[1:]] == ["64500 64510"]
    assert [str(fact.path) for fact in both[1:]] == ["64500 64510"]


def test_withdrawals_alone_do_not_make_a_view_count(wire):
    """FRR without `soft-reconfiguration inbound` withdraws, before its policy, what it announces behind it."""
    before, after = peer_header(), peer_header(flags=0x40)
    withdrawal = bmp(0, before + wire.message(wire.update(withdrawn=wire.nlri("203.0.113.0/24"))))
    facts = facts_of(peer_up(wire, after), route(wire, after, "203.0.113.0/24"), withdrawal)

    assert [fact.kind for fact in facts[1:]] == [RouteKind.ANNOUNCEMENT]


def test_own_table_is_a_peer_under_the_routers_identifier(wire):
    """RFC 9069: its address is zero."""
    header = peer_header("0.0.0.0", 64999, kind=3)
    up, event = facts_of(peer_up(wire, header, peer=64999), route(wire, header, "203.0.113.0/24"))

    assert (up.peer, event.peer, event.peer_asn) == ("203.0.113.1", "203.0.113.1", 64999)


def test_tables_of_vpns_are_passed_over(wire):
    """The same prefix means another network there."""
    header = peer_header(kind=1, distinguisher=b"\0\0\0\1\0\0\0\2")
    router = BmpRouter("edge1")

    assert router.take(peer_up(wire, header), 1.0)[1] == []
    assert router.take(route(wire, header, "203.0.113.0/24"), 1.0)[1] == []
    assert router.counts.passed_over == 1


def test_path_identifiers_are_there_when_both_sides_said_so(wire):
    """RFC 7911 section 4: the peer sends, the router receives; 1 receives, 2 sends."""
    receives, sends = (struct.pack("!BBHBB", 69, 4, 1, 1, way) for way in (1, 2))
    agreed = peer_up(wire, peer_header(), sent=[receives], received=[sends])
    other_way = peer_up(wire, peer_header(), sent=[sends], received=[receives])
    marked = route(wire, peer_header(), "203.0.113.0/24", path_id=0x18010203)
    plain = route(wire, peer_header(), "203.0.113.0/24")

    assert [str(fact.prefix) for fact in facts_of(agreed, marked)[1:]] == ["203.0.113.0/24"]
    assert [str(fact.prefix) for fact in facts_of(other_way, plain)[1:]] == ["203.0.113.0/24"]


def test_two_byte_paths_are_told_by_their_flag(wire):
    """Section 4.2: the A flag."""
    header = peer_header(flags=0x20)
    facts = facts_of(peer_up(wire, header), route(wire, header, "203.0.113.0/24", size=2))

    assert str(facts[1].path) == "64500 64510"


def test_peer_down_and_the_sessions_end_are_said_once(wire):
    """A peer that is down already is not down again."""
    router = BmpRouter("edge1")
    other = peer_header("2001:db8::7")
    stream = [
        peer_up(wire, peer_header()),
        peer_up(wire, peer_header()),
        peer_up(wire, other),
        bmp(2, peer_header() + b"\4"),
        bmp(2, peer_header() + b"\4"),
    ]
    states = [(f.peer, f.up) for message in stream for f in router.take(message, 1.0)[1]]

    assert states == [("198.51.100.7", True), ("2001:db8::7", True), ("198.51.100.7", False)]
    assert [(fact.peer, fact.up) for fact in router.end(2.0)] == [("2001:db8::7", False)]
    assert router.end(3.0) == []


def test_only_watched_routes_become_facts(wire):
    """The others are counted."""
    watch = Watch([parse_prefix("203.0.113.0/24")])
    router = BmpRouter("edge1", PrefixFilter(watch.wants, watch.prefixes()))
    _, facts = router.take(route(wire, peer_header(), "203.0.113.0/24", "10.0.0.0/8"), 1.0)

    assert [str(fact.prefix) for fact in facts] == ["203.0.113.0/24"]
    assert router.counts.elements == 2


def test_termination_and_statistics(wire):
    """The reason, and counters of four and eight bytes; gauges by family are left out."""
    counters = struct.pack("!IHHIHHQHHHBQ", 3, 0, 4, 7, 7, 8, 9, 9, 11, 1, 1, 5)

    assert decode(bmp(5, struct.pack("!HHH", 1, 2, 3))) == Termination(3)
    assert decode(bmp(5, b"")) == Termination(None)
    assert decode(bmp(1, peer_header() + counters)).counters == {0: 7, 7: 9}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"\2\0\0\0\6\4", "version 2"),
        (struct.pack("!BIB", 3, MAX_MESSAGE_BYTES + 1, 0), "not in"),
        (struct.pack("!BIB", 3, 5, 0), "not in"),
        (bmp(0, b"\0" * 41), "at least 42"),
        (bmp(2, peer_header()), "without a reason"),
        (bmp(3, peer_header() + bytes(20)), "no BGP OPEN"),
        (bmp(4, b"\0\2\0\5edge"), "ends behind"),
        (bmp(1, peer_header()), "without a count"),
    ],
)
def test_malformed_messages_say_what_is_wrong(message, says):
    """One reason each."""
    with pytest.raises(BmpError, match=says):
        decode(message)


def test_bad_messages_are_counted_kept_and_passed_over(wire):
    """Bounded, and the next one is read."""
    router = BmpRouter("edge1")
    for _ in range(100):
        assert router.take(bmp(0, peer_header() + b"x" * 1000), 1.0) == (None, [])
    _, facts = router.take(route(wire, peer_header(), "203.0.113.0/24"), 1.0)

    assert (router.counts.bad, len(router.counts.bad_messages), len(facts)) == (100, 16, 1)
    assert max(len(data) for _, data in router.counts.bad_messages) == 256


@QUIET
@given(st.integers(0, 7), st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_message_or_our_error(kind, body, of_peer):
    """And a router's session counts what it cannot read."""
    message = bmp(kind, (peer_header() if of_peer else b"") + body)
    try:
        read = decode(message)
    except BmpError:
        read = None
    router = BmpRouter("edge1")
    taken, facts = router.take(message, 1.0)

    assert taken in (read, None)
    assert (taken is None) == (router.counts.bad == 1)
    assert not (facts and taken is None)


@QUIET
@given(st.data())
def test_flipped_bytes_never_raise(wire, data):
    """Mutations of good streams reach deeper than random bytes."""
    stream = [peer_up(wire, peer_header()), route(wire, peer_header(), "203.0.113.0/24")]
    router = BmpRouter("edge1")
    for good in stream:
        message = bytearray(good)
        for place in data.draw(st.lists(st.integers(HEADER_BYTES, len(good) - 1), max_size=4)):
            message[place] = data.draw(st.integers(0, 255))
        taken, facts = router.take(bytes(message), 1.0)
        assert taken is not None or not facts

    assert router.counts.received == 2
