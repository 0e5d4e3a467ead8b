"""The vantage is the trouble: its line, its resolver, its clock."""

from __future__ import annotations

from simulator.conditions import VantageAct
from simulator.kinds.registry import kind
from simulator.world import Truth, World


def _sick(world: World, names: list[str], trouble: str) -> None:
    for name in names:
        truth = world.tell(Truth(target=None, causes=("vantage.fault",), span=world.span, vantage=name))
        world.script.vantages.append(VantageAct(world.span, name, trouble, truth))


@kind("vantage", vantages=3, controls=1)
def vantage_dead(world: World) -> None:
    """One has no network."""
    _sick(world, [world.rng.choice(world.setting.vantages).name], "dead")


@kind("vantage", vantages=3, controls=1)
def vantage_without_names(world: World) -> None:
    """One's resolver is silent."""
    _sick(world, [world.rng.choice(world.setting.vantages).name], "nameless")


@kind("vantage", vantages=3, controls=2, held_out=True)
def vantage_lossy(world: World) -> None:
    """One loses a third of its packets."""
    _sick(world, [world.rng.choice(world.setting.vantages).name], "lossy")


@kind("vantage", vantages=7, controls=1, held_out=True)
def vantages_of_a_site(world: World) -> None:
    """Two at once."""
    chosen = world.rng.sample(world.setting.vantages, k=2)
    _sick(world, [vantage.name for vantage in chosen], "dead")
