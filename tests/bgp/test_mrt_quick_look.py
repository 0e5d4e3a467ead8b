"""The quick look that passes over MRT records: it must give what filtering behind the decoder gives."""

from __future__ import annotations

import io
import ipaddress
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.mrt import MrtReader, MrtStats
from monitor.bgp.mrt_quick_look import pass_over
from monitor.bgp.mrt_stream import MrtStream
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.watch import Watch
from monitor.model import PeerState, RouteFact, parse_prefix

# Few places, so that what is watched and what is announced meet: equal, inside, covering, and neighbours.
PLACES = {4: ["10.0.0.0", "10.0.7.0", "10.1.0.0", "11.255.255.255"], 6: ["2001:db8::", "2001:db8:7::", "2a02::1"]}
SHORTEST_WATCHED = {4: 12, 6: 20}


def networks(version: int, shortest: int = 0) -> st.SearchStrategy[str]:
    """Prefixes of all lengths around a few places."""
    lengths = st.integers(shortest, 32 if version == 4 else 128)
    pairs = st.tuples(st.sampled_from(PLACES[version]), lengths)
    return pairs.map(lambda pair: str(ipaddress.ip_network(pair, strict=False)))


WATCHED = st.lists(st.one_of(networks(4, SHORTEST_WATCHED[4]), networks(6, SHORTEST_WATCHED[6])), max_size=4)
FEW_V4, FEW_V6 = st.lists(networks(4), max_size=5), st.lists(networks(6), max_size=5)


def filter_of(watch: Watch) -> PrefixFilter:
    """What equals, is inside or covers a watched prefix."""
    return PrefixFilter(watch.wants, watch.prefixes())


def read(data: bytes, wanted: PrefixFilter | None = None) -> tuple[list[RouteFact], MrtStats]:
    """All facts of a stream, and the counts."""
    reader = MrtReader(io.BytesIO(data), "rrc00", wanted)
    return list(reader), reader.stats


def record_of(wire, data: st.DataObject) -> bytes:
    """A record of any form in which collectors write UPDATEs and tables."""
    draw = data.draw
    if draw(st.integers(0, 3)) == 0:
        version = draw(st.sampled_from([4, 6]))
        attributes = wire.attribute(2, wire.as_path([64500]))
        entry = struct.pack("!HIH", 0, 1, len(attributes)) + attributes
        count = draw(st.integers(0, 3))
        body = bytes(4) + wire.nlri(draw(networks(version))) + struct.pack("!H", count) + entry * count
        return wire.record(13, {4: 2, 6: 4}[version], body)
    extended, subtype = draw(st.booleans()), draw(st.sampled_from([1, 4, 4, 9]))
    size = 2 if subtype == 1 else 4
    attributes = [
        # Community 0:257 spells a multiprotocol attribute's family where there is none.
        wire.attribute(8, b"\0\0\1\1"),
        wire.mp_reach("2001:db8::1", *draw(FEW_V6)),
        wire.mp_unreach(*draw(FEW_V6)),
        wire.mp_reach("198.51.100.1", *draw(FEW_V4), afi=1),
        wire.mp_reach("198.51.100.1", *draw(FEW_V4), afi=1, safi=2),
    ]
    path = wire.attribute(2, wire.as_path([64500, 64501], size))
    identifier = 7 if subtype == 9 else None
    # The writers of multiprotocol attributes know no path identifiers.
    others = [] if identifier else draw(st.lists(st.sampled_from(attributes), unique=True))
    update = wire.update(
        withdrawn=wire.nlri(*draw(FEW_V4), path_id=identifier),
        attributes=path + b"".join(others),
        announced=wire.nlri(*draw(FEW_V4), path_id=identifier),
    )
    session = wire.session(draw(st.sampled_from(["198.51.100.1", "2001:db8::9"])), 64500, size)
    kind = 2 if draw(st.integers(0, 9)) else 4
    message = wire.message(update if kind == 2 else b"", kind)
    return wire.record(17 if extended else 16, subtype, (bytes(4) if extended else b"") + session + message)


def peer_index(wire) -> bytes:
    """The record of one peer."""
    return wire.record(13, 1, bytes(6) + struct.pack("!HBI", 1, 0, 0) + bytes([198, 51, 100, 1]) + b"\xfb\xf4")


