"""RFC 6811 validity, and the JSON of several validators."""

from __future__ import annotations

import contextlib
import gzip
import ipaddress
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.rpki import VrpError, VrpTable
from monitor.model import Validity, parse_prefix

ROAS = [
    {"prefix": "203.0.112.0/22", "maxLength": 23, "asn": "AS64500", "ta": "ripe"},
    {"prefix": "203.0.112.0/22", "maxLength": 24, "asn": 64501},
    {"prefix": "198.51.100.0/24", "maxLength": 24, "asn": 0},
    {"prefix": "2001:db8::/32", "asn": "64502", "maxLength": "48"},
    {"prefix": "192.0.2.0/24", "asn": 64503},
]


def table(entries) -> VrpTable:
    """A table of such entries."""
    return VrpTable.from_json(json.dumps({"roas": entries}).encode())


@pytest.mark.parametrize(
    ("prefix", "origin", "state"),
    [
        ("203.0.112.0/22", 64500, Validity.VALID),
        ("203.0.112.0/23", 64500, Validity.VALID),
        ("203.0.113.0/24", 64500, Validity.INVALID),
        ("203.0.113.0/24", 64501, Validity.VALID),
        ("203.0.112.0/22", 9457, Validity.INVALID),
        ("203.0.112.0/22", None, Validity.INVALID),
        ("203.0.112.0/21", 64500, Validity.NOT_FOUND),
        ("198.51.100.0/24", 0, Validity.INVALID),
        ("2001:db8:1::/48", 64502, Validity.VALID),
        ("192.0.2.0/25", 64503, Validity.INVALID),
        ("192.0.2.0/24", 64503, Validity.VALID),
    ],
)
def test_validity(prefix, origin, state):
    """Section 2: covered, matched; AS 0 and an AS_SET match nothing; no maxLength is the prefix's own."""
    found = table(ROAS)

    assert found.validate(parse_prefix(prefix), origin).state is state
    assert found.validate(parse_prefix(prefix), origin).state is state


def test_result_names_the_vrps_that_decided():
    """An alert can say which ROA was broken, and how."""
    result = table(ROAS).validate(parse_prefix("203.0.113.0/24"), 64500)

    assert [(str(vrp.prefix), vrp.max_length, vrp.asn) for vrp in result.wrong_length] == [
        ("203.0.112.0/22", 23, 64500)
    ]
    assert [vrp.asn for vrp in result.wrong_origin] == [64501]
    assert result.matched == ()


def test_vrps_name_their_trust_anchor_and_come_out_in_order():
    """Whoever reads an alert asks next which registry's ROA it is; one payload under two anchors is one VRP."""
    entries = [
        {"prefix": "203.0.113.0/24", "asn": 2, "ta": "apnic"},
        {"prefix": "203.0.113.0/24", "asn": 2, "ta": "ripe"},
        {"prefix": "203.0.112.0/20", "asn": 1, "maxLength": 24, "ta": "arin"},
        {"prefix": "2001:db8::/32", "asn": 3, "ta": "x\n" * 5},
    ]

    assert [str(vrp) for vrp in table(entries).vrps()] == [
        "203.0.112.0/20-24 AS1 (arin)", "203.0.113.0/24 AS2 (apnic)", "2001:db8::/32 AS3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("metadata", "made_at"),
    [
        ({"buildtime": "2023-07-27T18:56:02Z"}, 1690484162.0),
        ({"generated": 1690484162, "generatedTime": "2023-07-27T18:56:02Z"}, 1690484162.0),
        ({"generated": 0}, 5.0),
        ({"buildtime": "yesterday"}, 5.0),
        ({"generated": "soon"}, 5.0),
        (7, 5.0),
        ({}, 5.0),
    ],
)
def test_time_of_the_export_is_the_validators_own_where_it_says_it(metadata, made_at):
    """Else what the source knows: a file's time, a server's Last-Modified."""
    data = json.dumps({"metadata": metadata, "roas": ROAS}).encode()

    assert VrpTable.from_json(data, made_at=5.0).made_at == made_at


def test_old_vrps_stay_in_force_and_say_how_old_they_are():
    """Up to the age that is allowed they are fresh; of unknown age or without a limit always."""
    data = json.dumps(ROAS).encode()
    found = VrpTable.from_json(data, made_at=1000.0, max_age_s=60.0)

    assert found.stale_s(1060.0) is None
    assert found.stale_s(1061.0) == 61.0
    assert found.validate(parse_prefix("203.0.112.0/22"), 64500).state is Validity.VALID
    assert VrpTable.from_json(data, made_at=1000.0).stale_s(9e9) is None
    assert VrpTable.from_json(data, max_age_s=1.0).stale_s(9e9) is None


