"""Every kind of play, by name: what it needs, and what it does to a quiet world.

A kind belongs to a family. Weights are fitted on plays of some families' kinds and judged on `held_out` ones,
whose mechanisms were not seen when fitting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.casting import Wanted
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of play."""

    name: str
    family: str
    act: Callable[[World], None]
    wanted: Wanted = field(default_factory=Wanted)
    held_out: bool = False


KINDS: dict[str, Kind] = {}


def kind(
    family: str, /, *, held_out: bool = False, **wanted: object
) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Register the function as the kind of its name."""

    def register(act: Callable[[World], None]) -> Callable[[World], None]:
        name = act.__name__.replace("_", "-")
        KINDS[name] = Kind(name, family, act, Wanted(**wanted), held_out)  # type: ignore[arg-type]
        return act

    return register
