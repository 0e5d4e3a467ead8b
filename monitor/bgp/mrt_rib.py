"""MRT records of routing tables: TABLE_DUMP_V2 (RFC 6396 section 4.3, RFC 8050) and the old TABLE_DUMP.

A table's entry becomes a route event of kind `rib` at the time of the dump: it was in the table then;
since when, a collector's `originated` field tells only of its own session. Pure.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from struct import Struct

from monitor.bgp.as_path_wire import AsPathError
from monitor.bgp.mrt_record import BadRecordError, Decoded, Record
from monitor.bgp.nlri import NlriError, read_prefix
from monitor.bgp.path_attributes import PathAttributeError, as_path, rib_next_hop, scan
from monitor.bgp.prefix_key import BITS, PrefixKey, prefix_of
from monitor.model import Asn, AsPath, Prefix, RouteEvent, RouteFact, RouteKind

Peer = tuple[str, Asn]
"""Address and AS number."""
PeerIndex = tuple[Peer, ...]
"""The peers, in the order in which entries refer to them."""

_HALF = Struct("!H")
# What stands before a route's attributes: the peer, when the route came, with RFC 8050 a path identifier, and how
# long the attributes are.
_ENTRY = Struct("!H4xH")
_ADD_PATH_ENTRY = Struct("!H8xH")
_PEER_IPV6, _PEER_AS4 = 1, 2

_MOST_KEPT, _LONGEST_KEPT = 32768, 512
"""Ways, and bytes of attributes: routes have some 50 to 200, and may have 64 KiB, which would make gigabytes."""

# Subtype -> IP version and whether entries carry path identifiers; multicast and generic ones are left out.
_UNICAST_RIBS = {2: (4, False), 4: (6, False), 8: (4, True), 10: (6, True)}
# Subtype -> IP version and bytes of an AS number; 3 and 4 were written by some before TABLE_DUMP_V2.
_TABLE_DUMPS = {1: (4, 2), 2: (6, 2), 3: (4, 4), 4: (6, 4)}


def decode_peer_index(record: Record) -> PeerIndex:
    """The PEER_INDEX_TABLE that the RIB records behind it refer to.

    :raises BadRecordError: it is malformed
    """
    body = record.body
    if len(body) < 6:
        raise BadRecordError(f"peer index of {len(body)} bytes, at least 8 needed")
    offset = 6 + int.from_bytes(body[4:6], "big")
    if len(body) < offset + 2:
        raise BadRecordError("peer index ends in its view name")
    count = int.from_bytes(body[offset : offset + 2], "big")
    offset += 2
    peers: list[Peer] = []
    for number in range(count):
        kind = body[offset] if offset < len(body) else 0
        address_at = offset + 5
        asn_at = address_at + (16 if kind & _PEER_IPV6 else 4)
        end = asn_at + (4 if kind & _PEER_AS4 else 2)
        if end > len(body):
            raise BadRecordError(f"peer index ends in peer {number} of {count}")
        peers.append((_address(body[address_at:asn_at]), Asn(int.from_bytes(body[asn_at:end], "big"))))
        offset = end
    return tuple(peers)


def decode_rib(record: Record, peers: PeerIndex | None) -> Decoded | None:
    """One prefix of all peers; None for a table of another kind (multicast, generic).

    :raises BadRecordError: it is malformed, or no peer index came before it
    """
    form = _UNICAST_RIBS.get(record.subtype)
    if form is None:
        return None
    if peers is None:
        raise BadRecordError("RIB record before any peer index")
    version, add_path = form
    body = record.body
    try:
        key, offset = read_prefix(body, 4, len(body), version)
    except NlriError as error:
        raise BadRecordError(str(error)) from error
    if offset + 2 > len(body):
        raise BadRecordError("RIB record ends before its entry count")
    (count,) = _HALF.unpack_from(body, offset)
    if record.wanted is not None and not record.wanted.wanted(version, key):
        return Decoded([], count)
    rib = _Rib(record, prefix_of(version, key), peers, _ADD_PATH_ENTRY if add_path else _ENTRY)
    return Decoded(rib.entries(offset + 2, count), count)


@dataclass(frozen=True, slots=True)
class _Rib:
    """The entries of one RIB record."""

    record: Record
    prefix: Prefix
    peers: PeerIndex
    entry: Struct

    def entries(self, offset: int, count: int) -> list[RouteFact]:
        """The routes of `count` entries from `offset` of the record's body.

        :raises BadRecordError: the body ends before
        """
        record, prefix, peers, body = self.record, self.prefix, self.peers, self.record.body
        unpack, head_bytes, end = self.entry.unpack_from, self.entry.size, len(body)
        facts: list[RouteFact] = []
        for number in range(count):
            start = offset + head_bytes
            if start > end:
                raise BadRecordError(f"RIB record ends in entry {number} of {count}")
            index, size = unpack(body, offset)
            offset = start + size
            if offset > end:
                raise BadRecordError(f"attributes of RIB entry {number} of {count} end behind the record")
            if index >= len(peers):
                raise BadRecordError(f"RIB entry {number} names peer {index} of {len(peers)}")
            facts.append(_route(record, prefix, peers[index], body[start:offset], 4))
        return facts


def decode_table_dump(record: Record) -> Decoded | None:
    """One route of the old TABLE_DUMP (RFC 6396 section 4.2); None for an unknown subtype.

    :raises BadRecordError: it is malformed
    """
    form = _TABLE_DUMPS.get(record.subtype)
    if form is None:
        return None
    version, asn_size = form
    body = record.body
    width = BITS[version] // 8
    # View, sequence; prefix, its length, status; originated; peer's address and AS; attributes' length.
    length_at = 4 + width
    peer_at = length_at + 6
    attributes_at = peer_at + width + asn_size + 2
    if len(body) < attributes_at:
        raise BadRecordError(f"table dump of {len(body)} bytes, at least {attributes_at} needed")
    key = _fixed_prefix(body[4:length_at], body[length_at])
    end = attributes_at + int.from_bytes(body[attributes_at - 2 : attributes_at], "big")
    if end > len(body):
        raise BadRecordError("attributes of the table dump end behind the record")
    if record.wanted is not None and not record.wanted.wanted(version, key):
        return Decoded([], 1)
    peer = _address(body[peer_at : peer_at + width])
    peer_asn = Asn(int.from_bytes(body[peer_at + width : attributes_at - 2], "big"))
    route = _route(record, prefix_of(version, key), (peer, peer_asn), body[attributes_at:end], asn_size)
    return Decoded([route], 1)


def _fixed_prefix(packed: bytes, length: int) -> PrefixKey:
    bits = len(packed) * 8
    if length > bits:
        raise BadRecordError(f"prefix length {length} above {bits}")
    return 1 << length | int.from_bytes(packed, "big") >> bits - length


def _route(record: Record, prefix: Prefix, peer: Peer, attributes: bytes, asn_size: int) -> RouteEvent:
    path, next_hop = _WAYS[asn_size][attributes]
    return RouteEvent(
        at=record.at,
        kind=RouteKind.RIB,
        prefix=prefix,
        peer=peer[0],
        peer_asn=peer[1],
        collector=record.collector,
        path=path,
        next_hop=next_hop,
    )


_Way = tuple[AsPath, str | None]
"""A route's path and next hop."""


def _read_way(attributes: bytes, asn_size: int) -> _Way:
    """Of a route's attributes.

    :raises BadRecordError: they are malformed
    """
    try:
        found = scan(attributes, 0, len(attributes))
        # BIRD writes its own static routes without an AS_PATH.
        return as_path(found, asn_size) or AsPath(), rib_next_hop(found)
    except (PathAttributeError, AsPathError) as error:
        raise BadRecordError(str(error)) from error


class _Ways(dict[bytes, _Way]):
    """The ways by the attributes they were read from.

    A peer's routes to one network's prefixes follow each other in a table, with the same attributes.
    """

    def __init__(self, asn_size: int) -> None:
        super().__init__()
        self._asn_size = asn_size

    def __missing__(self, attributes: bytes) -> _Way:
        """Read it; long ones are not kept.

        :raises BadRecordError: they are malformed
        """
        way = _read_way(attributes, self._asn_size)
        if len(attributes) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[attributes] = way
        return way


_WAYS = {2: _Ways(2), 4: _Ways(4)}
"""By the bytes of an AS number."""


def _address(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
