"""A fact is an observation or something that BGP said; facts reach the engine in the order they were known.

The engine's time is the time at which facts became known: an HTTP request that took ten seconds to fail
is known ten seconds after its `at`. Live, replayed and tested facts are ordered alike, so that all three
give the same verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.model.route import RouteFact
from probes.observation import Observation, completed_at

Fact = Observation | RouteFact


def known_at(fact: Fact) -> float:
    """When the fact could first be known, Unix seconds."""
    if isinstance(fact, RouteFact):
        return fact.at
    return completed_at(fact)


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Facts in the order in which they became known; equal times keep their given order."""
    return sorted(facts, key=known_at)


def parted(facts: Iterable[Fact]) -> tuple[list[Observation], list[RouteFact]]:
    """Observations, and what BGP said; each in the order given."""
    observations: list[Observation] = []
    routes: list[RouteFact] = []
    for fact in facts:
        if isinstance(fact, RouteFact):
            routes.append(fact)
        else:
            observations.append(fact)
    return observations, routes
