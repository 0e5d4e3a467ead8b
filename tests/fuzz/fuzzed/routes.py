"""Routes: BGP messages, the prefixes in them, MRT streams, RIS Live's lines, and the tables beside them."""

from __future__ import annotations

import io
import json
import struct

from fuzzed.target import Target

from monitor.bgp.bgp_update import UpdateError, decode_message, decode_update
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.mrt import MrtReader
from monitor.bgp.mrt_origins import table_origins
from monitor.bgp.nlri import NlriError, read_prefixes
from monitor.bgp.ris_live import MAX_PREFIXES, RisLiveError, decode
from monitor.bgp.rpki import VrpError, VrpTable

MARKER = b"\xff" * 16


def _nlri(data: bytes) -> None:
    for version in (4, 6):
        for add_path in (False, True):
            try:
                assert len(read_prefixes(data, 0, len(data), version, add_path)) <= max(len(data), 1)
            except NlriError:
                continue


def _update(data: bytes) -> None:
    for asn_size in (2, 4):
        for add_path in (frozenset(), frozenset((4, 6))):
            try:
                update = decode_update(data, asn_size=asn_size, add_path=add_path)
            except UpdateError:
                continue
            assert not {prefix for prefix, _ in update.announced} & set(update.withdrawn)
    decode_message(data)


def _mrt(data: bytes) -> None:
    reader = MrtReader(io.BytesIO(data))
    for _ in reader:
        pass
    stats = reader.stats
    assert stats.records <= len(data) // 12 + 1
    assert len(stats.bad_records) <= 16


def _lines(data: bytes) -> None:
    assert len(decode(data)) <= 2 * MAX_PREFIXES


def _table(data: bytes) -> None:
    table = PrefixTable.parse(data.splitlines())
    table.lookup("203.0.113.10")
    table.lookup("2001:db8::1")


def _vrps(data: bytes) -> None:
    table = VrpTable.from_json(data)
    vrps = list(table.vrps())
    assert len(vrps) == len(table)
    for vrp in vrps[:8]:
        found = table.validate(vrp.prefix, vrp.asn)
        assert vrp in (found.matched if vrp.asn else found.wrong_origin)


def _origins(data: bytes) -> None:
    entries = table_origins(io.BytesIO(data))
    found = len(entries)
    assert found + entries.bad <= len(data) // 12 + 1
    assert len(entries.errors) <= 8
    table = PrefixTable(entries)
    assert len(table) <= found
    table.lookup("211.249.221.246")
    table.lookup("2001:db8::1")


def _attribute(flags: int, kind: int, value: bytes) -> bytes:
    return struct.pack("!BBB", flags, kind, len(value)) + value


_PATH = _attribute(0x40, 1, b"\0") + _attribute(0x40, 2, struct.pack("!BBIII", 2, 3, 3333, 6461, 9457))
_IPV4 = _PATH + _attribute(0x40, 3, b"\xc6\x33\x64\x01")
_IPV6 = _PATH + _attribute(0x80, 14, struct.pack("!HBB", 2, 1, 16) + bytes(16) + b"\0" + b"\x20\x20\x01\x0d\xb8")
BODY4 = b"\0\0" + struct.pack("!H", len(_IPV4)) + _IPV4 + b"\x18\xd3\xf9\xdd" + b"\x18\x79\x35\x68"
BODY6 = b"\0\x04\x18\xcb\0\x71" + struct.pack("!H", len(_IPV6)) + _IPV6


def message(body: bytes) -> bytes:
    """A BGP UPDATE with that body."""
    return MARKER + struct.pack("!HB", 19 + len(body), 2) + body


def _record(kind: int, subtype: int, body: bytes) -> bytes:
    return struct.pack("!IHHI", 1_643_855_431, kind, subtype, len(body)) + body


_SESSION = struct.pack("!IIHH4s4s", 6461, 12654, 0, 1, b"\xc6\x33\x64\x01", b"\xc6\x33\x64\x02")
_PEERS = struct.pack("!4sHH", b"\1\2\3\4", 0, 1) + struct.pack(
    "!B4s4sI", 2, b"\1\2\3\4", b"\xc6\x33\x64\x01", 6461
)
_RIB = struct.pack("!I", 0) + b"\x18\xd3\xf9\xdd" + struct.pack("!HHIH", 1, 0, 1_643_855_000, len(_IPV4)) + _IPV4
_TABLE_DUMP = (
    struct.pack(
        "!HH4sBBI4sHH", 0, 0, b"\xd3\xf9\xdd\0", 24, 1, 1_643_855_000, b"\xc6\x33\x64\x01", 6461, len(_IPV4)
    )
    + _IPV4
)
_RIB6 = struct.pack("!IB", 1, 32) + b"\x20\x01\x0d\xb8" + struct.pack("!H", 2)
_RIB6 += 2 * (struct.pack("!HIIH", 0, 1_643_855_000, 7, len(_PATH) + 7) + _PATH + _attribute(0x40, 3, bytes(4)))
MRT = (
    _record(16, 4, _SESSION + message(BODY4))
    + _record(17, 4, struct.pack("!I", 250_000) + _SESSION + message(BODY6))
    + _record(16, 5, _SESSION + struct.pack("!HH", 6, 1))
)
_DUMP = _record(13, 1, _PEERS) + _record(13, 2, _RIB) + _record(12, 1, _TABLE_DUMP)
_RIS = {
    "timestamp": 1643855431.25, "peer": "198.51.100.1", "peer_asn": "6461", "host": "rrc00", "type": "UPDATE",
    "path": [6461, [9457, 10158]], "origin": "igp",
    "announcements": [{"next_hop": "198.51.100.1", "prefixes": ["211.249.221.0/24", "2001:db8::/32"]}],
    "withdrawals": ["203.0.113.0/24"],
}  # fmt: skip
_STATE = {**_RIS, "type": "RIS_PEER_STATE", "state": "down"}
_VRPS = {"metadata": {"buildtime": "2022-02-03T00:00:00Z"},
         "roas": [{"asn": "AS38099", "prefix": "211.249.220.0/23", "maxLength": 24, "ta": "apnic"},
                  {"asn": 64500, "prefix": "2001:db8::/32", "maxLength": 48, "ta": "ripe"}]}  # fmt: skip

TARGETS = (
    Target("nlri", _nlri, (), (b"\x18\xd3\xf9\xdd\x18\x79\x35\x68", b"\0\0\0\1\x20\x20\x01\x0d\xb8")),
    Target("bgp_update", _update, (UpdateError,), (BODY4, BODY6, message(BODY4))),
    Target("mrt", _mrt, (), (MRT, _DUMP)),
    Target("ris_live", _lines, (RisLiveError,),
           tuple(json.dumps(one).encode() for one in (_RIS, _STATE, {"type": "ris_message", "data": _RIS},
                                                      {"type": "ris_error", "data": {"message": "no"}}))),
    Target("prefix_table", _table, (ValueError,), (b"203.0.113.0/24\t64500\n2001:db8::\t32\t64500_64501\n",)),
    Target("table_origins", _origins, (), (_DUMP, _record(13, 10, _RIB6))),
    Target("vrps", _vrps, (VrpError,), (json.dumps(_VRPS).encode(),)),
)  # fmt: skip
