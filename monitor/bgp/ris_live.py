"""RIS Live's JSON messages <-> route facts (https://ris-live.ripe.net/manual/, protocol version 1).

Decodes one line, bare or in its `ris_message` envelope, and writes the client's messages. Everything is
bounded and checked here, because the line comes from the network; the socket is `sources`' business. Pure.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from monitor.bgp.bgp_update import Update
from monitor.bgp.prefix_key import parse_key, prefix_of
from monitor.model import Asn, AsPath, AsSet, PeerState, Prefix, RouteEvent, RouteFact, RouteKind, parse_asn

MAX_LINE_BYTES = 1024 * 1024
"""An UPDATE of 64 KiB (RFC 8654) is below 400 kB as JSON, with `raw`."""
MAX_PATH = 16_384
"""As many four-byte AS numbers as 64 KiB hold."""
MAX_PREFIXES = 65_536
_MAX_TIME = 253_402_300_799
"""The end of the year 9999."""

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RIS_DOMAIN = ".ripe.net"
_UP, _DOWN = frozenset({"connected", "up", "established"}), frozenset({"down", "disconnected"})


class RisLiveError(ValueError):
    """A line is not a message of RIS Live, or breaks a limit; says which field."""


class ServerError(RisLiveError):
    """The server's own `ris_error`: it refuses a request, or is about to close the connection."""


class _Group(msgspec.Struct):
    """Prefixes with one next hop."""

    prefixes: list[str] = []
    next_hop: str | None = None


class _Message(msgspec.Struct):
    """A message or its envelope, which share `type`; fields that we do not read are skipped.

    `rib` is our own exports' word for an entry of a table (`monitor.history.ris_lines`).
    """

    type: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    timestamp: float | str | None = None
    peer: str = ""
    peer_asn: int | str = ""
    host: str = "ris"
    path: list[int | str | list[int | str]] | None = None
    announcements: list[_Group] | None = None
    withdrawals: list[str] | None = None
    state: str | None = None
    rib: bool = False


class _Complaint(msgspec.Struct):
    message: str = ""


_MESSAGE = msgspec.json.Decoder(_Message)
_COMPLAINT = msgspec.json.Decoder(_Complaint)
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Received:
    """One line from the server: its outer type (`ris_message`, `ris_subscribe_ok`, `pong`, …) and its facts."""

    type: str
    facts: tuple[RouteFact, ...] = ()


def receive(line: bytes | str) -> Received:
    """Read one line of the server.

    :raises ServerError: it is a `ris_error`
    :raises RisLiveError: it is not a message
    """
    message = _parse(line)
    if message.type == "ris_error":
        raise ServerError(_complaint(message.data))
    if message.type == "ris_message":
        inner = _parse(bytes(message.data))
        return Received("ris_message", _facts(inner))
    return Received(printable(message.type or ""), _facts(message))


def decode(line: bytes | str) -> tuple[RouteFact, ...]:
    """The facts of one line: route events, one a prefix, of an UPDATE; a peer's state; nothing for the rest.

    Withdrawals come first; a prefix repeated for another next hop, or withdrawn and announced in one
    message, is one announcement.

    :raises RisLiveError: the line is not a message, or breaks a limit; a `ris_error` is a `ServerError`
    """
    return receive(line).facts


def _parse(line: bytes | str) -> _Message:
    if len(line) > MAX_LINE_BYTES:
        raise RisLiveError(f"line of {len(line)} bytes, above {MAX_LINE_BYTES}")
    try:
        return _MESSAGE.decode(line)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise RisLiveError(f"not a RIS Live message: {printable(str(error))}") from error
    except RecursionError:
        raise RisLiveError("not a RIS Live message: nested too deeply") from None


def _complaint(data: msgspec.Raw) -> str:
    try:
        return printable(_COMPLAINT.decode(data).message) or "no reason given"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "no reason given"


def _facts(message: _Message) -> tuple[RouteFact, ...]:
    if message.type == "UPDATE":
        return _events(message)
    if message.type in ("RIS_PEER_STATE", "STATE"):
        return (_peer_state(message),)
    return ()


def _peer_state(message: _Message) -> PeerState:
    state = (message.state or "").lower()
    if state not in _UP and state not in _DOWN:
        raise RisLiveError(f"peer state {printable(state)!r}, not connected or down")
    return PeerState(
        at=_time(message.timestamp),
        collector=_collector(message.host),
        peer=_address(message.peer),
        peer_asn=_asn(message.peer_asn),
        up=state in _UP,
    )


