"""Which of a name's addresses are probed in a round, and which of those are traced. Pure.

A target that wants more than one address of a family gets the lowest ones in each round: a pool's answers
rotate, and a series of observations is one only if the same address comes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model.prefix import parse_address
from probes import HttpObservation

MOST_TRACED = 4
"""Addresses of a family that are traced a round: those of a pool mostly share a prefix, and so a route."""


def chosen(found: Iterable[str], most: int) -> tuple[str, ...]:
    """The lowest `most` of the addresses of one family, without repetition."""
    return tuple(sorted(set(found), key=parse_address)[:most])


def traced(seen: Sequence[HttpObservation]) -> tuple[str, ...]:
    """The addresses that a round used, in its order, at most MOST_TRACED of a family."""
    used: dict[int | None, list[str]] = {}
    for one in seen:
        if one.address is not None and one.address not in (known := used.setdefault(one.family, [])):
            known.append(one.address)
    return tuple(address for known in used.values() for address in known[:MOST_TRACED])
