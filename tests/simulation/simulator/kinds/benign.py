"""Nothing is wrong, though much happens: no incident may open, and above all no hijack."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from simulator.addresses import host, parts
from simulator.conditions import ServerAct, ServerState, Span
from simulator.kinds.network import switch_provider, told_apart
from simulator.kinds.registry import kind
from simulator.kinds.servers import overload
from simulator.propagation import Announcement
from simulator.routing import Taken
from simulator.world import Truth, World


@kind("quiet")
def quiet(world: World) -> None:
    """An ordinary day."""


@kind("quiet")
def quiet_with_accidents(world: World) -> None:
    """More single failures than usual."""
    services = tuple(replace(one, failing=world.rng.uniform(0.008, 0.015)) for one in world.setting.services)
    world.setting = replace(world.setting, services=services)


@kind("maintenance", vantages=3, knows_origins=True)
def maintenance_reroute(world: World) -> None:
    """A provider is switched off for an hour; the other way may be longer, and is not full."""
    switch_provider(world)
    world.truth("route.change", "none")


@kind("scrubbing", held_out=True, routes=True, knows_origins=True)
def scrubbing_turned_on(world: World) -> None:
    """The declared scrubbing provider announces the /24s; route.moved may be said."""
    service = world.main
    provider = world.rng.choice([asn for asn in world.graph.transits if asn != service.asn])
    world.recast(service, allowed_origins=(provider,))
    for prefix in service.prefixes:
        inside = next(parts(prefix))
        world.routing.announce(world.span.start, inside, [Announcement(provider)])
        if world.span.end <= world.setting.end:
            world.routing.announce(world.span.end, inside, [])
    world.truth("route.moved", "none")


@kind("anycast", vantages=5, sites=2, routes=True, knows_origins=True)
def anycast_shift(world: World) -> None:
    """One of two sites stops announcing, and its clients go to the other, maybe a longer way."""
    service = world.main
    world.recast(service, declared_origins=service.sites)
    for prefix in service.prefixes:
        world.routing.announce(world.span.start, prefix, [Announcement(service.sites[0])])
    _for_good(world)


@kind("new provider", vantages=5, routes=True, knows_origins=True)
def new_provider(world: World) -> None:
    """The origin buys from a network that was never next to it, and some of the world comes by it from now on."""
    _turn_up(world)


@kind("new provider", vantages=5, routes=True, knows_origins=True)
def new_provider_with_a_bad_start(world: World) -> None:
    """What comes by the new provider is dropped until its filters are loaded, and carried then."""
    provider = _turn_up(world)
    begin = world.span.start
    loaded = begin + world.rng.uniform(45.0, 150.0)
    for prefix in world.main.prefixes:
        world.routing.take(prefix, Taken(provider, "blackhole", begin, loaded))


def _turn_up(world: World) -> int:
    """A transit network that is no neighbour of the origin yet announces its prefixes, for good; gives which."""
    service, graph = world.main, world.graph
    known = {service.asn, *graph.providers[service.asn], *graph.peers[service.asn]}
    provider = world.rng.choice([asn for asn in graph.transits if asn not in known])
    for prefix in service.prefixes:
        ways = [*(Announcement(asn) for asn in service.sites), Announcement(provider, (service.asn,))]
        world.routing.announce(world.span.start, prefix, ways)
    span = Span(world.span.start, world.setting.end)
    world.tell(Truth(service.name, ("route.change", "none"), span, culprit=provider))
    return provider


@kind("siblings", held_out=True, routes=True, knows_origins=True)
def siblings_announce_too(world: World) -> None:
    """A second network of the same owner, declared, announces the prefix as well."""
    service = world.main
    sibling = world.rng.choice([asn for asn in world.graph.stubs if asn != service.asn])
    world.recast(service, declared_origins=(service.asn, sibling))
    for prefix in service.prefixes:
        world.routing.announce(world.span.start, prefix, [Announcement(service.asn), Announcement(sibling)])
    _for_good(world)


def _for_good(world: World) -> None:
    """The routes stay so until the play ends, and with them the longer ways of some."""
    span = Span(world.span.start, world.setting.end)
    world.tell(Truth(world.main.name, ("route.change", "none"), span))


@kind("deploy", https=True)
def certificate_rotated(world: World) -> None:
    """A new key everywhere at once."""
    _deploy(world, ServerState(key_version=2))


@kind("deploy", held_out=True, https=True)
def key_and_body_at_once(world: World) -> None:
    """A deploy changes both, server by server."""
    _deploy(world, ServerState(key_version=2, body_version=2))


def _deploy(world: World, state: ServerState) -> None:
    for address in world.main.addresses:
        span = Span(world.span.start + world.rng.uniform(0, 240), world.setting.end + 1)
        world.script.servers.append(ServerAct(span, world.main.name, lambda at, rng: state, frozenset({address})))


@kind("deploy", https=True, rotating=True)
def cdn_adds_servers(world: World) -> None:
    """A CDN answers with more addresses from the same prefix."""
    service = world.main
    more = tuple(host(service.prefixes[0], 50 + number) for number in range(4))
    world.recast(service, addresses=(*service.addresses, *more))


@kind("churn", routes=True)
def unrelated_churn(world: World) -> None:
    """A hundred prefixes of others come and go."""
    pool = list(ipaddress.IPv4Network("198.51.100.0/24").subnets(new_prefix=28))
    for number in range(60):
        at = world.span.start + world.rng.uniform(-200, 600)
        world.churn.append((at, world.rng.choice(pool), 64_500 + number % 40))


@kind("churn", held_out=True, routes=True)
def flash_crowd_in_churn(world: World) -> None:
    """Unrelated churn, and at the same time a real overload: the overload is the cause."""
    unrelated_churn(world)
    overload(world)


@kind("collector", routes=True)
def collector_reset(world: World) -> None:
    """A collector's sessions go down and come back with the whole table."""
    collectors = sorted({peer.collector for peer in world.setting.peers})
    span = Span(world.span.start, world.span.start + world.rng.uniform(20, 120))
    world.resets += [(span, collector) for collector in collectors[: world.rng.choice([1, 3])]]


