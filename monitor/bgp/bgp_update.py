"""One BGP UPDATE message: which prefixes it announces and withdraws, by which path (RFC 4271 section 4.3).

IPv4 in the message itself, IPv4 and IPv6 unicast in the multiprotocol attributes (RFC 4760); other
families are passed over. Knows nothing of who recorded the message: MRT, BMP and raw feeds share it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.bgp.as_path_wire import AsPathError
from monitor.bgp.nlri import NlriError, Wanted, read_prefixes
from monitor.bgp.path_attributes import (
    MP_REACH,
    MP_UNREACH,
    NEXT_HOP,
    Attributes,
    PathAttributeError,
    address_text,
    as_path,
    scan,
)
from monitor.bgp.prefix_key import PrefixKey, prefix_of
from monitor.model import Asn, AsPath, Prefix, RouteEvent, RouteKind

HEADER_BYTES = 19
"""Marker, length, type (RFC 4271 section 4.1)."""
MARKER = b"\xff" * 16
UPDATE_TYPE = 2

_VERSION_OF_AFI = {1: 4, 2: 6}
_UNICAST = 1

_Which = tuple[int, PrefixKey]
"""A prefix: IP version and key."""


class UpdateError(ValueError):
    """The bytes are not an UPDATE; says what is wrong and at which byte."""


@dataclass(frozen=True, slots=True)
class Update:
    """What an UPDATE says of the wanted prefixes.

    `announced` with each prefix's next hop (None: unreadable); `path` None when nothing wanted is
    announced. A prefix both withdrawn and announced counts as announced (RFC 4271 section 4.3).
    `elements` counts all prefixes in it, also those that were not wanted.
    """

    announced: tuple[tuple[Prefix, str | None], ...] = ()
    withdrawn: tuple[Prefix, ...] = ()
    path: AsPath | None = None
    elements: int = 0

    def events(
        self,
        *,
        at: float,
        peer: str,
        peer_asn: Asn,
        collector: str,
        announced_as: RouteKind = RouteKind.ANNOUNCEMENT,
    ) -> list[RouteEvent]:
        """The update as route events, withdrawals first."""
        events = [
            RouteEvent(
                at=at, kind=RouteKind.WITHDRAWAL, prefix=prefix, peer=peer, peer_asn=peer_asn, collector=collector
            )
            for prefix in self.withdrawn
        ]
        events += [
            RouteEvent(
                at=at,
                kind=announced_as,
                prefix=prefix,
                peer=peer,
                peer_asn=peer_asn,
                collector=collector,
                path=self.path,
                next_hop=next_hop,
            )
            for prefix, next_hop in self.announced
        ]
        return events


def decode_message(
    message: bytes, *, asn_size: int = 4, add_path: bool = False, wanted: Wanted | None = None
) -> Update | None:
    """A whole BGP message with its header; None when it is not an UPDATE. Bytes behind it are ignored.

    :raises UpdateError: no BGP header, cut short, or not an UPDATE inside
    """
    if len(message) < HEADER_BYTES or not message.startswith(MARKER):
        raise UpdateError("no BGP message header")
    length = int.from_bytes(message[16:18], "big")
    if not HEADER_BYTES <= length <= len(message):
        raise UpdateError(f"BGP message length {length}, not in {HEADER_BYTES}..{len(message)}")
    if message[18] != UPDATE_TYPE:
        return None
    return decode_update(message[HEADER_BYTES:length], asn_size=asn_size, add_path=add_path, wanted=wanted)


def decode_update(
    body: bytes, *, asn_size: int = 4, add_path: bool = False, wanted: Wanted | None = None
) -> Update:
    """An UPDATE without its header. Prefixes are scanned first; the path is read only if one is wanted.

    `asn_size`: bytes of an AS number in AS_PATH, 2 from speakers without RFC 6793. `add_path`: path
    identifiers precede the prefixes (RFC 7911). `wanted` None: all.

    :raises UpdateError: it is malformed
    """
    try:
        return _decode(body, asn_size, add_path, wanted)
    except (NlriError, PathAttributeError, AsPathError) as error:
        raise UpdateError(str(error)) from error


def _decode(body: bytes, asn_size: int, add_path: bool, wanted: Wanted | None) -> Update:
    attributes_start, nlri_start = _fields(body)
    withdrawn = [(4, key) for key in read_prefixes(body, 2, attributes_start - 2, 4, add_path)]
    announced = [(4, key) for key in read_prefixes(body, nlri_start, len(body), 4, add_path)]
    attributes = scan(body, attributes_start, nlri_start)
    withdrawn += _mp_unreach(attributes, add_path)
    mp_announced, mp_next_hop = _mp_reach(attributes, add_path)
    elements = len(withdrawn) + len(announced) + len(mp_announced)

    next_hops = dict.fromkeys(_pick(announced, wanted), address_text(attributes.get(NEXT_HOP, b"")))
    next_hops |= dict.fromkeys(_pick(mp_announced, wanted), mp_next_hop)
    path = as_path(attributes, asn_size) if next_hops else None
    if next_hops and path is None:
        raise UpdateError(f"announces {len(next_hops)} prefixes without an AS_PATH")
    return Update(
        tuple((prefix_of(*which), next_hop) for which, next_hop in next_hops.items()),
        tuple(prefix_of(*which) for which in dict.fromkeys(_pick(withdrawn, wanted)) if which not in next_hops),
        path,
        elements,
    )


def _fields(body: bytes) -> tuple[int, int]:
    """Where the path attributes begin, and where they end and the prefixes begin."""
    if len(body) < 4:
        raise UpdateError(f"UPDATE of {len(body)} bytes, at least 4 needed")
    attributes_start = 2 + int.from_bytes(body[:2], "big") + 2
    if attributes_start > len(body):
        raise UpdateError(f"withdrawn routes end at byte {attributes_start - 2}, behind the message")
    nlri_start = attributes_start + int.from_bytes(body[attributes_start - 2 : attributes_start], "big")
    if nlri_start > len(body):
        raise UpdateError(f"path attributes end at byte {nlri_start}, behind the message")
    return attributes_start, nlri_start


def _mp_reach(attributes: Attributes, add_path: bool) -> tuple[list[_Which], str | None]:
    """The announced prefixes of MP_REACH_NLRI, and their next hop."""
    value = attributes.get(MP_REACH)
    if value is None:
        return [], None
    # Address family, subsequent family, next hop's length and address, one reserved byte, prefixes.
    if len(value) < 5 or len(value) < 5 + value[3]:
        raise UpdateError("MP_REACH_NLRI is cut short")
    nlri = 5 + value[3]
    return _family_prefixes(value, nlri, add_path), address_text(value[4 : nlri - 1])


def _mp_unreach(attributes: Attributes, add_path: bool) -> list[_Which]:
    """The withdrawn prefixes of MP_UNREACH_NLRI."""
    value = attributes.get(MP_UNREACH)
    if value is None:
        return []
    if len(value) < 3:
        raise UpdateError("MP_UNREACH_NLRI is cut short")
    return _family_prefixes(value, 3, add_path)


def _family_prefixes(value: bytes, start: int, add_path: bool) -> list[_Which]:
    """The prefixes of a multiprotocol attribute; none when they are of a family that is not followed."""
    version = _VERSION_OF_AFI.get(value[0] << 8 | value[1])
    if version is None or value[2] != _UNICAST:
        return []
    return [(version, key) for key in read_prefixes(value, start, len(value), version, add_path)]


def _pick(prefixes: list[_Which], wanted: Wanted | None) -> list[_Which]:
    return prefixes if wanted is None else [which for which in prefixes if wanted(*which)]
