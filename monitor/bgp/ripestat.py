"""RIPEstat's answers (https://stat.ripe.net/docs/02.data-api/) -> route facts, origin history, RPKI validity.

Each answer is an envelope with `data`, or that inner object alone, as people save it. Reads `bgp-updates`,
`bgp-state`, `bgplay`, `routing-history` and `rpki-validation`. Who asks, and how often, is `sources.ripestat`'s
business. Times come in UTC without a zone, or as Unix seconds. A route that is none is counted, not fatal.

Peers are named as RIS names them: `source_id` `19-196.60.9.165` is the peer 196.60.9.165 of rrc19. A withdrawal
carries no AS number: the one that the same peer's announcements in that answer begin with, else 0. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from monitor.model import Asn, AsPath, Prefix, RouteEvent, RouteKind, Vrp, parse_asn, parse_prefix

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""A day of updates of a busy prefix is some 20 MB."""
MAX_ROUTES = 1_000_000
"""Of one answer; more is no answer about a prefix."""
_MAX_PATH = 1024
_MAX_PERIODS = 10_000
_KEPT_ERRORS = 8

_SOURCE = re.compile(r"([0-9]{1,3})-([0-9A-Fa-f.:]{2,45})")

_ABSENT = msgspec.Raw(b"")

AsField = int | str | list[int | str]
Answer = TypeVar("Answer")


class RipestatError(ValueError):
    """The bytes are no answer of RIPEstat's that can be used; says which call's, and why."""


