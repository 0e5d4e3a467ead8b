"""VRPs under the changes that facts tell of: the same validity whichever moment the table is of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.rpki import VrpTable
from monitor.bgp.sources import read_routes_file
from monitor.bgp.vrp_line import VrpLineError, is_vrp_line, read_vrp_line, write_vrp_line
from monitor.bgp.vrp_view import VrpView
from monitor.model import Asn, Validity, Vrp, VrpChange, parse_prefix

QUIET = settings(derandomize=True, max_examples=150, deadline=None)

# Few, so that they meet: prefixes of lengths 0 to 4 of both families, three origins, AS 0 among them.
PREFIXES = st.tuples(st.integers(0, 4), st.integers(0, 15), st.booleans()).map(
    lambda drawn: parse_prefix(
        f"{(drawn[1] << 4) & (0xFF << 8 - drawn[0]) & 0xFF}.0.0.0/{drawn[0]}"
        if drawn[2]
        else f"{((drawn[1] << 12) & (0xFFFF << 16 - drawn[0]) & 0xFFFF):x}::/{drawn[0]}"
    )
)
VRPS = st.tuples(PREFIXES, st.integers(0, 2), st.sampled_from((0, 64500, 64501))).map(
    lambda drawn: Vrp(drawn[0], drawn[0].prefixlen + drawn[1], Asn(drawn[2]))
)
TABLES = st.lists(VRPS, min_size=1, max_size=6, unique=True)


def table(vrps: list[Vrp]) -> VrpTable:
    """As a validator would have written it."""
    roas = [{"prefix": str(vrp.prefix), "maxLength": vrp.max_length, "asn": vrp.asn, "ta": "ripe"} for vrp in vrps]
    return VrpTable.from_json(json.dumps({"roas": roas}).encode())


def told(view: VrpTable | VrpView, prefix, origin):
    """Validity with what decided it, without trust anchors, which changes do not tell."""
    result = view.validate(prefix, origin)
    parts = (result.matched, result.wrong_origin, result.wrong_length)
    return result.state, *({(vrp.prefix, vrp.max_length, vrp.asn) for vrp in part} for part in parts)


@QUIET
@given(TABLES, TABLES, TABLES, PREFIXES, st.sampled_from((None, 64500, 64501)))
def test_any_table_and_the_changes_tell_of_any_time(first, second, third, prefix, origin):
    """From the first table forwards, or from the last one backwards and forwards again: what was valid then."""
    tables = [table(vrps) for vrps in (first, second, third)]
    steps = [tables[1].changes_since(tables[0], lambda _: True, 1.0)]
    steps.append(tables[2].changes_since(tables[1], lambda _: True, 2.0))
    wanted = [told(one, prefix, origin) for one in tables]
    for known in tables:
        view = VrpView(known).before([*steps[0], *steps[1]])
        seen = [told(view, prefix, origin)]
        for step in steps:
            view = view.after(step)
            seen.append(told(view, prefix, origin))

        assert seen == wanted


def test_without_vrps_nothing_is_known():
    """An empty table is nobody to ask; a change of one VRP does not make the rest not-found."""
    change = VrpChange(at=1.0, vrp=Vrp(parse_prefix("203.0.113.0/24"), 24, Asn(64500)), added=True)
    view = VrpView(table([])).after([change])

    assert view.validate(parse_prefix("203.0.113.0/24"), Asn(64500)).state is Validity.UNKNOWN


@QUIET
@given(VRPS, st.floats(0, 4e9), st.booleans())
def test_lines_come_back(vrp, at, added):
    """As they were written, in a line of JSON."""
    change = VrpChange(at=at, vrp=vrp, added=added)
    line = write_vrp_line(change)

    assert b"\n" not in line
    assert is_vrp_line(line)
    assert read_vrp_line(line) == change


@QUIET
@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
def test_any_line_is_a_change_or_our_error(line):
    """Whatever stands in a file."""
    try:
        found = read_vrp_line(b'{"type":"VRP",' + line)
    except VrpLineError:
        return
    assert isinstance(found, VrpChange)


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"VRP","timestamp":1,"added":true,"prefix":"203.0.113.0/24","maxLength":33,"asn":1}',
        '{"type":"VRP","timestamp":1,"added":true,"prefix":"203.0.113.1/24","maxLength":24,"asn":1}',
        '{"type":"VRP","timestamp":1,"added":true,"prefix":"203.0.113.0/24","maxLength":24,"asn":4294967296}',
        '{"type":"VRP","timestamp":-1,"added":true,"prefix":"203.0.113.0/24","maxLength":24,"asn":1}',
        '{"type":"VRP","timestamp":1e999,"added":true,"prefix":"203.0.113.0/24","maxLength":24,"asn":1}',
        '{"type":"VRP","timestamp":1,"prefix":"203.0.113.0/24","maxLength":24,"asn":1}',
        '{"type":"UPDATE","note":"VRP","timestamp":1}',
    ],
)
def test_a_line_that_is_no_change_is_passed_over_and_named(tmp_path, line):
    """A maximum length beyond the address, host bits, an AS number of 33 bits, times that are none."""
    path = tmp_path / "routes.jsonl"
    good = write_vrp_line(VrpChange(at=2.0, vrp=Vrp(parse_prefix("::/0"), 0, Asn(1)), added=False))
    path.write_bytes(line.encode() + b"\n" + good + b"\n")
    complaints = []
    found = list(read_routes_file(path, lambda *complaint: complaints.append(complaint)))

    assert [fact.at for fact in found] == [2.0]
    assert [number for _, number, _ in complaints] == [1]
