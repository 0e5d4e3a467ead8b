"""The MRT reader on records built by hand: every type, and every way to be broken."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.mrt import MrtReader, MrtStats, collector_of, read_mrt
from monitor.bgp.mrt_stream import MAX_RECORD_BYTES
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.prefix_key import key_of
from monitor.model import PeerState, RouteEvent, RouteKind, parse_prefix

AT = 1_600_000_000


@pytest.fixture
def announcement(wire):
    """An UPDATE's body with one IPv4 route."""
    return wire.update(
        attributes=wire.attribute(2, wire.as_path([64500, 64501])), announced=wire.nlri("203.0.113.0/24")
    )


def read(data: bytes, **kwargs) -> tuple[list, MrtStats]:
    """All facts of a stream, and the counts."""
    reader = MrtReader(io.BytesIO(data), "rrc00", **kwargs)
    return list(reader), reader.stats


def test_bgp4mp_update_becomes_a_route_event(wire, announcement):
    """With the record's time, the session's peer, and the reader's collector."""
    facts, stats = read(wire.bgp4mp(announcement, peer="2001:db8::9", asn=4_200_000_001))

    (event,) = facts
    assert isinstance(event, RouteEvent)
    assert (event.at, event.peer, event.peer_asn, event.collector) == (AT, "2001:db8::9", 4_200_000_001, "rrc00")
    assert (str(event.prefix), str(event.path), event.kind) == (
        "203.0.113.0/24",
        "64500 64501",
        RouteKind.ANNOUNCEMENT,
    )
    assert (stats.records, stats.elements, stats.bad) == (1, 1, 0)


def test_extended_timestamp_is_cut_to_the_millisecond(wire, announcement):
    """0.999999 s stays in its second."""
    body = struct.pack("!I", 999_999) + wire.session("198.51.100.1", 64500) + wire.message(announcement)
    facts, _ = read(wire.record(17, 4, body))

    assert facts[0].at == pytest.approx(AT + 0.999, abs=1e-6)


@pytest.mark.parametrize(("subtype", "size"), [(0, 2), (5, 4)])
@pytest.mark.parametrize(("state", "up"), [(6, True), (1, False), (5, False)])
def test_state_changes_tell_whether_the_peer_is_up(wire, subtype, size, state, up):
    """Up in Established only."""
    facts, _ = read(
        wire.record(16, subtype, wire.session("198.51.100.1", 64500, size) + struct.pack("!HH", 3, state))
    )

    assert facts == [PeerState(at=AT, collector="rrc00", peer="198.51.100.1", peer_asn=64500, up=up)]


@pytest.mark.parametrize("subtype", [6, 7, 10, 11])
def test_messages_of_the_collector_itself_are_passed_over(wire, announcement, subtype):
    """The `_LOCAL` subtypes say nothing of what peers route."""
    body = wire.session("198.51.100.1", 64500) + wire.message(announcement)
    facts, stats = read(wire.record(16, subtype, body))

    assert (facts, stats.other, stats.bad) == ([], 1, 0)


def test_add_path_subtype_carries_identifiers(wire):
    """RFC 8050 section 4."""
    body = wire.update(
        attributes=wire.attribute(2, wire.as_path([64500])), announced=wire.nlri("203.0.113.0/24", path_id=2**20)
    )
    facts, stats = read(wire.record(16, 9, wire.session("198.51.100.1", 64500) + wire.message(body)))

    assert [str(fact.prefix) for fact in facts] == ["203.0.113.0/24"]
    assert stats.bad == 0


def test_old_bgp_type_has_no_bgp_header(wire):
    """RFC 6396 appendix B.2: two-byte AS numbers, IPv4."""
    head = struct.pack("!H4sH4s", 64500, bytes([198, 51, 100, 1]), 64999, bytes([198, 51, 100, 2]))
    update = wire.update(
        attributes=wire.attribute(2, wire.as_path([64500, 1], 2)), announced=wire.nlri("203.0.113.0/24")
    )
    state = struct.pack("!H4sHH", 64500, bytes([198, 51, 100, 1]), 6, 1)
    facts, stats = read(wire.record(5, 1, head + update) + wire.record(5, 3, state) + wire.record(5, 7, b""))

    assert (str(facts[0].path), facts[0].peer) == ("64500 1", "198.51.100.1")
    assert (facts[1].up, facts[1].peer_asn) == (False, 64500)
    assert (stats.elements, stats.other, stats.bad) == (2, 1, 0)


def peer_index(*peers: tuple[int, bytes, bytes]) -> bytes:
    """A PEER_INDEX_TABLE's message: (type, address, AS) of each peer."""
    entries = b"".join(struct.pack("!BI", kind, 0) + address + asn for kind, address, asn in peers)
    return struct.pack("!I", 0) + struct.pack("!H", 4) + b"view" + struct.pack("!H", len(peers)) + entries


