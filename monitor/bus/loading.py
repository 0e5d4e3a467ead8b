"""Shipments and dispatches loaded into crates, one row of crates for each partition. Pure.

A fact has one home, whose crate the stores keep. What concerns everybody has its home in the first partition and
goes as a copy to the others in use. A crate stays below what a broker takes in one message, by a count of facts:
the largest, traceroutes with long paths, are some 8 kB before and 1 kB after packing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from monitor.bus.crate import Crate
from monitor.bus.partition import VANTAGES, Partitions
from monitor.diagnose.fact import Fact
from monitor.history.shipment import Dispatch, Shipment
from monitor.model.route import RouteFact
from probes.observation import Observation

MOST_IN_CRATE = 500
"""Facts: some 15 kB packed, 0.5 MB at the worst, of the 1 MB that a broker takes by default."""

Numbered = tuple[int, Observation]


@dataclass(frozen=True, slots=True)
class Load:
    """A crate and where it goes. `is_copy`: its home is elsewhere, so no store keeps it."""

    partition: int
    is_copy: bool
    crate: Crate


def load(shipments: Iterable[Shipment], dispatches: Iterable[Dispatch], partitions: Partitions) -> Iterator[Load]:
    """All crates for these, home and copies."""
    rows: dict[tuple[int, bool], list[Shipment | Dispatch]] = defaultdict(list)
    others = [partition for partition in partitions.used if partition != VANTAGES]
    for shipment in shipments:
        for partition, part in _split(shipment, partitions):
            rows[partition, False].append(part)
        if common := [one for one in shipment.facts if partitions.place(one[1].target) is None]:
            for partition in others:
                rows[partition, True].append(_copy(shipment, common))
    for dispatch in dispatches:
        for partition, whole in _addressed(dispatch, partitions):
            rows[partition, partition != VANTAGES].append(whole)
    for (partition, is_copy), row in rows.items():
        yield from (Load(partition, is_copy, crate) for crate in _crates(row))


def joined(parts: Iterable[Shipment]) -> list[Shipment]:
    """Parts of one shipment put together again, as far as they are here: each costs a store some look-ups."""
    whole: dict[tuple[str, float, float | None, bool], Shipment] = {}
    for part in parts:
        key = (part.vantage, part.received_at, part.sent_at, part.late)
        before = whole.get(key)
        whole[key] = (
            part
            if before is None
            else replace(
                before,
                facts=(*before.facts, *part.facts),
                refused=(*before.refused, *part.refused),
                settled_below=max(before.settled_below, part.settled_below),
            )
        )
    return list(whole.values())


def _split(shipment: Shipment, partitions: Partitions) -> Iterator[tuple[int, Shipment]]:
    """The shipment's parts at their homes; what else it says goes with the first."""
    homes: dict[int, list[Numbered]] = defaultdict(list)
    for number, fact in shipment.facts:
        place = partitions.place(fact.target)
        homes[VANTAGES if place is None else place].append((number, fact))
    first, *rest = list(homes) or [VANTAGES]
    yield first, replace(shipment, facts=homes[first])
    for home in rest:
        yield home, replace(shipment, facts=homes[home], refused=(), settled_below=1)


def _copy(shipment: Shipment, facts: Sequence[Numbered]) -> Shipment:
    return replace(shipment, facts=facts, refused=(), settled_below=1)


def _addressed(dispatch: Dispatch, partitions: Partitions) -> Iterator[tuple[int, Dispatch]]:
    """The whole dispatch to its home, and to each other partition what concerns it."""
    yield VANTAGES, dispatch
    for partition in partitions.used:
        if partition == VANTAGES:
            continue
        facts = tuple(fact for fact in dispatch.facts if _concerns(fact, partition, partitions))
        if facts:
            yield partition, replace(dispatch, facts=facts)


def _concerns(fact: Fact, partition: int, partitions: Partitions) -> bool:
    return isinstance(fact, RouteFact) or partitions.place(fact.target) in (None, partition)


def _crates(row: Sequence[Shipment | Dispatch]) -> Iterator[Crate]:
    """The row in crates of at most MOST_IN_CRATE facts, or of one that is larger and cannot be parted."""
    held: list[Shipment | Dispatch] = []
    size = 0
    for one in (piece for whole in row for piece in _pieces(whole)):
        if held and size + len(one.facts) > MOST_IN_CRATE:
            yield _crate(held)
            held, size = [], 0
        held.append(one)
        size += len(one.facts)
    if held:
        yield _crate(held)


def _pieces(whole: Shipment | Dispatch) -> Iterator[Shipment | Dispatch]:
    """A shipment may be parted, for its facts have numbers; a dispatch is one."""
    if isinstance(whole, Dispatch) or len(whole.facts) <= MOST_IN_CRATE:
        yield whole
        return
    for start in range(0, len(whole.facts), MOST_IN_CRATE):
        facts = whole.facts[start : start + MOST_IN_CRATE]
        yield replace(whole, facts=facts) if not start else _copy(whole, facts)


def _crate(held: Iterable[Shipment | Dispatch]) -> Crate:
    held = tuple(held)
    return Crate(
        shipments=tuple(one for one in held if isinstance(one, Shipment)),
        dispatches=tuple(one for one in held if isinstance(one, Dispatch)),
    )
