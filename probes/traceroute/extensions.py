"""ICMP extensions (RFC 4884) and the MPLS label stack in them (RFC 4950). Pure.

An extension that is broken is ignored and never costs the hop that carries it: the address of the router is
worth more than its labels.
"""

from __future__ import annotations

import struct
from typing import Final

from probes.observation import MplsLabel

__all__ = ["mpls_labels", "mpls_labels_after_quote"]

_VERSION: Final = 2
_MPLS_CLASS: Final = 1
_INCOMING_STACK: Final = 1

_LEGACY_QUOTE: Final = 128
"""RFC 4884 §5: routers older than the RFC pad the quoted datagram to 128 octets and say no length."""

_MAX_LABELS: Final = 16
"""Real stacks have 1 to 5 entries; a hostile one must not fill the store."""


def mpls_labels_after_quote(payload: bytes, declared: int) -> tuple[MplsLabel, ...]:
    """The labels behind the quoted datagram of an ICMP error.

    `payload`: what follows the 8 octets of the ICMP header. `declared`: the message's own length of the
    quoted datagram in octets, 0 where it says none; then the extension must have a checksum to be believed.
    """
    if declared:
        return mpls_labels(payload[declared:])
    return mpls_labels(payload[_LEGACY_QUOTE:], checksum_needed=True)


def mpls_labels(extension: bytes, *, checksum_needed: bool = False) -> tuple[MplsLabel, ...]:
    """The label stack in an extension structure, outermost first; () where there is none."""
    if len(extension) < 4 or extension[0] >> 4 != _VERSION:
        return ()
    checksum = int.from_bytes(extension[2:4], "big")
    # §7: a checksum of 0 means that none was computed.
    if (checksum or checksum_needed) and _ones_sum(extension) != 0xFFFF:
        return ()
    offset = 4
    while offset + 4 <= len(extension):
        length, class_number, kind = struct.unpack_from("!HBB", extension, offset)
        if length < 4 or offset + length > len(extension):
            return ()
        if (class_number, kind) == (_MPLS_CLASS, _INCOMING_STACK):
            return _stack(extension[offset + 4 : offset + length])
        offset += length
    return ()


def _stack(entries: bytes) -> tuple[MplsLabel, ...]:
    labels = []
    for offset in range(0, min(len(entries) // 4, _MAX_LABELS) * 4, 4):
        (entry,) = struct.unpack_from("!I", entries, offset)
        labels.append(
            MplsLabel(label=entry >> 12, tc=entry >> 9 & 7, bottom=bool(entry >> 8 & 1), ttl=entry & 0xFF)
        )
    return tuple(labels)


def _ones_sum(octets: bytes) -> int:
    padded = octets + b"\0" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