def _events(message: _Message) -> tuple[RouteEvent, ...]:
    announced: dict[Prefix, str | None] = {}
    for group in message.announcements or ():
        next_hop = _next_hop(group.next_hop)
        for prefix in _prefixes(group.prefixes):
            announced.setdefault(prefix, next_hop)
    withdrawn = dict.fromkeys(prefix for prefix in _prefixes(message.withdrawals or ()) if prefix not in announced)
    if len(announced) + len(withdrawn) > MAX_PREFIXES:
        raise RisLiveError(f"{len(announced) + len(withdrawn)} prefixes, above {MAX_PREFIXES}")
    if not announced and not withdrawn:
        return ()
    path = _path(message.path) if announced else None
    update = Update(tuple(announced.items()), tuple(withdrawn), path)
    return tuple(
        update.events(
            at=_time(message.timestamp),
            peer=_address(message.peer),
            peer_asn=_asn(message.peer_asn),
            collector=_collector(message.host),
            announced_as=RouteKind.RIB if message.rib else RouteKind.ANNOUNCEMENT,
        )
    )


def _prefixes(texts: Iterable[str]) -> Iterable[Prefix]:
    # RIS Live writes "eor" where a peer marked the end of its table (RFC 4724).
    return (_prefix(text) for text in texts if text != "eor")


@lru_cache(maxsize=65536)
def _prefix(text: str) -> Prefix:
    try:
        return prefix_of(*parse_key(text))
    except ValueError as error:
        raise RisLiveError(str(error)) from error


def _path(parts: list[int | str | list[int | str]] | None) -> AsPath:
    if parts is None:
        raise RisLiveError("announcement without a path")
    if len(parts) > MAX_PATH:
        raise RisLiveError(f"path of {len(parts)} ASes, above {MAX_PATH}")
    return AsPath(tuple(_segment(part) for part in parts))


def _segment(part: int | str | list[int | str]) -> Asn | AsSet:
    """An AS number, or an AS_SET: a list, or text like `{64500,64501}`."""
    if isinstance(part, str) and part.startswith("{"):
        part = list(part.strip("{}").split(","))
    if isinstance(part, list):
        if len(part) > MAX_PATH:
            raise RisLiveError(f"AS_SET of {len(part)} ASes, above {MAX_PATH}")
        return frozenset(_asn(member) for member in part)
    return _asn(part)


def _asn(value: int | str) -> Asn:
    try:
        return parse_asn(value)
    except ValueError as error:
        raise RisLiveError(printable(str(error))) from error


def _time(value: float | str | None) -> float:
    """Unix seconds, to the millisecond in which facts are kept."""
    if value is None:
        raise RisLiveError("message without a timestamp")
    try:
        seconds = float(value)
    except ValueError as error:
        raise RisLiveError(f"timestamp {printable(str(value))!r} is no number") from error
    # Also false for what is not a number.
    if not 0 <= seconds <= _MAX_TIME:
        raise RisLiveError(f"timestamp {seconds} not in 0..{_MAX_TIME}")
    return round(seconds, 3)


def _collector(host: str) -> str:
    """`rrc21` also where the server writes `rrc21.ripe.net`."""
    if not _HOST.fullmatch(host):
        raise RisLiveError(f"host {printable(host)!r} is no collector's name")
    return host.removesuffix(_RIS_DOMAIN)


@lru_cache(maxsize=4096)
def _address(text: str) -> str:
    """The shortest form (RFC 5952): RIS Live writes IPv6 unshortened at times."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, text))
    except (OSError, ValueError) as error:
        raise RisLiveError(f"not an address: {printable(text)!r}") from error


def _next_hop(text: str | None) -> str | None:
    """Of `global,link-local` (RFC 2545 section 3) the global one; None where it is no address."""
    try:
        return _address((text or "").partition(",")[0])
    except RisLiveError:
        return None


def printable(text: str) -> str:
    """At most 120 characters of a stranger's text, with nothing a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:120])


def subscribe_message(prefix: Prefix, host: str | None = None) -> str:
    """The client's request for all that concerns a prefix: equal, more specific, less specific; acknowledged."""
    filters = _filters(prefix, host) | {"socketOptions": {"acknowledge": True}}
    return _ENCODER.encode({"type": "ris_subscribe", "data": filters}).decode()


def unsubscribe_message(prefix: Prefix, host: str | None = None) -> str:
    """Takes back `subscribe_message` of the same arguments."""
    return _ENCODER.encode({"type": "ris_unsubscribe", "data": _filters(prefix, host)}).decode()


PING_MESSAGE = '{"type":"ping"}'
"""Answered by a `pong`: proof that the server is there when nothing happens to the prefixes."""


def _filters(prefix: Prefix, host: str | None) -> dict[str, object]:
    filters: dict[str, object] = {
        "prefix": str(prefix),
        "moreSpecific": True,
        "lessSpecific": True,
        "type": "UPDATE",
    }
    return filters | {"host": host} if host else filters
