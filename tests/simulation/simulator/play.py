"""Makes plays: a kind and a seed give a folder."""

from __future__ import annotations

from pathlib import Path

from simulator.casting import cast
from simulator.folder import write
from simulator.kinds import KINDS
from simulator.world import World


def world_of(kind: str, seed: int) -> World:
    """The world of a play, with everything that will happen in it.

    :raises KeyError: there is no such kind
    """
    chosen = KINDS[kind]
    world = cast(kind, seed, chosen.wanted)
    chosen.act(world)
    return world


def make(kind: str, seed: int, folder: Path) -> None:
    """Write the folder of a play."""
    write(world_of(kind, seed), folder)
