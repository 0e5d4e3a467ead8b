"""RIS Live's JSON messages -> route facts (https://ris-live.ripe.net/manual/, protocol version 1).

Reads one line, bare or in its `ris_message` envelope. Of a whole feed hardly anything is wanted, so a
`Reader` asks for the prefixes first, and makes values of the other fields only for what is wanted; they are
bounded and checked then. What a client says is `ris_live_requests`' business, sockets are `sources`'. Pure.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from monitor.bgp.bgp_update import Update
from monitor.bgp.prefix_filter import Wanted
from monitor.bgp.prefix_key import PrefixKey, parse_key, prefix_of
from monitor.model import Asn, AsPath, AsSet, PeerState, RouteEvent, RouteFact, RouteKind, parse_asn
from monitor.model.asn import MAX_ASN

MAX_LINE_BYTES = 1024 * 1024
"""An UPDATE of 64 KiB (RFC 8654) is below 400 kB as JSON, with `raw`."""
MAX_PATH = 16_384
"""As many four-byte AS numbers as 64 KiB hold."""
MAX_PREFIXES = 65_536
_MAX_TIME = 253_402_300_799
"""The end of the year 9999."""
MOST_UNWANTED = 131_072
"""Prefixes remembered as unwanted, about 15 MB. A collector's busy five minutes name 20,000 different ones."""

_END_OF_TABLE = "eor"
"""Stands among the prefixes where a peer marked the end of its table (RFC 4724)."""

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RIS_DOMAIN = ".ripe.net"
_UP, _DOWN = frozenset({"connected", "up", "established"}), frozenset({"down", "disconnected"})


_Which = tuple[int, PrefixKey]
"""A prefix: IP version and key."""


class RisLiveError(ValueError):
    """A line is not a message of RIS Live, or breaks a limit; says which field."""


class ServerError(RisLiveError):
    """The server's own `ris_error`: it refuses a request, or is about to close the connection."""


class _Group(msgspec.Struct, gc=False):
    """Prefixes with one next hop."""

    prefixes: list[str] = []
    next_hop: str | None = None


class _Message(msgspec.Struct, gc=False):
    """A message; fields that we do not read are skipped.

    `rib` is our own exports' word for an entry of a table (`monitor.history.ris_lines`).
    """

    type: str | None = None
    timestamp: float | str | None = None
    peer: str = ""
    peer_asn: int | str = ""
    host: str = "ris"
    path: list[int | str | list[int | str]] | None = None
    announcements: list[_Group] | None = None
    withdrawals: list[str] | None = None
    state: str | None = None
    rib: bool = False


class _Line(_Message, gc=False):
    """A bare message, or an envelope, whose message is in `data`."""

    data: _Message | None = None


class _Other(msgspec.Struct):
    """A line whose `data` is no message: an error, a list of collectors, an answer to a request."""

    type: str | None = None
    data: msgspec.Raw = msgspec.Raw()


class _Complaint(msgspec.Struct):
    message: str = ""


_LINE = msgspec.json.Decoder(_Line)
_OTHER = msgspec.json.Decoder(_Other)
_COMPLAINT = msgspec.json.Decoder(_Complaint)


class Received(msgspec.Struct, frozen=True, gc=False):
    """One line from the server: its outer type (`ris_message`, `ris_subscribe_ok`, `pong`, …) and its facts.

    `at`: when the collector heard the message, Unix seconds; None where that is not said, or not as a number.
    """

    type: str
    facts: tuple[RouteFact, ...] = ()
    at: float | None = None