class _Envelope(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    status: str = "ok"
    messages: msgspec.Raw = msgspec.Raw(b"[]")


class _Attributes(msgspec.Struct):
    source_id: str
    target_prefix: str
    path: list[AsField] | None = None


class _Update(msgspec.Struct):
    timestamp: int | float | str
    type: str
    attrs: _Attributes


class _Bgp(msgspec.Struct):
    """What tells the three calls about routes apart."""

    updates: list[msgspec.Raw] | None = None
    bgp_state: list[msgspec.Raw] | None = None
    timestamp: int | float | str | None = None
    initial_state: list[msgspec.Raw] | None = None
    events: list[msgspec.Raw] | None = None
    query_starttime: int | float | str | None = None


class _Timeline(msgspec.Struct):
    starttime: int | float | str
    endtime: int | float | str
    full_peers_seeing: float = 0.0
    visibility: float | None = None


class _HistoryPrefix(msgspec.Struct):
    prefix: str
    timelines: list[_Timeline]


class _HistoryOrigin(msgspec.Struct):
    origin: int | str
    prefixes: list[_HistoryPrefix]


class _History(msgspec.Struct):
    by_origin: list[_HistoryOrigin]


class _ValidatingRoa(msgspec.Struct):
    origin: int | str
    prefix: str
    max_length: int


class _Validation(msgspec.Struct):
    status: str
    resource: int | str
    prefix: str
    validating_roas: list[_ValidatingRoa] = []


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ROUTE = msgspec.json.Decoder(_Attributes)


class _About(msgspec.Struct):
    """The fields that say what an answer is about; the long ones are only known to be there."""

    resource: int | str | None = None
    prefix: str | None = None
    query_starttime: int | float | str | None = None
    query_endtime: int | float | str | None = None
    timestamp: int | float | str | None = None
    updates: msgspec.Raw = _ABSENT
    bgp_state: msgspec.Raw = _ABSENT
    initial_state: msgspec.Raw = _ABSENT
    by_origin: msgspec.Raw = _ABSENT
    validating_roas: msgspec.Raw = _ABSENT


_MARKS = {
    "bgp-updates": "updates",
    "bgp-state": "bgp_state",
    "bgplay": "initial_state",
    "routing-history": "by_origin",
    "rpki-validation": "validating_roas",
}
"""The data call, and the field by which its answers are known."""

_ABOUT = msgspec.json.Decoder(_About)
_BGP = msgspec.json.Decoder(_Bgp)
_UPDATE = msgspec.json.Decoder(_Update)


@dataclass(frozen=True, slots=True)
class About:
    """Data call, its resource as the answer spells it, and the window, Unix seconds; None: not of a window."""

    call: str
    resource: str
    since: float | None
    until: float | None


@dataclass(slots=True)
class Routes:
    """The route events of an answer; `bad`: entries that were passed over, `errors`: why, the first few."""

    events: list[RouteEvent] = field(default_factory=list)
    bad: int = 0
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginPeriod:
    """RIS saw `origin` announce `prefix` from `since` to `until`, Unix seconds, in steps of eight hours.

    `peers`: how many full-table peers saw it at most; `visibility`: which share of them, None if not asked for.
    """

    prefix: Prefix
    origin: Asn
    since: float
    until: float
    peers: float
    visibility: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RpkiAnswer:
    """Validity as RIPEstat's validator has it *now*: `valid`, `invalid_asn`, `invalid_length` or `unknown`."""

    prefix: Prefix
    origin: Asn
    status: str
    vrps: tuple[Vrp, ...]


def read_routes(answer: bytes) -> Routes:
    """The route events of `bgp-updates`, `bgp-state` (kind `rib`) or `bgplay` (both), whichever it is.

    :raises RipestatError: it is none of them, says that it failed, or has too many routes
    """
    table, updates, at = _lists(_data(answer))
    if len(table) + len(updates) > MAX_ROUTES:
        raise RipestatError(f"{len(table) + len(updates)} routes in an answer, above {MAX_ROUTES}")
    found = Routes()
    asns: dict[tuple[str, str], Asn] = {}
    _take(found, table, lambda raw: _state_event(raw, at, asns))
    _take(found, updates, lambda raw: _update_event(raw, asns))
    return found


def about(answer: bytes) -> About:
    """Which question an answer is for, by its content: people save answers under names of their own.

    :raises RipestatError: it is no answer, or of a call that is not read here
    """
    try:
        said = _ABOUT.decode(_data(answer))
        call = next((name for name, mark in _MARKS.items() if getattr(said, mark) != _ABSENT), None)
        if call is None or said.resource is None:
            raise RipestatError("an answer of another call")
        since, until = said.query_starttime, said.query_endtime
        if call == "bgp-state":
            since = until = said.timestamp
        resource = f"{said.resource}-{said.prefix}" if call == "rpki-validation" else str(said.resource)
        begin, end = (None if moment is None else _time(moment) for moment in (since, until))
        return About(call, resource, begin, end)
    except (ValueError, OverflowError, msgspec.MsgspecError, RecursionError) as error:
        raise RipestatError(f"not an answer that is read here: {str(error)[:120]!a}") from error


def read_history(answer: bytes) -> tuple[OriginPeriod, ...]:
    """The origins of a prefix, its more and less specific ones, over time: `routing-history`.

    :raises RipestatError: it is no such answer
    """
    history = _decoded(_data(answer), _History, "routing-history")
    periods: list[OriginPeriod] = []
    for origin in history.by_origin:
        for announced in origin.prefixes:
            for line in announced.timelines:
                if len(periods) >= _MAX_PERIODS:
                    raise RipestatError(f"more than {_MAX_PERIODS} periods in a routing-history answer")
                periods.append(_period(origin.origin, announced.prefix, line))
    return tuple(sorted(periods, key=lambda period: (period.since, str(period.prefix), period.origin)))


def read_validation(answer: bytes) -> RpkiAnswer:
    """The validity of one route: `rpki-validation`.

    :raises RipestatError: it is no such answer
    """
    found = _decoded(_data(answer), _Validation, "rpki-validation")
    try:
        vrps = tuple(
            Vrp(parse_prefix(roa.prefix), roa.max_length, parse_asn(roa.origin)) for roa in found.validating_roas
        )
        return RpkiAnswer(
            prefix=parse_prefix(found.prefix),
            origin=parse_asn(found.resource),
            status=found.status[:32],
            vrps=vrps,
        )
    except ValueError as error:
        raise RipestatError(f"rpki-validation: {str(error)[:120]!a}") from error


def _data(answer: bytes) -> bytes:
    """The inner object of an answer.

    :raises RipestatError: too large, no JSON object, or RIPEstat says that the call failed
    """
    if len(answer) > MAX_ANSWER_BYTES:
        raise RipestatError(f"answer of {len(answer)} bytes, above {MAX_ANSWER_BYTES}")
    try:
        envelope = _ENVELOPE.decode(answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RipestatError(f"not an answer of RIPEstat's: {str(error)[:120]!a}") from error
    if envelope.status != "ok":
        raise RipestatError(f"RIPEstat says {envelope.status[:32]!a}: {bytes(envelope.messages)[:200]!a}")
    inner = bytes(envelope.data)
    return answer if inner == b"null" else inner


def _lists(data: bytes) -> tuple[list[msgspec.Raw], list[msgspec.Raw], float]:
    """Routes of the table, updates, and the time of the table, of whichever call's data it is."""
    try:
        found = _BGP.decode(data)
        if found.updates is not None:
            return [], found.updates, 0.0
        if found.bgp_state is not None and found.timestamp is not None:
            return found.bgp_state, [], _time(found.timestamp)
        if found.initial_state is not None and found.events is not None and found.query_starttime is not None:
            return found.initial_state, found.events, _time(found.query_starttime)
    except (ValueError, OverflowError, msgspec.MsgspecError, RecursionError) as error:
        raise RipestatError(f"not an answer about routes: {str(error)[:120]!a}") from error
    raise RipestatError("neither bgp-updates nor bgp-state nor bgplay")


def _take(found: Routes, raws: list[msgspec.Raw], read: Callable[[msgspec.Raw], RouteEvent]) -> None:
    """All events; one that cannot be read is counted."""
    for number, raw in enumerate(raws):
        try:
            found.events.append(read(raw))
        except (ValueError, OverflowError, msgspec.MsgspecError, RecursionError) as error:
            found.bad += 1
            if len(found.errors) < _KEPT_ERRORS:
                found.errors.append(f"entry {number}: {str(error)[:120]!a}")


def _state_event(raw: msgspec.Raw, at: float, asns: dict[tuple[str, str], Asn]) -> RouteEvent:
    route = _ROUTE.decode(raw)
    return _event(route, at, RouteKind.RIB, _path(route.path), asns)


def _update_event(raw: msgspec.Raw, asns: dict[tuple[str, str], Asn]) -> RouteEvent:
    update = _UPDATE.decode(raw)
    kind = {"A": RouteKind.ANNOUNCEMENT, "W": RouteKind.WITHDRAWAL}.get(update.type)
    if kind is None:
        raise ValueError(f"type {update.type[:16]!a}, neither A nor W")
    path = _path(update.attrs.path) if kind is RouteKind.ANNOUNCEMENT else None
    return _event(update.attrs, _time(update.timestamp), kind, path, asns)


def _event(
    route: _Attributes, at: float, kind: RouteKind, path: AsPath | None, asns: dict[tuple[str, str], Asn]
) -> RouteEvent:
    source = _SOURCE.fullmatch(route.source_id)
    if source is None:
        raise ValueError(f"source_id {route.source_id[:40]!a}, not COLLECTOR-PEER")
    collector, peer = f"rrc{int(source[1]):02d}", source[2].lower()
    asn = next(iter(path.sequence), None) if path is not None else None
    if asn is None:
        asn = asns.get((collector, peer), Asn(0))
    else:
        asns[collector, peer] = asn
    return RouteEvent(
        at=at, kind=kind, prefix=parse_prefix(route.target_prefix), peer=peer, peer_asn=asn, collector=collector,
        path=path,
    )  # fmt: skip


def _path(fields: list[AsField] | None) -> AsPath:
    """An AS_SET comes as a list, or as text `{1,2}`."""
    if fields is None:
        raise ValueError("an announcement without a path")
    if len(fields) > _MAX_PATH:
        raise ValueError(f"path of {len(fields)} elements, above {_MAX_PATH}")
    return AsPath(tuple(_segment(part) for part in fields))


def _segment(part: AsField) -> Asn | frozenset[Asn]:
    if isinstance(part, list):
        return frozenset(parse_asn(member) for member in part[:_MAX_PATH])
    if isinstance(part, str) and part.startswith("{"):
        return frozenset(parse_asn(member.strip()) for member in part.strip("{}").split(",")[:_MAX_PATH])
    return parse_asn(part)


def _period(origin: int | str, prefix: str, line: _Timeline) -> OriginPeriod:
    try:
        return OriginPeriod(
            prefix=parse_prefix(prefix), origin=parse_asn(origin), since=_time(line.starttime),
            until=_time(line.endtime), peers=line.full_peers_seeing, visibility=line.visibility,
        )  # fmt: skip
    except ValueError as error:
        raise RipestatError(f"routing-history: {str(error)[:120]!a}") from error


def _decoded(data: bytes, kind: type[Answer], call: str) -> Answer:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RipestatError(f"not a {call} answer: {str(error)[:120]!a}") from error


def _time(value: int | float | str) -> float:
    """Unix seconds.

    :raises ValueError: no time of this or the last century
    """
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    else:
        seconds = float(value)
    if not 0.0 <= seconds < 1e11:
        raise ValueError(f"no time: {str(value)[:40]!a}")
    return seconds