@settings(derandomize=True, max_examples=150, deadline=None)
@given(data=st.data(), watched=WATCHED)
def test_filter_and_full_decode_agree(wire, data, watched):
    """The same facts in the same order, and as many elements, whatever is watched."""
    stream = peer_index(wire) + b"".join(record_of(wire, data) for _ in range(data.draw(st.integers(0, 5))))
    watch = Watch(map(parse_prefix, watched))
    everything, stats = read(stream)
    found, filtered = read(stream, filter_of(watch))
    expected = [fact for fact in everything if isinstance(fact, PeerState) or watch.covers_event(fact.prefix)]

    assert found == expected
    assert (filtered.records, filtered.elements, filtered.other) == (stats.records, stats.elements, stats.other)
    assert (filtered.unwanted, filtered.bad) == (stats.elements - len(found), 0)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(data=st.data(), watched=WATCHED)
def test_damaged_records_lose_nothing_wanted(wire, data, watched):
    """With flipped bytes too, all that the full decode finds is found."""
    stream = bytearray(peer_index(wire) + b"".join(record_of(wire, data) for _ in range(3)))
    for place in data.draw(st.lists(st.integers(0, len(stream) - 1), max_size=3)):
        stream[place] = data.draw(st.integers(0, 255))
    watch = Watch(map(parse_prefix, watched))
    everything, _ = read(bytes(stream))
    found, _ = read(bytes(stream), filter_of(watch))
    expected = [fact for fact in everything if isinstance(fact, PeerState) or watch.covers_event(fact.prefix)]

    # A record that is bad in a part that nobody watches still tells its wanted part: more is allowed, less not.
    assert [fact for fact in expected if fact not in found] == []


def passed_over(data: bytes, *watched: str) -> tuple[int, int]:
    """How many records of a stream are left to be decoded, and how many elements the others hold."""
    ((block, bounds),) = MrtStream(io.BytesIO(data)).blocks()
    left, passed = pass_over(block, bounds, filter_of(Watch(map(parse_prefix, watched))))
    return len(left), passed


@pytest.mark.parametrize(
    ("announced", "left"),
    [
        ("203.0.113.0/24", 1),
        ("203.0.113.128/25", 1),
        ("203.0.112.0/22", 1),
        ("203.0.114.0/24", 0),
        ("203.0.114.128/25", 0),
        ("203.0.112.0/24", 0),
        ("0.0.0.0/0", 1),
    ],
)
def test_only_what_can_be_wanted_is_left(wire, announced, left):
    """Equal, inside and covering are left; the neighbours, longer ones too, are passed over and counted."""
    update = wire.update(attributes=wire.attribute(2, wire.as_path([64500])), announced=wire.nlri(announced))

    assert passed_over(wire.bgp4mp(update), "203.0.113.0/24") == (left, 1 - left)


def test_wanted_prefix_in_any_field_is_left(wire):
    """Withdrawn, or in a multiprotocol attribute behind others, of which one spells a family by chance."""
    attributes = wire.attribute(8, b"\0\0\1\1") + wire.attribute(2, wire.as_path([64500]))
    near = [
        wire.update(withdrawn=wire.nlri("203.0.113.0/24"), announced=b""),
        wire.update(attributes=attributes + wire.mp_reach("2001:db8::1", "2001:db8:7::/48")),
        wire.update(attributes=attributes + wire.mp_unreach("2001:db8:7::/48")),
    ]
    far = [
        wire.update(withdrawn=wire.nlri("198.51.100.0/24")),
        wire.update(attributes=attributes + wire.mp_reach("2001:db8::1", "2001:db9:7::/48", "2001:db9:8::/48")),
        wire.update(attributes=attributes),
    ]

    assert passed_over(b"".join(map(wire.bgp4mp, near + far)), "203.0.113.0/24", "2001:db8:7::/48") == (3, 3)


def test_table_record_is_passed_over_by_its_prefix(wire):
    """Its routes are counted, not read; another table's prefix is left."""
    table = b"".join(
        wire.record(13, subtype, bytes(4) + wire.nlri(prefix) + struct.pack("!H", 300))
        for subtype, prefix in [(2, "198.51.100.0/24"), (4, "2001:db9::/32"), (2, "203.0.113.0/25")]
    )

    assert passed_over(table, "203.0.113.0/24") == (1, 600)


@pytest.mark.parametrize("keep", range(0, 56, 5))
def test_cut_record_is_left_to_the_decoder(wire, keep):
    """Which says what is wrong with it; no cut makes the quick look read behind the record."""
    update = wire.update(
        attributes=wire.attribute(2, wire.as_path([64500])), announced=wire.nlri("198.51.100.0/24")
    )
    whole = wire.session("198.51.100.1", 64500) + wire.message(update)

    assert passed_over(wire.record(16, 4, whole[:keep]), "203.0.113.0/24") == (1, 0)