def test_changes_between_two_tables_are_those_under_watched_prefixes():
    """A ROA that is issued in the middle of an incident is news; another trust anchor for the same is not."""
    before = table([*ROAS, {"prefix": "10.0.0.0/8", "asn": 1}])
    issued = {"prefix": "203.0.113.0/24", "maxLength": 25, "asn": 64666}
    after = table([{**ROAS[0], "ta": "apnic"}, *ROAS[2:], issued, {"prefix": "11.0.0.0/8", "asn": 1}])
    watched = parse_prefix("203.0.112.0/20")
    changes = after.changes_since(before, lambda prefix: prefix.version == 4 and prefix.subnet_of(watched), 1.0)

    assert [(str(change.vrp), change.added) for change in changes] == [
        ("203.0.112.0/22-24 AS64501", False), ("203.0.113.0/24-25 AS64666", True),
    ]  # fmt: skip
    assert len(after.changes_since(before, lambda prefix: True, 1.0)) == 4
    assert after.changes_since(after, lambda prefix: True, 1.0) == ()


def test_expired_entries_are_counted():
    """By the moment that each says; entries that say none never are."""
    entries = [{**ROAS[0], "expires": 100}, {**ROAS[1], "expires": 200}, {**ROAS[2], "expires": -1}, ROAS[3]]
    found = table(entries)

    assert [found.expired(at) for at in (-5.0, 99.9, 100.0, 1e12)] == [0, 0, 1, 2]
    assert len(found) == 4


NETWORKS = st.tuples(st.integers(0, 15), st.integers(0, 4), st.sampled_from((4, 6))).map(
    lambda t: ipaddress.ip_network(
        (ipaddress.IPv4Address(t[0] << 28) if t[2] == 4 else ipaddress.IPv6Address(t[0] << 124), t[1]),
        strict=False,
    )
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(NETWORKS, st.integers(0, 2), st.integers(0, 3)), max_size=10),
    NETWORKS,
    st.integers(0, 3) | st.none(),
)
def test_validity_agrees_with_the_definition(vrps, route, origin):
    """RFC 6811 section 2 written down naively, over nested prefixes of both families."""
    entries = [
        {"prefix": str(prefix), "maxLength": prefix.prefixlen + more, "asn": asn} for prefix, more, asn in vrps
    ]
    covering = [
        (prefix, more, asn)
        for prefix, more, asn in vrps
        if prefix.version == route.version and route.subnet_of(prefix)
    ]
    matching = [1 for p, more, asn in covering if asn == origin != 0 and route.prefixlen <= p.prefixlen + more]
    expected = Validity.VALID if matching else Validity.INVALID if covering else Validity.NOT_FOUND
    result = table(entries).validate(route, origin)
    decided = result.matched + result.wrong_origin + result.wrong_length

    assert result.state is (expected if vrps else Validity.UNKNOWN)
    assert {(v.prefix, v.max_length - v.prefix.prefixlen, v.asn) for v in decided} == set(covering)


def test_no_vrps_is_unknown_not_not_found():
    """There was nobody to ask."""
    assert VrpTable().validate(parse_prefix("203.0.113.0/24"), 64500).state is Validity.UNKNOWN


def test_bad_entries_are_counted_and_passed_over():
    """The good one among them stays."""
    bad = [
        5,
        {},
        {"prefix": "203.0.113.0/24"},
        {"prefix": "203.0.113.1/24", "asn": 1},
        {"prefix": "203.0.113.0/24", "asn": "ASX"},
        {"prefix": "203.0.113.0/24", "asn": 2**32},
        {"prefix": "203.0.113.0/24", "asn": 1, "maxLength": 23},
        {"prefix": "203.0.113.0/24", "asn": 1, "maxLength": 33},
        {"prefix": "203.0.113.0/24", "asn": 1, "maxLength": "x"},
        {"prefix": "203.0.113.0/24", "asn": None},
    ]
    found = table([*bad, ROAS[0], ROAS[0]])

    assert (len(found), found.bad, len(found.errors)) == (1, len(bad), 8)
    assert found.errors[0].startswith("entry 0: ")


@pytest.mark.parametrize("data", [b"", b"{", b"5", b'{"roas":{}}', b"[" * 100_000, b'"\xff"'])
def test_what_is_no_list_of_vrps_is_refused(data):
    """An error page must not become an empty table."""
    with pytest.raises(VrpError):
        VrpTable.from_json(data)


@pytest.mark.parametrize(
    ("name", "count"),
    [("vrps-5000.json.gz", 5000), ("stayrtr.rpki-client.json", None), ("routinator.111.json", None)],
)
def test_real_exports(shared_data, name, count):
    """All entries of a bare list, of rpki-client's and of Routinator's output are read."""
    data = (shared_data / "vrp" / name).read_bytes()
    data = gzip.decompress(data) if name.endswith(".gz") else data
    exported = json.loads(data)
    entries = exported if isinstance(exported, list) else exported["roas"]
    found = VrpTable.from_json(data)
    distinct = {(e["prefix"], e["maxLength"], str(e["asn"]).removeprefix("AS")) for e in entries}

    assert (len(found), found.bad) == (len(distinct), 0)
    assert count is None or len(entries) == count
    for entry in entries[:200]:
        asn = int(str(entry["asn"]).removeprefix("AS"))
        state = found.validate(parse_prefix(entry["prefix"]), asn).state
        assert state is (Validity.VALID if asn else Validity.INVALID)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_any_bytes_are_a_table_or_an_error(data):
    """Also inside the list."""
    for wrapped in (data, b"[" + data + b"]", b'{"roas":[' + data + b"]}"):
        with contextlib.suppress(VrpError):
            assert VrpTable.from_json(wrapped).bad >= 0
