"""The prefix-to-AS table: its formats, and the longest match against a naive one."""

from __future__ import annotations

import gzip
import ipaddress
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.sources import ExchangesError, read_exchanges, read_prefix_table
from monitor.model import parse_address

LINES = [
    "# a comment",
    "; pyasn's",
    "",
    "203.0.112.0/22\t64500",
    "203.0.113.0\t24\t64501_64502",
    "203.0.113.0/28 64503,64504   # a set",
    b"2001:db8::\t32\t64505\n",
    "0.0.0.0/1 AS64506",
    "203.0.113.0/24 64507",
]


@pytest.mark.parametrize(
    ("address", "prefix", "origins"),
    [
        ("203.0.112.1", "203.0.112.0/22", {64500}),
        ("203.0.113.200", "203.0.113.0/24", {64501, 64502, 64507}),
        ("203.0.113.15", "203.0.113.0/28", {64503, 64504}),
        ("203.0.113.16", "203.0.113.0/24", {64501, 64502, 64507}),
        ("203.0.115.255", "203.0.112.0/22", {64500}),
        ("2001:db8:ffff::1", "2001:db8::/32", {64505}),
        ("1.2.3.4", "0.0.0.0/1", {64506}),
    ],
)
def test_longest_match(address, prefix, origins):
    """By text and by value; a prefix on two lines has the origins of both."""
    table = PrefixTable.parse(LINES)

    assert table.lookup(address) == origins
    found = table.lookup_prefix(parse_address(address))
    assert (str(found[0]), found[1]) == (prefix, origins)
    assert (len(table), table.bad) == (5, 0)


@pytest.mark.parametrize("address", ["203.0.116.0", "203.0.111.255", "255.255.255.255", "2001:db9::", "::"])
def test_unmapped_addresses_have_no_origin(address):
    """Both edges of the prefixes, and the ends of the address space."""
    table = PrefixTable.parse(LINES)

    assert table.lookup(address) is None
    assert table.lookup_prefix(address) is None


def test_no_address_is_an_error():
    """Not an unmapped address."""
    with pytest.raises(ValueError, match="does not appear"):
        PrefixTable().lookup("203.0.113")


@pytest.mark.parametrize(
    "line",
    [
        "203.0.113.0/24",
        "203.0.113.1/24 1",
        "203.0.113.0 33 1",
        "a b c d",
        "203.0.113.0/24 1_",
        "203.0.113.0 24 \u0661",
        "203.0.113.0/24 4294967296",
        b"\xff 1",
        "x" * 5000,
    ],
)
def test_bad_lines_are_counted(line):
    """And the good one behind them is read."""
    table = PrefixTable.parse([line, "198.51.100.0/24 1"])

    assert (table.bad, len(table), table.lookup("198.51.100.1")) == (1, 1, {1})
    assert table.errors[0].startswith("line 1: ")


def test_any_order_of_the_lines_is_the_same_table():
    """Sorted as collectors write them, backwards, and each prefix on two lines far apart; AS 0 is an AS too."""
    lines = [f"10.{i}.0.0 {16 + i % 9} {i * j}" for j in (1, 70_000) for i in range(250)]
    tables = [PrefixTable.parse(told) for told in (lines, lines[::-1], sorted(lines))]
    asked = [f"10.{i}.{low}.7" for i in range(250) for low in (0, 200)]
    answers = [[table.lookup_prefix(address) for address in asked] for table in tables]

    assert answers[0] == answers[1] == answers[2]
    assert {len(table) for table in tables} == {250}
    assert tables[0].lookup("10.0.0.1") == {0}
    assert tables[0].lookup("10.7.0.1") == {7, 490_000}


def test_whole_address_space_is_one_range():
    """The last address belongs to it as well."""
    table = PrefixTable.parse(["0.0.0.0/0 1", "::/0 2", "255.255.255.255/32 3"])

    assert [table.lookup(text) for text in ("0.0.0.0", "255.255.255.254", "255.255.255.255", "ffff::")] == [
        {1},
        {1},
        {3},
        {2},
    ]


