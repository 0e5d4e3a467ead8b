"""One BGP UPDATE message: which prefixes it announces and withdraws, by which path (RFC 4271 section 4.3).

IPv4 in the message itself, IPv4 and IPv6 unicast in the multiprotocol attributes (RFC 4760); other
families are passed over. Knows nothing of who recorded the message: MRT, BMP and raw feeds share it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.bgp.as_path_wire import AsPathError
from monitor.bgp.nlri import NlriError, read_prefixes
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
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.prefix_key import PrefixKey, prefix_of
from monitor.model import Asn, AsPath, Prefix, RouteEvent, RouteKind

HEADER_BYTES = 19
"""Marker, length, type (RFC 4271 section 4.1)."""
MARKER = b"\xff" * 16
UPDATE_TYPE = 2

_VERSION_OF_FAMILY = {b"\0\1\1": 4, b"\0\2\1": 6}
"""Address family and subsequent address family, as a multiprotocol attribute begins: the unicast ones."""

Field = tuple[int, bytes, int, int]
"""Where prefixes stand: their IP version, the data, and where in it they begin and end."""

Families = frozenset[int]
"""IP versions."""
NO_FAMILY: Families = frozenset()
ALL_FAMILIES: Families = frozenset({4, 6})

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
    message: bytes, *, asn_size: int = 4, add_path: Families = NO_FAMILY, wanted: PrefixFilter | None = None
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
    body: bytes, *, asn_size: int = 4, add_path: Families = NO_FAMILY, wanted: PrefixFilter | None = None
) -> Update:
    """An UPDATE without its header. Prefixes are scanned first; the path is read only if one is wanted.

    `asn_size`: bytes of an AS number in AS_PATH, 2 from speakers without RFC 6793. `add_path`: where
    path identifiers precede the prefixes (RFC 7911). `wanted` None: all.

    :raises UpdateError: it is malformed
    """
    try:
        return _decode(body, asn_size, add_path, wanted)
    except (NlriError, PathAttributeError, AsPathError) as error:
        raise UpdateError(str(error)) from error


def _decode(body: bytes, asn_size: int, add_path: Families, wanted: PrefixFilter | None) -> Update:
    attributes_start, nlri_start = _fields(body)
    attributes = scan(body, attributes_start, nlri_start)
    mp_announced, mp_next_hop = _mp_reach(attributes)
    fields = (
        (4, body, 2, attributes_start - 2),
        _mp_unreach(attributes),
        (4, body, nlri_start, len(body)),
        mp_announced,
    )
    picked = [_pick(field, wanted, add_path) for field in fields]
    withdrawn, mp_withdrawn, announced, announced_by_mp = (keys for keys, _ in picked)

    next_hops = dict.fromkeys(announced, address_text(attributes.get(NEXT_HOP, b"")))
    next_hops |= dict.fromkeys(announced_by_mp, mp_next_hop)
    path = as_path(attributes, asn_size) if next_hops else None
    if next_hops and path is None:
        raise UpdateError(f"announces {len(next_hops)} prefixes without an AS_PATH")
    return Update(
        tuple((prefix_of(*which), next_hop) for which, next_hop in next_hops.items()),
        tuple(prefix_of(*which) for which in dict.fromkeys(withdrawn + mp_withdrawn) if which not in next_hops),
        path,
        sum(total for _, total in picked),
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


def _pick(field: Field, wanted: PrefixFilter | None, add_path: Families) -> tuple[list[_Which], int]:
    """The wanted prefixes of a field, and how many there are.

    :raises NlriError: they are malformed
    """
    version, data, start, end = field
    if start == end:
        return _NOTHING
    if wanted is not None:
        keys, total = wanted.pick(data, start, end, version, version in add_path)
    else:
        keys = read_prefixes(data, start, end, version, version in add_path)
        total = len(keys)
    return [(version, key) for key in keys], total


_EMPTY: Field = (4, b"", 0, 0)
_NOTHING: tuple[list[_Which], int] = ([], 0)


def _mp_reach(attributes: Attributes) -> tuple[Field, str | None]:
    """The announced prefixes of MP_REACH_NLRI, and their next hop."""
    value = attributes.get(MP_REACH)
    if value is None:
        return _EMPTY, None
    # Address family, subsequent family, next hop's length and address, one reserved byte, prefixes.
    if len(value) < 5 or len(value) < 5 + value[3]:
        raise UpdateError("MP_REACH_NLRI is cut short")
    nlri = 5 + value[3]
    return _family_field(value, nlri), address_text(value[4 : nlri - 1])


def _mp_unreach(attributes: Attributes) -> Field:
    """The withdrawn prefixes of MP_UNREACH_NLRI."""
    value = attributes.get(MP_UNREACH)
    if value is None:
        return _EMPTY
    if len(value) < 3:
        raise UpdateError("MP_UNREACH_NLRI is cut short")
    return _family_field(value, 3)


def _family_field(value: bytes, start: int) -> Field:
    """The prefixes of a multiprotocol attribute; none when they are of a family that is not followed."""
    version = _VERSION_OF_FAMILY.get(value[:3])
    return _EMPTY if version is None else (version, value, start, len(value))
