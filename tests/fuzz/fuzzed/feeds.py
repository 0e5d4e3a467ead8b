"""What brings routes: BMP sessions, websockets' frames and lines, RIPEstat's answers, and tables beside them."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

from fuzzed.routes import BODY4, BODY6, MARKER, MRT, message
from fuzzed.target import Target

from monitor.bgp.bmp import HEADER_BYTES, BmpError, message_size
from monitor.bgp.bmp_router import BmpRouter
from monitor.bgp.dns_origins import read_origin
from monitor.bgp.episodes import Relationships
from monitor.bgp.mrt import MrtReader
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.ripestat import RipestatError, about, read_history, read_routes, read_validation
from monitor.bgp.sources.stream_lines import LineReader
from monitor.bgp.sources.websocket_frames import FrameError, FrameReader
from monitor.bgp.vrp_line import VrpLineError, read_vrp_line, write_vrp_line
from monitor.bgp.watch import Watch
from monitor.model import Asn, PeerState, RouteEvent, parse_prefix
from monitor.model.target import ORIGINS_TARGET
from probes import DnsObservation

_AT = 1_643_855_431.0
_MOST_BYTES = 64


def _bmp_messages(data: bytes) -> Iterator[bytes]:
    """As the listener cuts them."""
    at = 0
    while len(data) - at >= HEADER_BYTES:
        try:
            size = message_size(data[at : at + HEADER_BYTES])
        except BmpError:
            return
        yield data[at : at + size]
        at += size


def _bmp(data: bytes) -> None:
    router = BmpRouter("router")
    up: set[tuple[str, int]] = set()
    for one in _bmp_messages(data):
        for fact in router.take(one, _AT)[1]:
            if isinstance(fact, PeerState):
                (up.add if fact.up else up.discard)((fact.peer, fact.peer_asn))
    assert router.counts.bad <= router.counts.received <= len(data) // HEADER_BYTES + 1
    assert {(fact.peer, fact.peer_asn) for fact in router.end(_AT) if isinstance(fact, PeerState)} >= up


def _whole_and_in_pieces(data: bytes, make: Callable[[], Callable[[bytes], list[Any]]]) -> list[Any]:
    """What comes of the bytes at once, which is the same however they are cut; the first byte says how."""
    size = data[0] % 16 + 1 if data else 1
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    whole, cut = (_all(make(), parts) for parts in ([data], pieces))
    assert whole == cut
    return whole or []


def _all(feed: Callable[[bytes], list[Any]], parts: list[bytes]) -> list[Any] | None:
    """All that comes of the parts; None: they are refused."""
    try:
        return [found for part in parts for found in feed(part)]
    except FrameError:
        return None


def _frames(data: bytes) -> None:
    for one in _whole_and_in_pieces(data, lambda: FrameReader(_MOST_BYTES).feed):
        assert not isinstance(one, bytes) or len(one) <= _MOST_BYTES


def _stream(data: bytes) -> None:
    def lines() -> Callable[[bytes], list[bytes]]:
        """What its caller takes of a line: enough to see that it is too long, or blank."""
        reader = LineReader(_MOST_BYTES)
        return lambda piece: [kept for line in reader.feed(piece) if (kept := line[: _MOST_BYTES + 1]).strip()]

    assert all(b"\n" not in line for line in _whole_and_in_pieces(data, lines))


def _ripestat(data: bytes) -> None:
    for read in (read_routes, read_history, read_validation, about):
        try:
            read(data)
        except RipestatError:
            continue


def _origin(data: bytes) -> None:
    name, *answers = data.decode("utf-8", "replace").splitlines() or [""]
    seen = DnsObservation(
        at=_AT, vantage="v", target=ORIGINS_TARGET, server="::1", name=name, rrtype="TXT", answers=tuple(answers)
    )
    origin = read_origin(seen, "origin.example")
    assert origin is None or origin.prefix is None or origin.asns


def _relations(data: bytes) -> None:
    known = Relationships.parse(data.decode("utf-8", "replace").splitlines())
    known.valley(tuple(Asn(byte) for byte in data[:64]))


def _vrp_line(data: bytes) -> None:
    change = read_vrp_line(data)
    assert read_vrp_line(write_vrp_line(change)) == change


_WATCH = Watch(map(parse_prefix, ("211.249.220.0/23", "203.0.113.10/32", "2001:db8::/33")))
_FILTER = PrefixFilter(_WATCH.wants, _WATCH.prefixes())


def _filtered(data: bytes) -> None:
    """A filter leaves out what nobody watches, and only that."""
    everything, found = (list(MrtReader(io.BytesIO(data), "rrc00", kept)) for kept in (None, _FILTER))
    watched = [fact for fact in everything if not isinstance(fact, RouteEvent) or _WATCH.covers_event(fact.prefix)]
    assert all(fact in found for fact in watched)
    assert all(not isinstance(fact, RouteEvent) or _WATCH.covers_event(fact.prefix) for fact in found)


def _bmp_message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BIB", 3, HEADER_BYTES + len(body), kind) + body


def _open(asn: int) -> bytes:
    """A BGP OPEN with four-octet AS numbers and ADD-PATH for IPv4."""
    capabilities = struct.pack("!BBI", 65, 4, asn) + b"\x45\4\0\1\1\3"
    options = struct.pack("!BB", 2, len(capabilities)) + capabilities
    body = struct.pack("!BHH4sB", 4, 23456, 90, b"\xc6\x33\x64\1", len(options)) + options
    return MARKER + struct.pack("!HB", 19 + len(body), 1) + body


_PEER = struct.pack("!BB8s16sI4sII", 0, 0, bytes(8), bytes(12) + b"\xc6\x33\x64\1", 6461, bytes(4), 1, 0)
_PEER_UP = _PEER + bytes(16) + struct.pack("!HH", 179, 40_000) + _open(64_500) + _open(6461)
_BMP = (
    _bmp_message(4, struct.pack("!HH", 2, 2) + b"r1")
    + _bmp_message(3, _PEER_UP)
    + _bmp_message(0, _PEER + message(BODY4))
    + _bmp_message(0, b"\3" + _PEER[1:] + message(BODY6))
    + _bmp_message(1, _PEER + struct.pack("!IHHI", 1, 7, 4, 9))
    + _bmp_message(2, _PEER + b"\1")
    + _bmp_message(5, struct.pack("!HHH", 1, 2, 0))
)
_FRAMES = b"\x81\5hello" + b"\x01\3hel" + b"\x89\4ping" + b"\x80\2lo" + b"\x82\x7e\0\3abc" + b"\x88\2\3\xe8"
_PAST = [
    {"updates": [
        {"type": "A", "timestamp": "2022-02-03T02:03:00",
         "attrs": {"source_id": "00-198.51.100.1", "target_prefix": "211.249.221.0/24",
                   "path": [6461, 9457, [1, 2]], "community": []}},
        {"type": "W", "timestamp": 1643855431, "attrs": {"source_id": "0", "target_prefix": "211.249.221.0/24"}}]},
    {"by_origin": [{"origin": "AS9457", "prefixes": [
        {"prefix": "211.249.221.0/24", "timelines": [
            {"starttime": "2022-02-03T02:00:00", "endtime": "2022-02-03T03:00:00",
             "full_peers_seeing": 9.5}]}]}]},
    {"status": "invalid_asn", "prefix": "211.249.221.0/24", "resource": "9457",
     "validating_roas": [{"origin": "38099", "prefix": "211.249.220.0/23", "max_length": 24,
                          "validity": "invalid_asn"}]},
]  # fmt: skip
_VRP = b'{"type":"VRP","timestamp":1.0,"added":true,"prefix":"211.249.220.0/23","maxLength":24,"asn":38099}'

TARGETS = (
    Target("bmp", _bmp, (), (_BMP,)),
    Target("websocket", _frames, (), (_FRAMES,)),
    Target("stream_lines", _stream, (), (b"one\n\ntwo\r\n" + b"x" * 100 + b"\nthree",)),
    Target("ripestat", _ripestat, (),
           tuple(json.dumps({"status": "ok", "data": data, "messages": []}).encode() for data in _PAST)),
    Target("dns_origins", _origin, (),
           (b'1.113.0.203.origin.example\n"64500 64501 | 203.0.113.0/24 | KR | apnic | 2010-01-01"',
            b".".join(b"8bd01002"[n : n + 1] for n in range(8)) + b".0" * 24 + b".origin6.example\n"
            b'"64500 | 2001:db8::/32"')),
    Target("relationships", _relations, (), (b"# source\n6461|9457|-1\n1|2|0|bgp\n",)),
    Target("vrp_line", _vrp_line, (VrpLineError,), (_VRP,)),
    Target("mrt_filtered", _filtered, (), (MRT,)),
)  # fmt: skip
