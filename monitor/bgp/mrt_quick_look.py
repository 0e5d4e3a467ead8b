"""Passes over the MRT records of a block that surely hold nothing wanted, without decoding them.

Of a collector's routes perhaps one in a thousand is watched, so what counts is what the others cost. For each
record this file finds the fields in which prefixes stand, by as few steps as RFC 6396 and RFC 4271 allow, and
`PrefixFilter.pass_over` cuts and compares those of all records together:

- What is needed of an UPDATE lies at fixed offsets, told by the record's type and the family of the session's
  addresses: one `unpack` takes it, and record after record is of the same form. What lies behind the attributes is
  IPv4.
- The attributes are walked only where the three bytes of a family that we follow stand somewhere in them: no
  multiprotocol attribute of ours is without. Most routes of IPv4 have none.
- A table's record begins with its one prefix; the routes of all peers behind it are only counted.

Whatever looks odd is left for the decoder (`mrt_bgp4mp`, `mrt_rib`), which knows all forms and names what is
wrong: this file may leave too much, never too little. Of what it passes over, only the lengths were checked.
The loops are written out: a call for each record costs a sixth of all. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from struct import Struct
from typing import Any

from monitor.bgp.bgp_update import MARKER, UPDATE_TYPE
from monitor.bgp.mrt_stream import HEADER_BYTES
from monitor.bgp.path_attributes import EXTENDED_LENGTH, MP_REACH, MP_UNREACH
from monitor.bgp.prefix_filter import PrefixFilter

_TABLE_DUMP_V2 = b"\0\x0d"
_RIB_VERSION = {b"\0\x0d\0\x02": 4, b"\0\x0d\0\x04": 6}
_RIB_PREFIX = HEADER_BYTES + 4

# The header's type and subtype -> how many bytes stand before the address family: with an extended timestamp (type
# 17) or without (16), AS numbers of two bytes (subtype 1) or of four. Messages without path identifiers only: one
# must know of those to read prefixes.
_BEFORE_FAMILY = {0x10_0001: 6, 0x10_0004: 10, 0x11_0001: 10, 0x11_0004: 14}
_BOTH_ADDRESSES = {1: 8, 2: 32}
_MESSAGE_START = "16sHBHH"
"""The header of a BGP message, the length of an UPDATE's withdrawn routes, and where none are that of its path
attributes."""
_MESSAGE_START_BYTES = Struct(f"!{_MESSAGE_START}").size

_Form = tuple[int, int, Callable[[bytes, int], tuple[Any, ...]], int]
"""Type and subtype, address family; what unpacks both and the message's start; how many bytes that takes."""


def _form(kind: int, family: int) -> _Form:
    layout = Struct(f"!4xI4x{_BEFORE_FAMILY[kind]}xH{_BOTH_ADDRESSES[family]}x{_MESSAGE_START}")
    return kind, family, layout.unpack_from, layout.size


_FORMS = {(kind, family): _form(kind, family) for kind in _BEFORE_FAMILY for family in _BOTH_ADDRESSES}
_USUAL_FORM = _FORMS[0x10_0004, 1]

_VERSIONS = {b"\0\1\1": 4, b"\0\2\1": 6}
_IPV4_UNICAST, _IPV6_UNICAST = _VERSIONS

_Place = tuple[int, int, int]
"""A field of prefixes: their IP version, and where in the block it begins and ends."""


def pass_over(block: bytes, bounds: list[int], wanted: PrefixFilter) -> tuple[list[int], int]:
    """Where the records begin that must be decoded to see what they hold, and how many elements the others hold.

    `bounds`: where each record of the block begins, and last where the last one ends.
    """
    kind_at = bounds[0] + 4
    if block[kind_at : kind_at + 2] == _TABLE_DUMP_V2:
        return _pass_over_table(block, bounds, wanted)
    return _pass_over_messages(block, bounds, wanted)


def _pass_over_messages(block: bytes, bounds: list[int], wanted: PrefixFilter) -> tuple[list[int], int]:
    """As `pass_over`; any record that is no message is left."""
    left: list[int] = []
    v4, v6 = _Asked(4), _Asked(6)
    ask_v4, ask_for = v4.fields.append, v4.starts.append
    kind, family, unpack, size = _USUAL_FORM
    find, passed = block.find, 0
    for start, end in pairwise(bounds):
        attributes = start + size
        if attributes > end or (head := unpack(block, start))[0] != kind or head[1] != family:
            form = _form_of(block, start, end)
            if form is None:
                left.append(start)
                continue
            kind, family, unpack, size = form
            attributes, head = start + size, unpack(block, start)
        _, _, marker, length, message, withdrawn, attributes_size = head
        announced, behind = attributes + attributes_size, attributes - _MESSAGE_START_BYTES + length
        if message != UPDATE_TYPE or marker != MARKER or behind > end:
            left.append(start)
        elif (
            withdrawn
            or find(_IPV6_UNICAST, attributes, announced) >= 0
            or find(_IPV4_UNICAST, attributes, announced) >= 0
        ):
            places = _places(block, attributes - 4, behind)
            if places is None:
                left.append(start)
            elif len(places) == 1:
                ((version, first, last),) = places
                (v4 if version == 4 else v6).ask(block[first:last], start)
            else:
                count = _count(block, places, wanted)
                if count is None:
                    left.append(start)
                else:
                    passed += count
        elif announced < behind:
            ask_v4(block[announced:behind])
            ask_for(start)
        elif announced > behind:
            left.append(start)
    for asked in (v4, v6):
        numbers, count = wanted.pass_over(asked.fields, asked.version)
        left += [asked.starts[number] for number in numbers]
        passed += count
    left.sort()
    return left, passed