class Reader:
    """Reads lines for somebody who wants some prefixes only; `wanted` None: all.

    What `wanted` says of a prefix is remembered until `forget`, of `most_remembered` unwanted ones.
    """

    def __init__(self, wanted: Wanted | None = None, *, most_remembered: int = MOST_UNWANTED) -> None:
        self._wanted = wanted
        self._most_remembered = most_remembered
        self._unwanted = {_END_OF_TABLE}

    def forget(self) -> None:
        """Ask again for every prefix: what is wanted has changed."""
        self._unwanted = {_END_OF_TABLE}

    def receive(self, line: bytes | str) -> Received:
        """Read one line of the server. Facts: route events, one a wanted prefix, of an UPDATE, withdrawals
        first; a peer's state; nothing for the rest. Of a message without a wanted prefix, the prefixes alone
        are checked.

        A prefix repeated for another next hop, or withdrawn and announced in one message, is one announcement.

        :raises ServerError: it is a `ris_error`
        :raises RisLiveError: it is not a message, or breaks a limit
        """
        if len(line) > MAX_LINE_BYTES:
            raise RisLiveError(f"line of {len(line)} bytes, above {MAX_LINE_BYTES}")
        try:
            outer = _LINE.decode(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            return _receive_other(line, error)
        if outer.type == "ris_error":
            return _receive_other(line, None)
        message = outer.data if outer.type == "ris_message" else outer
        if message is None:
            raise RisLiveError("not a RIS Live message: ris_message without data")
        at = message.timestamp if isinstance(message.timestamp, float) else None
        kind = "ris_message" if message is not outer else printable(outer.type or "")
        return Received(kind, self._facts(message), at)

    def _facts(self, message: _Message) -> tuple[RouteFact, ...]:
        if message.type == "UPDATE":
            return self._events(message)
        if message.type in ("RIS_PEER_STATE", "STATE"):
            return (_peer_state(message),)
        return ()

    def _events(self, message: _Message) -> tuple[RouteEvent, ...]:
        announced: dict[_Which, str | None] = {}
        for group in message.announcements or ():
            if not self._unwanted.issuperset(group.prefixes):
                next_hop = _next_hop(group.next_hop)
                for which in self._pick(group.prefixes):
                    announced.setdefault(which, next_hop)
        withdrawn: tuple[_Which, ...] = ()
        if message.withdrawals and not self._unwanted.issuperset(message.withdrawals):
            found = dict.fromkeys(self._pick(message.withdrawals))
            withdrawn = tuple(which for which in found if which not in announced)
        return _update_events(message, announced, withdrawn) if announced or withdrawn else ()

    def _pick(self, texts: Iterable[str]) -> list[_Which]:
        """The wanted ones; the others are remembered."""
        picked: list[_Which] = []
        for text in texts:
            if text not in self._unwanted:
                which = _which(text)
                if self._wanted is None or self._wanted(*which):
                    picked.append(which)
                else:
                    self._remember(text)
        return picked

    def _remember(self, text: str) -> None:
        if len(self._unwanted) >= self._most_remembered:
            self.forget()
        self._unwanted.add(text)


_ALL = Reader()


def decode(line: bytes | str) -> tuple[RouteFact, ...]:
    """All facts of one line, as a `Reader` gives them that wants every prefix.

    :raises RisLiveError: the line is not a message, or breaks a limit; a `ris_error` is a `ServerError`
    """
    return _ALL.receive(line).facts


def _receive_other(line: bytes | str, error: Exception | None) -> Received:
    """A line that is no message with data of the usual form: what else it may be."""
    try:
        other = _OTHER.decode(line)
    except (msgspec.MsgspecError, UnicodeError) as worse:
        raise RisLiveError(f"not a RIS Live message: {printable(str(worse))}") from worse
    except RecursionError:
        raise RisLiveError("not a RIS Live message: nested too deeply") from None
    if other.type == "ris_error":
        raise ServerError(_complaint(other.data))
    if other.type in (None, "ris_message") or not bytes(other.data):
        raise RisLiveError(f"not a RIS Live message: {printable(str(error))}") from error
    return Received(printable(other.type))


def _complaint(data: msgspec.Raw) -> str:
    try:
        return printable(_COMPLAINT.decode(data).message) or "no reason given"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "no reason given"


def _peer_state(message: _Message) -> PeerState:
    state = (message.state or "").lower()
    if state not in _UP and state not in _DOWN:
        raise RisLiveError(f"peer state {printable(state)!r}, not connected or down")
    collector, peer, asn = _peer(message.host, message.peer, message.peer_asn)
    return PeerState(at=_time(message.timestamp), collector=collector, peer=peer, peer_asn=asn, up=state in _UP)


def _update_events(
    message: _Message, announced: dict[_Which, str | None], withdrawn: tuple[_Which, ...]
) -> tuple[RouteEvent, ...]:
    if len(announced) + len(withdrawn) > MAX_PREFIXES:
        raise RisLiveError(f"{len(announced) + len(withdrawn)} prefixes, above {MAX_PREFIXES}")
    path = _path(message.path) if announced else None
    collector, peer, asn = _peer(message.host, message.peer, message.peer_asn)
    update = Update(
        tuple((prefix_of(*which), next_hop) for which, next_hop in announced.items()),
        tuple(prefix_of(*which) for which in withdrawn),
        path,
    )
    events = update.events(
        at=_time(message.timestamp),
        peer=peer,
        peer_asn=asn,
        collector=collector,
        announced_as=RouteKind.RIB if message.rib else RouteKind.ANNOUNCEMENT,
    )
    return tuple(events)


@lru_cache(maxsize=65536)
def _which(text: str) -> _Which:
    try:
        return parse_key(text)
    except ValueError as error:
        raise RisLiveError(str(error)) from error


def _path(parts: list[int | str | list[int | str]] | None) -> AsPath:
    if parts is None:
        raise RisLiveError("announcement without a path")
    if len(parts) > MAX_PATH:
        raise RisLiveError(f"path of {len(parts)} ASes, above {MAX_PATH}")
    # In place, and not by `_segment`, what nearly every element is.
    return AsPath(
        tuple([Asn(part) if type(part) is int and 0 <= part <= MAX_ASN else _segment(part) for part in parts])
    )


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


@lru_cache(maxsize=8192)
def _peer(host: str, address: str, asn: int | str) -> tuple[str, str, Asn]:
    """Collector, address and AS number of a peer; `rrc21` also where the server writes `rrc21.ripe.net`."""
    if not _HOST.fullmatch(host):
        raise RisLiveError(f"host {printable(host)!r} is no collector's name")
    return host.removesuffix(_RIS_DOMAIN), _address(address), _asn(asn)


@lru_cache(maxsize=4096)
def _address(text: str) -> str:
    """The shortest form (RFC 5952): RIS Live writes IPv6 unshortened at times."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, text))
    except (OSError, ValueError) as error:
        raise RisLiveError(f"not an address: {printable(text)!r}") from error


@lru_cache(maxsize=4096)
def _next_hop(text: str | None) -> str | None:
    """Of `global,link-local` (RFC 2545 section 3) the global one; None where it is no address."""
    try:
        return _address((text or "").partition(",")[0])
    except RisLiveError:
        return None


def printable(text: str) -> str:
    """At most 120 characters of a stranger's text, with nothing a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:120])
