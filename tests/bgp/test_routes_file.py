"""Recorded routes of an incident folder: JSON lines and MRT, plain and compressed."""

from __future__ import annotations

import gzip

import pytest
import zstandard

from monitor.bgp.ris_live import MAX_LINE_BYTES
from monitor.bgp.sources import read_routes_file

LINE = (
    b'{"type":"UPDATE","timestamp":%d,"peer":"198.51.100.1","peer_asn":"64500","host":"rrc00","path":[64500],'
    b'"announcements":[{"next_hop":"198.51.100.1","prefixes":["203.0.113.0/24"]}]}\n'
)


def read(path) -> tuple[list[float], list[tuple[int, str]]]:
    """The facts' times, and what was told of bad lines."""
    told = []
    return [fact.at for fact in read_routes_file(path, lambda _, line, why: told.append((line, why)))], told


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_json_lines_are_read_plain_and_compressed(tmp_path, pack):
    """The last line needs no end."""
    path = tmp_path / "routes"
    path.write_bytes(pack(LINE % 1 + b"\n" + (LINE % 2).strip()))

    assert read(path) == ([1, 2], [])


def test_bad_lines_are_told_with_their_number(tmp_path):
    """Too long ones are not kept, and do not shift the count."""
    path = tmp_path / "routes.jsonl"
    endless = b'{"x":"' + b"x" * (2 * MAX_LINE_BYTES) + b'"}\n'
    path.write_bytes(
        LINE % 1 + endless + b"nonsense\n" + LINE % 2 + b'{"type":"ris_error","data":{"message":"no"}}'
    )
    times, told = read(path)

    assert times == [1, 2]
    assert [line for line, _ in told] == [2, 3, 5]
    assert told[0][1] == f"line above {MAX_LINE_BYTES} bytes"
    assert told[2][1] == "no"


def test_torn_file_tells_its_damage(tmp_path):
    """What is there is read."""
    path = tmp_path / "routes.jsonl.gz"
    packed = gzip.compress(b"".join(LINE % number for number in range(5000)), compresslevel=1)
    path.write_bytes(packed[: len(packed) // 2])
    times, told = read(path)

    assert 0 < len(times) < 5000
    assert told[-1][1] == "ends early: gzip data ends in the middle"


def test_mrt_is_told_by_content(wire, tmp_path):
    """Bad records are told by their offset."""
    body = wire.update(attributes=wire.attribute(2, wire.as_path([64500])), announced=wire.nlri("203.0.113.0/24"))
    path = tmp_path / "routes.whatever"
    path.write_bytes(wire.bgp4mp(body, at=7) + wire.record(16, 4, b"short") * 20)
    times, told = read(path)

    assert times == [7]
    assert told[0] == (len(wire.bgp4mp(body)), "BGP4MP record of 5 bytes, at least 12 needed")
    assert told[-1][1] == "20 bad records in all"


def test_empty_file_is_no_facts(tmp_path):
    """And no error."""
    path = tmp_path / "routes.jsonl"
    path.write_bytes(b"")

    assert read(path) == ([], [])
