"""Origins out of a table's MRT records: both formats, every form of record, and what is damaged."""

from __future__ import annotations

import gzip
import io
import ipaddress
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.mrt import read_mrt
from monitor.bgp.mrt_origins import table_origins
from monitor.bgp.sources import read_prefix_table


def rib_record(wire, prefix, paths, subtype=2):
    """A TABLE_DUMP_V2 record of one prefix with a route of each path."""
    body = b"\0\0\0\0" + wire.nlri(prefix) + len(paths).to_bytes(2, "big")
    for path in paths:
        attributes = wire.attribute(1, b"\0") + wire.attribute(2, wire.as_path(path))
        path_id = b"\0\0\0\1" if subtype in (8, 10) else b""
        body += b"\0\0" + bytes(4) + path_id + len(attributes).to_bytes(2, "big") + attributes
    return wire.record(13, subtype, body)


def test_rib_gives_the_origins_of_every_peer(wire, tmp_path):
    """MOAS and AS_SETs are kept, in both families, with ADD-PATH, compressed; what is no table is left out."""
    records = [
        wire.record(13, 1, bytes(8)),
        rib_record(wire, "203.0.112.0/22", [[1, 64500], [2, 64500], [3, 64501]]),
        rib_record(wire, "203.0.113.0/25", [[1, {64502, 64503}]], subtype=8),
        rib_record(wire, "2001:db8::/33", [[1, 64504]], subtype=4),
        rib_record(wire, "198.51.100.0/24", [[]]),
        wire.record(13, 3, b"multicast"),
    ]
    path = tmp_path / "bview.20260616.0800.gz"
    path.write_bytes(gzip.compress(b"".join(records)))
    table = read_prefix_table(path)

    assert (len(table), table.bad) == (3, 0)
    assert [table.lookup(text) for text in ("203.0.112.1", "203.0.113.1", "203.0.113.200", "2001:db8::1")] == [
        {64500, 64501}, {64502, 64503}, {64500, 64501}, {64504},
    ]  # fmt: skip


def test_bad_and_torn_records_of_a_rib_are_counted(wire, tmp_path):
    """The others are read, up to the end that is torn."""
    good = rib_record(wire, "203.0.113.0/24", [[1, 64500]])
    long_prefix = wire.record(13, 2, b"\0\0\0\0" + bytes([33]) + bytes(9))
    lying_count = bytearray(good)
    lying_count[12 + 4 + 4 + 1] = 2
    path = tmp_path / "rib"
    path.write_bytes(wire.record(13, 1, bytes(8)) + long_prefix + bytes(lying_count) + good + good[:20])
    table = read_prefix_table(path)

    assert (len(table), table.bad) == (1, 3)
    assert table.errors[0].startswith("record 2: prefix length 33")
    assert table.errors[1].startswith("record 3: ends in entry 1 of 2")
    assert table.errors[2].startswith("record 5: ")


@pytest.mark.parametrize("odd", [0, 3, 5])
def test_one_odd_origin_among_many_peers_is_found(wire, odd):
    """Whichever peer it is that says so, though the others' routes need not be looked at one by one."""
    paths = [[peer, 3356, 64500] for peer in range(1, 7)]
    paths[odd][-1] = 64501
    body = b"\0\0\0\0" + wire.nlri("203.0.113.0/24") + len(paths).to_bytes(2, "big")
    alike = b"\0\0\0\0" + wire.nlri("198.51.100.0/24") + (6).to_bytes(2, "big")
    for path in paths:
        body += entry(wire, path)
        alike += entry(wire, [*path[:2], 64502, 64502])
    table = PrefixTable(table_origins(io.BytesIO(wire.record(13, 2, body) + wire.record(13, 2, alike))))

    assert [table.lookup(text) for text in ("203.0.113.1", "198.51.100.1")] == [{64500, 64501}, {64502}]
    assert table.bad == 0


def entry(wire, path):
    """A route with a next hop behind its path, as routers order them."""
    sequence = bytes([2, len(path)]) + b"".join(asn.to_bytes(4, "big") for asn in path)
    attributes = wire.attribute(1, b"\0") + wire.attribute(2, sequence) + wire.attribute(3, bytes(4))
    return b"\0\0" + bytes(4) + len(attributes).to_bytes(2, "big") + attributes


def old_record(prefix, *attributes):
    """A TABLE_DUMP record: one route of one peer, AS numbers of two bytes."""
    network = ipaddress.ip_network(prefix)
    peer = bytes(len(network.network_address.packed))
    fields = b"".join(attributes)
    body = bytes(4) + network.network_address.packed + bytes([network.prefixlen, 1]) + bytes(4) + peer + bytes(2)
    body += len(fields).to_bytes(2, "big") + fields
    return struct.pack("!IHHI", 0, 12, 1 if network.version == 4 else 2, len(body)) + body


