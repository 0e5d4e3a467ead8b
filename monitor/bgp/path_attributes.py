"""The path attributes of an UPDATE or of a RIB entry that tell where a route goes (RFC 4271 section 5).

| attribute | RFC | read |
|---|---|---|
| AS_PATH (2) | 4271 | yes |
| NEXT_HOP (3) | 4271 | yes |
| AGGREGATOR (7) | 4271, 6793 | only its AS number, because it can void AS4_PATH |
| MP_REACH_NLRI (14), MP_UNREACH_NLRI (15) | 4760, 2545 | IPv4 and IPv6, unicast |
| AS4_PATH (17), AS4_AGGREGATOR (18) | 6793 | yes; the second only by its presence |
| everything else | | skipped by its length |

`scan` only finds the attributes; they are decoded when asked for, so that a message about prefixes that
nobody watches costs no path. Pure.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache

from monitor.bgp.as_path_wire import AS_TRANS, decode_as_path, merge_as4_path
from monitor.model import AsPath

AS_PATH, NEXT_HOP, AGGREGATOR, MP_REACH, MP_UNREACH, AS4_PATH, AS4_AGGREGATOR = 2, 3, 7, 14, 15, 17, 18
_READ = frozenset({AS_PATH, NEXT_HOP, AGGREGATOR, MP_REACH, MP_UNREACH, AS4_PATH, AS4_AGGREGATOR})
EXTENDED_LENGTH = 0x10

Attributes = dict[int, bytes]
"""The values of the attributes that are read, by type code."""


class PathAttributeError(ValueError):
    """An attribute does not fit in its field, or is not what its type says."""


def scan(data: bytes, start: int, end: int) -> Attributes:
    """Find the attributes in `data[start:end]`; of a repeated one the first counts (RFC 7606 section 3g).

    :raises PathAttributeError: an attribute ends behind the field
    """
    found: Attributes = {}
    while start < end:
        body = start + 3
        if body > end:
            raise PathAttributeError(f"path attribute header cut at byte {start}")
        flags, code, size = data[start:body]
        if flags & EXTENDED_LENGTH:
            if body == end:
                raise PathAttributeError(f"path attribute header cut at byte {start}")
            size = size << 8 | data[body]
            body += 1
        behind = body + size
        if behind > end:
            raise PathAttributeError(
                f"path attribute {code} of {size} bytes at byte {start} ends behind its field"
            )
        if code in _READ and code not in found:
            found[code] = data[body:behind]
        start = behind
    return found


def as_path(attributes: Attributes, asn_size: int) -> AsPath | None:
    """The AS path, repaired from AS4_PATH when the speaker used two-byte numbers; None: there is none.

    :raises AsPathError: it is malformed
    """
    raw = attributes.get(AS_PATH)
    if raw is None:
        return None
    path = decode_as_path(raw, asn_size)
    if asn_size == 4 or AS4_PATH not in attributes or _as4_path_is_void(attributes):
        return path
    return merge_as4_path(path, decode_as_path(attributes[AS4_PATH], 4))


def _as4_path_is_void(attributes: Attributes) -> bool:
    """RFC 6793 section 4.2.3: an aggregator that fits in two bytes, yet AS4_AGGREGATOR: the latter is stale."""
    aggregator = attributes.get(AGGREGATOR, b"")
    return (
        AS4_AGGREGATOR in attributes and len(aggregator) == 6 and int.from_bytes(aggregator[:2], "big") != AS_TRANS
    )


@lru_cache(maxsize=4096)
def address_text(packed: bytes) -> str | None:
    """The address of a NEXT_HOP; of a global and link-local pair (RFC 2545 section 3) the global one.

    None where the length is that of no address.
    """
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    if len(packed) in (16, 32):
        return str(ipaddress.IPv6Address(packed[:16]))
    return None


def rib_next_hop(attributes: Attributes) -> str | None:
    """The next hop of a RIB entry.

    RFC 6396 section 4.3.4 shortens MP_REACH_NLRI to length and address; several writers keep it whole,
    which shows in the first byte: no address family number reaches 256, no next hop has length 0.
    """
    reach = attributes.get(MP_REACH)
    if not reach:
        return address_text(attributes.get(NEXT_HOP, b""))
    if reach[0]:
        return address_text(reach[1 : 1 + reach[0]])
    return address_text(reach[4 : 4 + reach[3]]) if len(reach) > 4 else None
