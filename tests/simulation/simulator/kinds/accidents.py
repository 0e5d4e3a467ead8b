"""Two things at once: what is seen must be told apart."""

from __future__ import annotations

from simulator.kinds.network import switch_provider
from simulator.kinds.registry import kind
from simulator.kinds.servers import overload
from simulator.world import World


@kind("overload", vantages=3, held_out=True, knows_origins=True)
def overload_in_a_reroute(world: World) -> None:
    """The way changes, to one that may be longer, and at the same time the server is overloaded."""
    switch_provider(world)
    world.truth("route.change", "none")
    overload(world)