class _Asked:
    """Fields of one IP version that are asked for together: records that hold just one."""

    __slots__ = ("fields", "starts", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self.fields: list[bytes] = []
        self.starts: list[int] = []

    def ask(self, field: bytes, start: int) -> None:
        """One more, and where its record begins."""
        self.fields.append(field)
        self.starts.append(start)


def _form_of(block: bytes, start: int, end: int) -> _Form | None:
    """The form of the record; None: of no message that is looked at, or too short for an UPDATE."""
    kind = int.from_bytes(block[start + 4 : start + 8], "big")
    family_at = start + HEADER_BYTES + _BEFORE_FAMILY.get(kind, 0)
    form = _FORMS.get((kind, int.from_bytes(block[family_at : family_at + 2], "big")))
    return None if form is None or start + form[-1] > end else form


def _places(block: bytes, withdrawn: int, end: int) -> list[_Place] | None:
    """The fields of an UPDATE that hold prefixes; it begins with the length of its withdrawn routes.

    None: a length leads behind the end.
    """
    attributes = withdrawn + 4 + (block[withdrawn] << 8 | block[withdrawn + 1])
    if attributes > end:
        return None
    announced = attributes + (block[attributes - 2] << 8 | block[attributes - 1])
    if announced > end:
        return None
    places = _multiprotocol_places(block, attributes, announced)
    if places is not None:
        if withdrawn + 2 < attributes - 2:
            places.append((4, withdrawn + 2, attributes - 2))
        if announced < end:
            places.append((4, announced, end))
    return places


def _multiprotocol_places(block: bytes, at: int, end: int) -> list[_Place] | None:
    """Those of MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760 sections 3 and 4), of families that are followed.

    None: an attribute is cut short, or there are two of a kind.
    """
    places: list[_Place] = []
    seen = 0
    while at < end:
        extended = block[at] & EXTENDED_LENGTH
        value = at + 4 if extended else at + 3
        if value > end:
            return None
        size = block[value - 2] << 8 | block[value - 1] if extended else block[value - 1]
        code, behind = block[at + 1], value + size
        if behind > end:
            return None
        if MP_REACH <= code <= MP_UNREACH:
            # Address and subsequent family; of MP_REACH_NLRI the next hop and its length, and a reserved byte.
            first = value + 3
            if code == MP_REACH and size >= 5:
                first += 2 + block[first]
            if first > behind or seen & 1 << code or (code == MP_REACH and size < 5):
                return None
            seen |= 1 << code
            version = _VERSIONS.get(block[value : value + 3])
            if version is not None and first < behind:
                places.append((version, first, behind))
        at = behind
    return places


def _count(block: bytes, places: list[_Place], wanted: PrefixFilter) -> int | None:
    """How many prefixes the fields of a record hold, one after the other; None: look closer."""
    total = 0
    for version, first, behind in places:
        count = wanted.count_unwanted(block, first, behind, version)
        if count is None:
            return None
        total += count
    return total


def _pass_over_table(block: bytes, bounds: list[int], wanted: PrefixFilter) -> tuple[list[int], int]:
    """As `pass_over`, of a table's records of one prefix each (RFC 6396 section 4.3.2); any other is left."""
    left: list[int] = []
    asked = {4: _Asked(4), 6: _Asked(6)}
    passed = 0
    for start, end in pairwise(bounds):
        version = _RIB_VERSION.get(block[start + 4 : start + 8])
        prefix = start + _RIB_PREFIX
        behind = prefix + 1 + (block[prefix] + 7 >> 3) if prefix < end else end
        if version is None or behind + 2 > end:
            left.append(start)
            continue
        asked[version].ask(block[prefix:behind], start)
        passed += block[behind] << 8 | block[behind + 1]
    for version, of in asked.items():
        for number in wanted.pass_over(of.fields, version)[0]:
            start = of.starts[number]
            behind = start + _RIB_PREFIX + len(of.fields[number])
            passed -= block[behind] << 8 | block[behind + 1]
            left.append(start)
    left.sort()
    return left, passed
