"""What travels on the bus: crates of facts, and marks of time. Values, and how they are packed; pure.

A crate holds parts of agents' shipments, each fact under the number that its agent gave it, and dispatches of
the hub's own roles (routes, contact with vantages), each under a number that its sender gave it. So every fact
has a name, and comes twice without harm.

A mark says that everything its sender took in before `at` stands before it in the stream. How far a partition may
conclude follows from the marks of all senders (`Watermark`), not from anybody's clock.

Packed as messages between agents and hubs are (`link.packing`). Brokers are ours, and yet what they deliver may be
damaged or another version's: any bytes become a value, or a `CrateError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from monitor.bus.route_form import RouteForm, from_form, to_form
from monitor.diagnose.fact import Fact, parted
from monitor.history.shipment import Dispatch, Refusal, Shipment
from monitor.link.packing import PackingError, pack, unpack
from probes.observation import Observation

VERSION = 1

_Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class CrateError(Exception):
    """A message of the bus that is none of ours."""


class _Part(msgspec.Struct, frozen=True, array_like=True):
    """A `Shipment`, or those facts of it that one partition gets."""

    vantage: _Name
    received_at: float
    sent_at: float | None
    settled_below: _Number
    late: bool
    facts: tuple[tuple[_Number, Observation], ...]
    refused: tuple[tuple[_Number, str], ...]


class _Dispatch(msgspec.Struct, frozen=True, array_like=True):
    """A `Dispatch`: observations and routes apart, each in their order."""

    source: _Name
    number: _Number
    observations: tuple[Observation, ...]
    routes: tuple[RouteForm, ...]


class _Crate(msgspec.Struct, frozen=True, array_like=True):
    version: int
    parts: tuple[_Part, ...]
    dispatches: tuple[_Dispatch, ...]


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `sender` took in before `at` stands before this.

    `sent_at` by the sender's clock; `agents`: it brings what agents measure, without which nothing is concluded;
    `leaving`: nothing more comes from it.
    """

    version: int = VERSION
    sender: _Name
    at: float
    sent_at: float
    agents: bool
    leaving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Crate:
    """Parts of shipments and dispatches that travel together."""

    shipments: tuple[Shipment, ...] = ()
    dispatches: tuple[Dispatch, ...] = ()


def pack_crate(crate: Crate) -> bytes:
    """The crate as it travels."""
    parts = tuple(map(_to_part, crate.shipments))
    return pack(_Crate(VERSION, parts, tuple(map(_to_dispatch, crate.dispatches))))


def unpack_crate(body: bytes) -> Crate:
    """The crate in a message.

    :raises CrateError: it is none, is too large, or is of another version
    """
    try:
        found = unpack(body, _Crate)
        _check_version(found.version)
        return Crate(
            shipments=tuple(map(_from_part, found.parts)),
            dispatches=tuple(map(_from_dispatch, found.dispatches)),
        )
    except (PackingError, ValueError) as error:
        raise CrateError(f"not a crate: {error}") from error


def pack_mark(mark: Mark) -> bytes:
    """The mark as it travels."""
    return pack(mark)


def unpack_mark(body: bytes) -> Mark:
    """The mark in a message.

    :raises CrateError: it is none, or is of another version
    """
    try:
        mark = unpack(body, Mark)
        _check_version(mark.version)
    except (PackingError, ValueError) as error:
        raise CrateError(f"not a mark: {error}") from error
    return mark


def _check_version(version: int) -> None:
    if version != VERSION:
        raise ValueError(f"version {version}; this program speaks {VERSION}")


def _to_part(shipment: Shipment) -> _Part:
    return _Part(
        shipment.vantage, shipment.received_at, shipment.sent_at, shipment.settled_below, shipment.late,
        tuple(shipment.facts), tuple((one.sequence, one.reason) for one in shipment.refused),
    )  # fmt: skip


def _from_part(part: _Part) -> Shipment:
    return Shipment(
        vantage=part.vantage,
        received_at=part.received_at,
        sent_at=part.sent_at,
        settled_below=part.settled_below,
        late=part.late,
        facts=part.facts,
        refused=[Refusal(number, reason) for number, reason in part.refused],
    )


def _to_dispatch(dispatch: Dispatch) -> _Dispatch:
    observations, routes = parted(dispatch.facts)
    return _Dispatch(dispatch.source, dispatch.number, tuple(observations), tuple(map(to_form, routes)))


def _from_dispatch(found: _Dispatch) -> Dispatch:
    facts: Sequence[Fact] = (*found.observations, *map(from_form, found.routes))
    return Dispatch(source=found.source, number=found.number, facts=tuple(facts))