INDEX = peer_index(
    (0, bytes([198, 51, 100, 1]), b"\xfb\xf4"), (3, bytes(15) + b"\x01", (4_200_000_001).to_bytes(4))
)


def rib(wire, prefix: str, *peers: int, add_path: bool = False, attributes: bytes | None = None) -> bytes:
    """A RIB record's message with one entry a peer."""
    if attributes is None:
        attributes = wire.attribute(2, wire.as_path([64500, 64501])) + wire.attribute(3, bytes([198, 51, 100, 7]))
    out = struct.pack("!I", 0) + wire.nlri(prefix) + struct.pack("!H", len(peers))
    for peer in peers:
        identifier = struct.pack("!I", 9) if add_path else b""
        out += struct.pack("!HI", peer, AT - 500) + identifier + struct.pack("!H", len(attributes)) + attributes
    return out


@pytest.mark.parametrize(
    ("subtype", "prefix", "add_path"),
    [
        (2, "203.0.113.0/24", False),
        (4, "2001:db8::/32", False),
        (8, "203.0.113.0/24", True),
        (10, "2001:db8::/32", True),
    ],
)
def test_table_entries_are_routes_at_the_time_of_the_dump(wire, subtype, prefix, add_path):
    """TABLE_DUMP_V2 with and without ADD-PATH."""
    data = wire.record(13, 1, INDEX) + wire.record(13, subtype, rib(wire, prefix, 0, 1, add_path=add_path))
    facts, stats = read(data)

    assert [(fact.peer, fact.peer_asn) for fact in facts] == [("198.51.100.1", 64500), ("::1", 4_200_000_001)]
    assert {(str(fact.prefix), fact.kind, fact.at, fact.next_hop) for fact in facts} == {
        (prefix, RouteKind.RIB, AT, "198.51.100.7")
    }
    assert (stats.elements, stats.bad) == (2, 0)


@pytest.mark.parametrize("whole", [False, True], ids=["shortened as RFC 6396 says", "whole as some write it"])
def test_next_hop_of_a_table_entry(wire, whole):
    """RFC 6396 section 4.3.4 keeps only the next hop of MP_REACH_NLRI; not every writer knows."""
    hop = bytes(15) + b"\x09"
    value = struct.pack("!HBB", 2, 1, 16) + hop + b"\0" if whole else bytes([16]) + hop
    attributes = wire.attribute(2, wire.as_path([64500])) + wire.attribute(14, value)
    facts, _ = read(
        wire.record(13, 1, INDEX) + wire.record(13, 4, rib(wire, "2001:db8::/32", 0, attributes=attributes))
    )

    assert facts[0].next_hop == "::9"


def test_old_table_dump(wire):
    """RFC 6396 section 4.2."""
    attributes = wire.attribute(2, wire.as_path([64500, 64501], 2))
    body = (
        struct.pack("!HH", 0, 1)
        + bytes([203, 0, 113, 0, 24, 1])
        + struct.pack("!I", AT - 500)
        + bytes([198, 51, 100, 1])
        + struct.pack("!HH", 64500, len(attributes))
        + attributes
    )
    facts, stats = read(wire.record(12, 1, body))

    assert [(str(fact.prefix), str(fact.path), fact.peer_asn) for fact in facts] == [
        ("203.0.113.0/24", "64500 64501", 64500)
    ]
    assert stats.bad == 0


def test_bad_records_are_counted_kept_and_passed_over(wire, announcement):
    """The good record behind each of them is still read."""
    good = wire.bgp4mp(announcement)
    broken = [
        wire.record(16, 4, b"\0" * 5),
        wire.record(16, 4, wire.session("198.51.100.1", 64500) + b"no header"),
        wire.record(16, 4, wire.session("198.51.100.1", 64500)[:10] + b"\0\x09" + bytes(8)),
        wire.record(16, 5, wire.session("198.51.100.1", 64500) + b"\0"),
        wire.record(17, 4, b"\0"),
        wire.record(13, 2, rib(wire, "203.0.113.0/24", 0)),
        wire.record(13, 1, INDEX[:-1]),
        wire.record(12, 1, b"\0"),
        wire.record(5, 1, b"\0"),
    ]
    facts, stats = read(b"".join(record + good for record in broken))

    assert len(facts) == len(broken)
    assert (stats.bad, stats.records, stats.damage) == (len(broken), 2 * len(broken), None)
    assert [record.offset for record in stats.bad_records][:2] == [0, len(broken[0] + good)]
    assert stats.bad_records[0].data == b"\0" * 5


def test_entry_of_an_unknown_peer_is_bad(wire):
    """It must not be taken for another peer's."""
    _, stats = read(wire.record(13, 1, INDEX) + wire.record(13, 2, rib(wire, "203.0.113.0/24", 7)))

    assert stats.bad_records[0].reason == "RIB entry 0 names peer 7 of 2"


