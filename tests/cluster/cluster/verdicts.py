"""What a single engine concludes from the same facts, and how a cluster's incidents compare with that."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from cluster.world import World
from monitor.diagnose.engine import Engine
from monitor.diagnose.fact import known_at
from monitor.diagnose.knowledge import Knowledge
from monitor.hub.fact_order import FactOrder
from monitor.model.incident import Incident

AFTER_S = 5.0
"""How long the single engine goes on after the last fact."""


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """An incident as people are told of it; times in seconds from the start, of the fact's time."""

    subject: tuple[str, ...]
    cause: str
    affected: tuple[str, ...]
    opened: float
    is_closed: bool


def single_run(world: World, start: float) -> list[Incident]:
    """The incidents of one engine in one process that is fed everything in order."""
    engine = Engine(Knowledge.from_config(world.config()))
    order, changes = FactOrder(), []
    streams = (world.facts(vantage, start) for vantage in range(world.vantages))
    step = start
    for fact in heapq.merge(*streams, key=known_at):
        order.push([fact])
        if known_at(fact) >= step + 1.0:
            step = known_at(fact)
            changes += [*engine.feed(order.release(step)), *engine.advance(step)]
    end = step + AFTER_S
    changes += [*engine.feed(order.release(end)), *engine.advance(end)]
    return list({change.incident.id: change.incident for change in changes}.values())


def told(incidents: Iterable[Incident], start: float, end: float) -> list[Told]:
    """Incidents, comparable; what a cluster does after the last fact, at `end`, is not looked at."""
    return sorted(
        Told(
            incident.members or ((incident.target,) if incident.target else incident.affected),
            incident.cause.value,
            incident.affected,
            round(incident.opened_at - start, 3),
            incident.closed_at is not None and incident.updated_at < end,
        )
        for incident in incidents
        if incident.joined is None and incident.opened_at < end
    )