@kind("traffic engineering", routes=True)
def prepending(world: World) -> None:
    """The origin prepends itself three times."""
    world.prepended += [(world.span.start, prefix, 3) for prefix in world.main.prefixes]


@kind("traffic engineering", routes=True, knows_origins=True)
def own_deaggregation(world: World) -> None:
    """The origin announces its /24s itself."""
    for prefix in world.main.prefixes:
        for part in list(parts(prefix))[:4]:
            world.routing.announce(world.span.start, part, [Announcement(world.main.asn)])
    world.roas = [(prefix, 24 if prefix.version == 4 else 48, asn) for prefix, _, asn in world.roas]


@kind("traffic engineering", vantages=3, routes=True, knows_origins=True, held_out=True)
def own_part_by_one_provider(world: World) -> None:
    """Inbound traffic is moved to one provider, which may be one that nobody used before."""
    told_apart(world)
    world.truth("route.change", "none")


@kind("measuring", held_out=True)
def clock_of_a_vantage_is_wrong(world: World) -> None:
    """By two seconds."""
    first, *others = world.setting.vantages
    world.setting = replace(
        world.setting, vantages=(replace(first, skew_s=world.rng.choice([-2.0, 1.5, 2.0])), *others)
    )


@kind("measuring")
def nothing_measured_for_a_while(world: World) -> None:
    """The monitor was off for twenty minutes."""
    world.script.silences.append(Span(world.span.start, world.span.start + 1200))


@kind("measuring", controls=1)
def a_control_is_down(world: World) -> None:
    """The well-known endpoint has trouble of its own."""
    control = next(one for one in world.setting.services if one.control)
    state = world.rng.choice([ServerState(silent=True), ServerState(wrong=1.0)])
    world.script.servers.append(ServerAct(world.span, control.name, lambda at, rng: state))