def test_kept_bad_records_are_bounded(wire):
    """A hostile file cannot fill the memory with its errors."""
    _, stats = read(wire.record(16, 4, b"x" * 3000) * 100)

    assert stats.bad == 100
    assert (len(stats.bad_records), max(len(record.data) for record in stats.bad_records)) == (16, 256)


@pytest.mark.parametrize("cut", [3, 15, -1])
def test_stream_cut_in_a_record_says_so(wire, announcement, cut):
    """What was before the cut is there."""
    good = wire.bgp4mp(announcement)
    facts, stats = read(good + good[:cut])

    assert len(facts) == 1
    assert f"at byte {len(good)}" in stats.damage


def test_absurd_length_ends_the_stream():
    """Behind it there is no telling where the next record begins; nothing of that size is read."""
    _, stats = read(struct.pack("!IHHI", AT, 16, 4, MAX_RECORD_BYTES + 1) + bytes(100))

    assert "above" in stats.damage


def test_wanted_prefixes_only(wire, announcement):
    """The others are counted, in tables too."""
    other = wire.update(
        attributes=wire.attribute(2, wire.as_path([1])), announced=wire.nlri("10.0.0.0/8", "11.0.0.0/8")
    )
    table = wire.record(13, 1, INDEX) + wire.record(13, 2, rib(wire, "10.0.0.0/8", 0, 1))
    prefix = parse_prefix("203.0.113.0/24")
    wanted = PrefixFilter(lambda _, key: key == key_of(prefix), [prefix])
    facts, stats = read(wire.bgp4mp(announcement) + wire.bgp4mp(other) + table, wanted=wanted)

    assert [str(fact.prefix) for fact in facts] == ["203.0.113.0/24"]
    assert (stats.elements, stats.unwanted) == (5, 4)


def pack_zstd(data: bytes) -> bytes:
    """Zstandard, one frame."""
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, pack_zstd])
def test_compression_is_told_by_content_not_by_name(wire, announcement, tmp_path, pack):
    """The name says nothing; several members in one file are read one after another."""
    path = tmp_path / "anything.bin"
    path.write_bytes(pack(wire.bgp4mp(announcement)) + pack(wire.bgp4mp(announcement, asn=64511)))

    assert [fact.peer_asn for fact in read_mrt(path)] == [64500, 64511]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_truncated_compressed_file_gives_what_is_there(wire, announcement, tmp_path, pack):
    """Real data is torn; the damage is told."""
    records = b"".join(wire.bgp4mp(announcement, at=AT + number * 7919) for number in range(60_000))
    path = tmp_path / "torn"
    packed = pack(records)
    path.write_bytes(packed[: len(packed) // 2])
    stats = MrtStats()
    count = sum(1 for _ in read_mrt(path, stats=stats))

    assert 0 < count < 60_000
    assert "ends in the middle" in stats.damage


@pytest.mark.parametrize(
    ("path", "collector"),
    [
        ("/data/rrc06/updates.20150401.0000.gz", "rrc06"),
        ("caida.route-views.jinx.updates.20150401.0000.bz2", "route-views.jinx"),
        ("/archive/route-views2/rib.20140523.0600.bz2", "route-views2"),
        ("/home/someone/updates.mrt", "mrt"),
    ],
)
def test_collector_is_named_by_the_path(path, collector):
    """No MRT record names it."""
    assert collector_of(Path(path)) == collector


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([5, 12, 13, 16, 17]), st.integers(0, 12), st.binary(max_size=80)), max_size=6
    ),
    st.binary(max_size=12),
)
def test_any_records_are_facts_or_counted(wire, records, rest):
    """No input raises, and every record is accounted for."""
    facts, stats = read(b"".join(wire.record(*record) for record in records) + rest)

    assert stats.records == len(records)
    assert stats.bad <= stats.records + 1
    assert len(facts) <= stats.elements


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.data())
def test_a_flipped_byte_never_stops_the_reader(wire, data):
    """Mutations of good files reach deeper than random bytes."""
    attributes = wire.attribute(2, wire.as_path([64500, {1, 2}])) + wire.mp_reach("2001:db8::1", "2001:db8:1::/48")
    good = wire.bgp4mp(wire.update(attributes=attributes, announced=wire.nlri("203.0.113.0/24")))
    table = wire.record(13, 1, INDEX) + wire.record(13, 2, rib(wire, "203.0.113.0/24", 0, 1))
    stream = bytearray(good + table)
    for place in data.draw(st.lists(st.integers(0, len(stream) - 1), max_size=4)):
        stream[place] = data.draw(st.integers(0, 255))
    facts, stats = read(bytes(stream))

    assert len(facts) <= stats.elements
