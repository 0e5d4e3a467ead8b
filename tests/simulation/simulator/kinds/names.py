"""Names: they do not resolve, or resolve to somebody else."""

from __future__ import annotations

from simulator.addresses import host
from simulator.conditions import NameAct, NameState
from simulator.kinds.registry import kind
from simulator.propagation import Announcement
from simulator.world import World


def _fail(world: World, word: str) -> None:
    truth = world.truth("dns.failed")
    world.script.names.append(NameAct(world.span, world.main.name, NameState(failure=word), None, truth))


@kind("names")
def names_servfail(world: World) -> None:
    """The zone is broken."""
    _fail(world, "dns_servfail")


@kind("names", held_out=True)
def names_timeout(world: World) -> None:
    """The name servers are silent."""
    _fail(world, "dns_timeout")


@kind("names")
def names_gone(world: World) -> None:
    """The name was deleted."""
    _fail(world, "dns_nxdomain")


def _forge(world: World, names: frozenset[str] | None) -> None:
    """An answer that leads to a host in another network, which is announced as ever."""
    other = world.rng.choice([asn for asn in world.graph.stubs if asn != world.main.asn])
    prefix = world.plan.prefix(other, 6 if ":" in world.main.addresses[0] else 4)
    world.routing.announce(world.setting.start - 3600, prefix, [Announcement(other)])
    truth = world.truth("dns.tampered")
    forged = NameState(forged=host(prefix, 1))
    world.script.names.append(NameAct(world.span, world.main.name, forged, names, truth))


@kind("poisoning", vantages=3, names=True, https=True, knows_origins=True)
def poisoned_resolver(world: World) -> None:
    """One vantage's resolver lies."""
    _forge(world, frozenset({world.rng.choice(world.setting.vantages).name}))


@kind("poisoning", held_out=True, vantages=3, names=True, https=True, knows_origins=True)
def poisoned_everywhere(world: World) -> None:
    """The resolvers of most vantages lie."""
    chosen = [vantage.name for vantage in world.setting.vantages if world.rng.random() < 0.8]
    _forge(world, frozenset(chosen or [world.setting.vantages[0].name]))