def test_tables_of_the_old_format_are_read(wire, tmp_path):
    """RFC 6396 section 4.2: the routes of a prefix are joined, an AS number too long for it is in AS4_PATH."""

    def path(*asns):
        return wire.attribute(2, bytes([2, len(asns)]) + b"".join(asn.to_bytes(2, "big") for asn in asns))

    as4_path = wire.attribute(17, bytes([2, 1]) + (396_982).to_bytes(4, "big"))
    too_long = bytearray(old_record("198.51.100.0/24", path(9)))
    too_long[12 + 8] = 33
    file = tmp_path / "rib.20040101"
    file.write_bytes(
        old_record("203.0.112.0/22", wire.attribute(1, b"\0"), path(1, 64500))
        + old_record("203.0.112.0/22", path(2, 64501))
        + bytes(too_long)
        + old_record("203.0.113.0/24", path(1, 23456), as4_path)
        + old_record("2001:db8::/32", path(1, 64502))
    )
    table = read_prefix_table(file)

    assert (len(table), table.bad) == (3, 1)
    assert table.errors[0].startswith("record 3: prefix length 33")
    assert [table.lookup(text) for text in ("203.0.112.1", "203.0.113.1", "2001:db8::1")] == [
        {64500, 64501}, {396_982}, {64502},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "prefixes"),
    [("mrtparse.quagga_rib.mrt", 9), ("ripe-bgpdump.bview.ipv4_unicast_add_path.gz", 62)],
)
def test_real_ribs_have_the_prefixes_and_origins_of_the_mrt_reader(shared_data, name, prefixes):
    """Two readers of the same bytes, one of which the everyday tests hold beside bgpdump."""
    path = shared_data / "mrt" / name
    expected = {}
    for event in read_mrt(path):
        expected[event.prefix] = expected.get(event.prefix, frozenset()) | event.origins
    table = read_prefix_table(path)

    assert table.bad == 0
    assert len(expected) <= prefixes
    for prefix, origins in expected.items():
        found = table.lookup_prefix(prefix.network_address)
        if found is not None and found[0] == prefix:
            assert found[1] == origins
    assert len(table) == sum(bool(origins) for origins in expected.values())


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(((13, 2), (13, 4), (13, 8), (13, 10), (12, 1), (12, 2))))
def test_any_bytes_are_a_table_or_counted(body, kind):
    """A record's body, and the same without any header."""
    for data in (struct.pack("!IHHI", 0, *kind, len(body)) + body, body):
        entries = table_origins(io.BytesIO(data))
        found = len(entries)

        assert found + entries.bad <= max(len(data), 1)
        assert len(PrefixTable(entries)) == found


ROUTE = st.tuples(
    st.lists(st.integers(1, 2**32 - 1), min_size=1, max_size=3),
    st.sampled_from((64500, 64500, 64500, 64501)),
    st.sampled_from(("short", "short", "long", "path first", "alone")),
)


def _route(wire, asns, order, has_path_id):
    """A route whose AS_PATH stands where that router puts it; "long": its length takes two bytes."""
    sequence = bytes([2, len(asns)]) + b"".join(asn.to_bytes(4, "big") for asn in asns)
    origin, path, next_hop = wire.attribute(1, b"\0"), wire.attribute(2, sequence), wire.attribute(3, bytes(4))
    if order == "long":
        path = b"\x50\2" + len(sequence).to_bytes(2, "big") + sequence
    attributes = {"path first": path + origin + next_hop, "alone": origin + path}.get(
        order, origin + path + next_hop
    )
    before = b"\0\0" + bytes(4) + (b"\0\0\0\1" if has_path_id else b"")
    return before + len(attributes).to_bytes(2, "big") + attributes


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.sampled_from(((4, 2), (6, 4), (4, 8), (6, 10))),
    st.lists(st.tuples(st.integers(0, 128), st.integers(0, 2**128 - 1), st.lists(ROUTE, max_size=5)), max_size=3),
)
def test_any_routes_give_the_last_networks_of_their_paths(wire, form, records):
    """In all four forms, each length, the attributes in several orders; bits behind a prefix do not count."""
    version, subtype = form
    bits, make = (32, ipaddress.IPv4Network) if version == 4 else (128, ipaddress.IPv6Network)
    stream, expected = b"", {}
    for number, (length, first, routes) in enumerate(records):
        octets = (length % (bits + 1) + 7) // 8
        network = make((first % (1 << bits), length % (bits + 1)), strict=False)
        packed = (first % (1 << bits)).to_bytes(bits // 8, "big")[:octets]
        body = number.to_bytes(4, "big") + bytes([network.prefixlen]) + packed + len(routes).to_bytes(2, "big")
        body += b"".join(_route(wire, [*asns, origin], order, subtype > 4) for asns, origin, order in routes)
        stream += wire.record(13, subtype, body)
        if routes:
            expected[network] = expected.get(network, set()) | {origin for _, origin, _ in routes}
    table = PrefixTable(table_origins(io.BytesIO(stream)))

    assert (len(table), table.bad) == (len(expected), 0)
    for network in expected:
        deepest = max((one for one in expected if network[0] in one), key=lambda one: one.prefixlen)

        assert table.lookup_prefix(network[0]) == (deepest, expected[deepest])
