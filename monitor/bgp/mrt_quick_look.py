"""Passes over the MRT records of a block that surely hold nothing wanted, without decoding them.

Of a collector's routes perhaps one in a thousand is watched, so what counts is what the others cost. For each
record this file finds the fields in which prefixes stand, by as few steps as RFC 6396 and RFC 4271 allow, and
asks `PrefixFilter.count_unwanted` for each field, which cuts and compares all its prefixes at once:

- An UPDATE's header, length and withdrawn length lie at one offset, told by the record's type and the family of
  the session's addresses: two look-ups and one `unpack`. What lies behind the attributes is IPv4.
- The attributes are walked only where the three bytes of a family that we follow stand somewhere in them: no
  multiprotocol attribute of ours is without. Most routes of IPv4 have none.
- A table's record begins with its one prefix; the routes of all peers behind it are only counted.

Whatever looks odd is left for the decoder (`mrt_bgp4mp`, `mrt_rib`), which knows all forms and names what is
wrong: this file may leave too much, never too little. Of what it passes over, only the lengths were checked.
The loop is written out in one function: a call for each record costs a sixth of all. Pure.
"""

from __future__ import annotations

from struct import Struct

from monitor.bgp.bgp_update import MARKER, UPDATE_TYPE, UpdateError, multiprotocol_fields
from monitor.bgp.mrt_stream import HEADER_BYTES, Span
from monitor.bgp.path_attributes import PathAttributeError, scan
from monitor.bgp.prefix_filter import PrefixFilter

# The header's type and subtype -> where behind the record's beginning the session's address family ends: types
# with an extended timestamp (17) and without (16), AS numbers of two bytes and of four. Messages without path
# identifiers only: one must know of those to read prefixes.
_FAMILY_END = {
    b"\0\x10\0\x01": HEADER_BYTES + 8,
    b"\0\x10\0\x04": HEADER_BYTES + 12,
    b"\0\x11\0\x01": HEADER_BYTES + 12,
    b"\0\x11\0\x04": HEADER_BYTES + 16,
}
_BOTH_ADDRESSES = {1: 8, 2: 32}
_RIB_VERSION = {b"\0\x0d\0\x02": 4, b"\0\x0d\0\x04": 6}
_RIB_PREFIX = HEADER_BYTES + 4

_UPDATE_START = Struct("!16sHBH")
"""The header of a BGP message, and the length of an UPDATE's withdrawn routes."""
_UPDATE_START_BYTES = _UPDATE_START.size

_IPV4_UNICAST, _IPV6_UNICAST = b"\0\1\1", b"\0\2\1"


def pass_over(block: bytes, spans: list[Span], wanted: PrefixFilter) -> tuple[list[Span], int]:
    """The records that must be decoded to see what they hold, and how many elements there are in the others."""
    left: list[Span] = []
    passed = 0
    family_end, both_addresses = _FAMILY_END.get, _BOTH_ADDRESSES.get
    unpack, find, unwanted = _UPDATE_START.unpack_from, block.find, wanted.count_unwanted
    for span in spans:
        # Until all of it was looked at, the record is one to decode.
        left.append(span)
        start, end = span
        addresses = start + family_end(block[start + 4 : start + 8], 0)
        if addresses == start:
            count = _table_record(block, start, end, wanted)
        else:
            # A family that is neither leads behind the end. So does a record that ends before its family.
            message = addresses + both_addresses(block[addresses - 1], end) if addresses <= end else end
            withdrawn = message + _UPDATE_START_BYTES
            if withdrawn > end:
                continue
            marker, length, kind, size = unpack(block, message)
            attributes = withdrawn + size + 2
            message_end = message + length
            if kind != UPDATE_TYPE or marker != MARKER or not attributes <= message_end <= end:
                continue
            announced = attributes + (block[attributes - 2] << 8 | block[attributes - 1])
            if announced > message_end:
                continue
            count = unwanted(block, announced, message_end, 4) if announced < message_end else 0
            if (
                size
                or find(_IPV6_UNICAST, attributes, announced) >= 0
                or find(_IPV4_UNICAST, attributes, announced) >= 0
            ):
                more = _elsewhere(block, withdrawn, attributes, announced, wanted)
                count = None if count is None or more is None else count + more
        if count is not None:
            left.pop()
            passed += count
    return left, passed


def _elsewhere(block: bytes, withdrawn: int, attributes: int, announced: int, wanted: PrefixFilter) -> int | None:
    """How many prefixes are withdrawn, or stand in the multiprotocol attributes; None: look closer."""
    total = 0
    try:
        fields = multiprotocol_fields(scan(block, attributes, announced))
    except (PathAttributeError, UpdateError):
        return None
    for version, data, first, behind in ((4, block, withdrawn, attributes - 2), *fields):
        if first < behind:
            count = wanted.count_unwanted(data, first, behind, version)
            if count is None:
                return None
            total += count
    return total


def _table_record(block: bytes, start: int, end: int, wanted: PrefixFilter) -> int | None:
    """How many routes a table's record of one prefix holds (RFC 6396 section 4.3.2); None: look closer."""
    version = _RIB_VERSION.get(block[start + 4 : start + 8])
    prefix = start + _RIB_PREFIX
    if version is None or prefix >= end:
        return None
    behind = prefix + 1 + (block[prefix] + 7 >> 3)
    if behind + 2 > end or wanted.count_unwanted(block, prefix, behind, version) is None:
        return None
    return block[behind] << 8 | block[behind + 1]
