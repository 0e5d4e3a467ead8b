"""MRT records of BGP messages and session states: BGP4MP (RFC 6396 section 4.4) and the old BGP type.

A collector's own messages (the `_LOCAL` subtypes) are passed over: they say nothing of what peers route.
Pure.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from monitor.bgp.bgp_update import (
    ALL_FAMILIES,
    NO_FAMILY,
    Families,
    Update,
    UpdateError,
    decode_message,
    decode_update,
)
from monitor.bgp.mrt_record import BadRecordError, Decoded, Record
from monitor.model import Asn, PeerState

_ESTABLISHED = 6
"""RFC 4271 section 8.2.2, as numbered in RFC 6396 section 4.4.1."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A subtype: a state change or a message, the bytes of an AS number, path identifiers or not."""

    state_change: bool
    asn_size: int
    add_path: Families = NO_FAMILY


_FORMS = {
    0: _Form(True, 2),
    1: _Form(False, 2),
    4: _Form(False, 4),
    5: _Form(True, 4),
    8: _Form(False, 2, add_path=ALL_FAMILIES),
    9: _Form(False, 4, add_path=ALL_FAMILIES),
}
_ADDRESS_SIZE = {1: 4, 2: 16}
_LEGACY_UPDATE, _LEGACY_STATE_CHANGE = 1, 3


@dataclass(frozen=True, slots=True)
class _Session:
    """Who spoke, and where in the record the message begins."""

    peer: str
    peer_asn: Asn
    message_at: int


def decode_bgp4mp(record: Record) -> Decoded | None:
    """A BGP4MP record, its extended timestamp already read; None when it carries no route of a peer.

    :raises BadRecordError: it is malformed
    """
    form = _FORMS.get(record.subtype)
    if form is None:
        return None
    session = _session(record.body, form.asn_size)
    if form.state_change:
        return _state(record, session)
    try:
        update = decode_message(
            record.body[session.message_at :],
            asn_size=form.asn_size,
            add_path=form.add_path,
            wanted=record.wanted,
        )
    except UpdateError as error:
        raise BadRecordError(str(error)) from error
    return None if update is None else _routes(record, session, update)


def decode_legacy_bgp(record: Record) -> Decoded | None:
    """A record of the old type BGP: IPv4, two-byte AS numbers, no BGP header (RFC 6396 appendix B.2).

    :raises BadRecordError: it is malformed
    """
    body = record.body
    if record.subtype not in (_LEGACY_UPDATE, _LEGACY_STATE_CHANGE):
        return None
    if len(body) < 10:
        raise BadRecordError(f"BGP record of {len(body)} bytes, at least 10 needed")
    peer_asn = Asn(int.from_bytes(body[:2], "big"))
    peer = socket.inet_ntop(socket.AF_INET, body[2:6])
    if record.subtype == _LEGACY_STATE_CHANGE:
        return _state(record, _Session(peer, peer_asn, 6))
    try:
        update = decode_update(body[12:], asn_size=2, wanted=record.wanted)
    except UpdateError as error:
        raise BadRecordError(str(error)) from error
    return _routes(record, _Session(peer, peer_asn, 12), update)


def _session(body: bytes, asn_size: int) -> _Session:
    """Peer and local AS, interface, address family, peer and local address."""
    fixed = 2 * asn_size + 4
    if len(body) < fixed:
        raise BadRecordError(f"BGP4MP record of {len(body)} bytes, at least {fixed} needed")
    family = int.from_bytes(body[fixed - 2 : fixed], "big")
    size = _ADDRESS_SIZE.get(family)
    if size is None:
        raise BadRecordError(f"BGP4MP address family {family}, not 1 or 2")
    message_at = fixed + 2 * size
    if len(body) < message_at:
        raise BadRecordError(f"BGP4MP record of {len(body)} bytes, at least {message_at} needed")
    packed = body[fixed : fixed + size]
    peer = socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, packed)
    return _Session(peer, Asn(int.from_bytes(body[:asn_size], "big")), message_at)


def _state(record: Record, session: _Session) -> Decoded:
    """Old and new state: the peer is up in Established only."""
    states = record.body[session.message_at : session.message_at + 4]
    if len(states) < 4:
        raise BadRecordError("state change cut")
    up = int.from_bytes(states[2:], "big") == _ESTABLISHED
    fact = PeerState(at=record.at, collector=record.collector, peer=session.peer, peer_asn=session.peer_asn, up=up)
    return Decoded([fact], 1)


def _routes(record: Record, session: _Session, update: Update) -> Decoded:
    events = update.events(at=record.at, peer=session.peer, peer_asn=session.peer_asn, collector=record.collector)
    return Decoded([*events], update.elements)
