"""The OPEN message of a BGP speaker, as far as it tells how to read its UPDATEs (RFC 4271 section 4.2, RFC 5492).

| capability | RFC | read |
|---|---|---|
| four-octet AS number (65) | 6793 | yes |
| ADD-PATH (69) | 7911 | IPv4 and IPv6, unicast |
| everything else | | skipped by its length |

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.bgp.bgp_update import HEADER_BYTES, MARKER
from monitor.model import Asn

_OPEN_TYPE = 1
_FIXED_BYTES = 10
_CAPABILITIES = 2
_EXTENDED = 255
_FOUR_OCTET_AS, _ADD_PATH = 65, 69
_RECEIVE, _SEND = 1, 2
_VERSION_OF_UNICAST = {b"\0\1\1": 4, b"\0\2\1": 6}


class OpenError(ValueError):
    """The bytes are not an OPEN; says what is wrong."""


@dataclass(frozen=True, slots=True)
class Open:
    """What a speaker said of itself. `sends`, `receives`: IP versions whose prefixes it may send, or will
    take, with path identifiers."""

    asn: Asn
    sends: frozenset[int] = frozenset()
    receives: frozenset[int] = frozenset()


def split_open(data: bytes) -> tuple[Open, bytes]:
    """The OPEN that the bytes begin with, its BGP header included, and what is behind it.

    :raises OpenError: they do not begin with one
    """
    if len(data) < HEADER_BYTES + _FIXED_BYTES or not data.startswith(MARKER):
        raise OpenError("no BGP OPEN message")
    length = int.from_bytes(data[16:18], "big")
    if data[18] != _OPEN_TYPE or not HEADER_BYTES + _FIXED_BYTES <= length <= len(data):
        raise OpenError(
            f"BGP message of type {data[18]} and length {length}, not an OPEN within {len(data)} bytes"
        )
    return _decode(data[HEADER_BYTES:length]), data[length:]


def _decode(body: bytes) -> Open:
    asn = Asn(int.from_bytes(body[1:3], "big"))
    sends: set[int] = set()
    receives: set[int] = set()
    for code, value in _capabilities(body):
        if code == _FOUR_OCTET_AS and len(value) == 4:
            asn = Asn(int.from_bytes(value, "big"))
        elif code == _ADD_PATH:
            for at in range(0, len(value) - 3, 4):
                version = _VERSION_OF_UNICAST.get(value[at : at + 3])
                if version is not None:
                    sends |= {version} if value[at + 3] & _SEND else set()
                    receives |= {version} if value[at + 3] & _RECEIVE else set()
    return Open(asn, frozenset(sends), frozenset(receives))


def _capabilities(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and value of each capability, in whichever parameter it stands."""
    # RFC 9072: parameters of more than 255 bytes, marked by a length and a type of 255, have longer lengths.
    extended = len(body) >= 13 and body[9] == body[10] == _EXTENDED
    for kind, value in _fields(body, 13 if extended else _FIXED_BYTES, 2 if extended else 1):
        if kind == _CAPABILITIES:
            yield from _fields(value, 0, 1)


def _fields(data: bytes, start: int, length_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Type and value of each field from `start` on.

    :raises OpenError: one ends behind the data
    """
    while start < len(data):
        value = start + 1 + length_bytes
        end = value + int.from_bytes(data[start + 1 : value], "big")
        if value > len(data) or end > len(data):
            raise OpenError(f"field of type {data[start]} at byte {start} ends behind the OPEN")
        yield data[start], data[value:end]
        start = end