def test_exchange_points_lie_over_the_table():
    """Whoever announces an exchange's network, a hop in it belongs to no AS that we know."""
    lines = ["80.249.208.0/21 1200", "80.249.0.0/16 64500", "2001:7f8::/32 64501"]
    exchanges = [ipaddress.ip_network(text) for text in ("80.249.208.0/21", "2001:7f8:1::/64")]
    table = PrefixTable.parse(lines, exchanges)

    assert [table.lookup(text) for text in ("80.249.209.1", "80.249.1.1", "2001:7f8:1::1", "2001:7f8::1")] == [
        None, {64500}, None, {64501},
    ]  # fmt: skip
    assert [table.is_exchange(text) for text in ("80.249.209.1", "80.249.1.1", "2001:7f8:1::1", "9.9.9.9")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert table.lookup_prefix("80.249.209.1") is None


def test_exchange_points_are_read_from_peeringdb_and_from_lines(tmp_path):
    """The export of `ixpfx`; anything else is refused with its name."""
    peeringdb, lines, wrong = (tmp_path / name for name in ("ixpfx.json", "ixps.txt", "wrong.json"))
    peeringdb.write_text('{"meta": {}, "data": [{"id": 1, "protocol": "IPv4", "prefix": "80.249.208.0/21"}]}')
    lines.write_text("# ours\n80.249.208.0/21\n\n2001:7f8:1::/64  # AMS-IX\n")
    wrong.write_text('{"data": [{"prefix": "80.249.208.1/21"}]}')

    assert [str(prefix) for prefix in read_exchanges(peeringdb)] == ["80.249.208.0/21"]
    assert [str(prefix) for prefix in read_exchanges(lines)] == ["80.249.208.0/21", "2001:7f8:1::/64"]
    with pytest.raises(ExchangesError, match=r"wrong\.json: no list of prefixes"):
        read_exchanges(wrong)


NETWORKS = st.one_of(
    st.tuples(st.integers(0, 15), st.integers(0, 4)).map(
        lambda t: ipaddress.IPv4Network((t[0] << 28, t[1]), strict=False)
    ),
    st.tuples(st.integers(0, 15), st.integers(0, 4)).map(
        lambda t: ipaddress.IPv6Network((t[0] << 124, t[1]), strict=False)
    ),
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.dictionaries(NETWORKS, st.integers(1, 9), max_size=12))
def test_table_agrees_with_a_naive_longest_match(prefixes):
    """At the first and last address of every block of the space, in both families."""
    table = PrefixTable.parse(f"{prefix} {asn}" for prefix, asn in prefixes.items())
    for make, bits in ((ipaddress.IPv4Address, 32), (ipaddress.IPv6Address, 128)):
        size = 1 << bits - 4
        for address in (make(block * size + offset) for block in range(16) for offset in (0, size - 1)):
            matching = [prefix for prefix in prefixes if address in prefix]
            best = max(matching, key=lambda prefix: prefix.prefixlen, default=None)

            assert table.lookup_prefix(address) == ((best, {prefixes[best]}) if best else None)


@pytest.mark.parametrize(
    ("version", "bits", "lengths"), [(4, 32, (8, 15, 17, 24, 32)), (6, 128, (12, 20, 48, 128))]
)
def test_thousands_of_nested_prefixes_agree_with_a_look_up_by_length(version, bits, lengths):
    """In crowded and empty parts of the address space, at the edges of each prefix and just outside."""
    rng = random.Random(version)
    known = {}
    for number in range(4000):
        length = rng.choice(lengths)
        first = rng.choice((0, 1 << bits - 1, 203 << bits - 8)) + rng.getrandbits(bits - 8) >> bits - length
        known[first, length] = number + 1
    make = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    table = PrefixTable.parse(f"{make((first << bits - n, n))} {asn}" for (first, n), asn in known.items())
    edges = {edge for first, n in known for edge in (first << bits - n, (first + 1 << bits - n) - 1)}
    for at in (near % (1 << bits) for edge in edges for near in (edge - 1, edge, edge + 1)):
        found = next((known[at >> bits - n, n] for n in reversed(lengths) if (at >> bits - n, n) in known), None)
        address = ipaddress.IPv4Address(at) if version == 4 else ipaddress.IPv6Address(at)

        assert table.lookup(address) == (found and {found})


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.text(max_size=40), max_size=5))
def test_any_lines_are_a_table(lines):
    """Lines are prefixes, comments, or counted."""
    table = PrefixTable.parse(lines)

    assert len(table) + table.bad <= len(lines)


def test_real_table_of_half_a_million_prefixes(shared_data):
    """pyasn's full table of 2014, compressed; Google's resolver and a hole in it."""
    table = read_prefix_table(shared_data / "pfx2as" / "pyasn.ipasn_20140513.dat.gz")

    assert (len(table), table.bad) == (512_621, 0)
    assert table.lookup("8.8.8.8") == {15169}
    assert table.lookup("10.1.2.3") is None


def test_real_caida_tables(shared_data):
    """Three columns, several origins."""
    table = read_prefix_table(shared_data / "pfx2as" / "mlab.RouteViewIPv6.incomplete.gz")

    assert table.bad == 0
    assert table.lookup("2001::1") == {6939, 1101, 25192}


def test_file_without_line_ends_and_a_torn_one_are_read(tmp_path):
    """One endless line is a bad one; a torn file is its first part and its damage."""
    endless, torn = tmp_path / "endless", tmp_path / "torn.gz"
    endless.write_bytes(b"1" * 20_000)
    packed = gzip.compress(
        b"".join(b"%d.%d.0.0/16 %d\n" % (i, j, i * j + 1) for i in range(1, 99) for j in range(256))
    )
    torn.write_bytes(packed[: len(packed) // 2])
    found = read_prefix_table(torn)

    assert read_prefix_table(endless).bad == 1
    assert 1000 < len(found) < 98 * 256
    assert found.errors[-1] == "gzip data ends in the middle"
