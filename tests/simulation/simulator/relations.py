"""What the monitor's table of AS relationships holds of the graph: most of it, and some of that wrong.

Relationships are inferred from collectors' paths. Nearly all links between customers and providers are seen there
and rightly told (Luckie and others, "AS relationships, customer cones, and validation", IMC 2013, find 99.6 % of
those right), while most peerings are seen by nobody above them (Oliveira and others, "The (in)completeness of the
observed Internet AS-level structure", 2010).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from simulator.as_graph import AsGraph

Relation = tuple[int, int, int]
"""As CAIDA writes it: provider, customer, -1, or two peers, the lower number first, and 0."""

SOLD_KNOWN = 0.97
PEERING_KNOWN = {True: 0.95, False: 0.5}
"""The share of peerings that the table has: among tier-1s, and elsewhere."""
MISTAKEN = 0.01
"""The share of the relations told that are told as the other sort."""


def inferred(graph: AsGraph, rng: Random) -> frozenset[Relation]:
    """The relations that the table tells."""
    return frozenset(_told(relation, rng) for relation in _all(graph) if rng.random() < _known(relation, graph))


def lines(relations: frozenset[Relation]) -> Iterator[str]:
    """The table as a file has it (CAIDA's serial-1)."""
    yield from ("|".join(map(str, relation)) for relation in sorted(relations))


def shows_leak(relations: frozenset[Relation], source: int, leaker: int, sinks: frozenset[int]) -> bool:
    """Whether by the table `leaker` may hand a route of its provider or peer `source` to none of `sinks`."""
    return _above(relations, leaker, source) and all(_above(relations, leaker, sink) for sink in sinks)


def _above(relations: frozenset[Relation], asn: int, other: int) -> bool:
    return (other, asn, -1) in relations or (min(asn, other), max(asn, other), 0) in relations


def _all(graph: AsGraph) -> Iterator[Relation]:
    for asn in sorted(graph.providers):
        yield from ((provider, asn, -1) for provider in graph.providers[asn])
        yield from ((asn, other, 0) for other in graph.peers[asn] if asn < other)


def _known(relation: Relation, graph: AsGraph) -> float:
    one, other, sort = relation
    return SOLD_KNOWN if sort == -1 else PEERING_KNOWN[one in graph.top and other in graph.top]


def _told(relation: Relation, rng: Random) -> Relation:
    one, other, sort = relation
    if rng.random() >= MISTAKEN:
        return relation
    return (min(one, other), max(one, other), 0) if sort == -1 else (one, other, -1)
