"""The way is the trouble, and nobody took anything: leaks, changes with a cost, congestion, withdrawals."""

from __future__ import annotations

from itertools import pairwise

from simulator.addresses import around
from simulator.cast import Vantage
from simulator.conditions import Link, LinkAct, LinkState, Span, link
from simulator.kinds.registry import kind
from simulator.propagation import Announcement
from simulator.relations import shows_leak
from simulator.world import Truth, World


def links_on_the_ways(world: World) -> list[Link]:
    """The links between networks that some but not all vantages use to reach the main target, most used first."""
    used: dict[Link, set[str]] = {}
    for vantage in world.setting.vantages:
        path = world.routing.deliver(vantage.asn, world.main.addresses[0], world.setting.start).path
        for pair in pairwise(path):
            used.setdefault(link(*pair), set()).add(vantage.name)
    several = [one for one, names in used.items() if len(names) < len(world.setting.vantages)]
    return sorted(several or used, key=lambda one: (-len(used[one]), one))


def told_apart(world: World) -> None:
    """The origin has the /24s around the addresses told by one of its providers, or by all of them."""
    providers = world.graph.providers[world.main.asn]
    only_to = frozenset({world.rng.choice(providers)}) if world.rng.random() < 0.7 else None
    for prefix in sorted({around(address) for address in world.main.addresses}, key=str):
        world.routing.announce(world.span.start, prefix, [Announcement(world.main.asn, (), only_to)])
    if world.rng.random() < 0.7:
        length = {4: 24, 6: 48}
        world.roas = [(prefix, length[prefix.version], asn) for prefix, _, asn in world.roas]


def switch_provider(world: World) -> int:
    """The origin announces to one of its providers alone from the span's start to its end; gives which."""
    service = world.main
    chosen = world.rng.choice(world.graph.providers[service.asn])
    for prefix in service.prefixes:
        world.routing.announce(world.span.start, prefix, [Announcement(service.asn, (), frozenset({chosen}))])
        if world.span.end <= world.setting.end:
            world.routing.announce(world.span.end, prefix, [Announcement(asn) for asn in service.sites])
    return chosen


@kind("change", vantages=5, traces=True, knows_origins=True)
def change_with_a_cost(world: World) -> None:
    """Traffic moves to another provider whose link is long or full."""
    chosen = switch_provider(world)
    state = LinkState(world.rng.uniform(0.06, 0.16), world.rng.choice([0.0, 0.03]))
    # To those whose way it was already, and where it was everybody's, the line is full and nothing moved.
    truth = world.truth("route.change", "path.congestion", "server.link")
    _fill(world, truth, [link(world.main.asn, chosen)], state)


@kind("leak", vantages=5, traces=True, routes=True, knows_origins=True)
def leak_through_a_customer(world: World) -> None:
    """A multihomed network tells one provider what it learned from another, and cannot carry it."""
    service = world.main
    routes = world.routing.epochs[service.prefixes[0]][0][1]
    leakers = [
        asn
        for asn in [*world.graph.stubs, *world.graph.transits]
        if len(world.graph.providers[asn]) >= 2 and asn != service.asn and len(routes.get(asn, ())) >= 3
    ]
    leaker = world.rng.choice(leakers)
    for prefix in service.prefixes:
        leaked = Announcement(leaker, routes[leaker][1:])
        world.routing.announce(world.span.start, prefix, [*(Announcement(asn) for asn in service.sites), leaked])
        if world.span.end <= world.setting.end:
            world.routing.announce(world.span.end, prefix, [Announcement(asn) for asn in service.sites])
    truth = world.truth("route.leak", *_or_less(world, leaker, routes[leaker][1]), culprit=leaker)
    state = LinkState(world.rng.uniform(0.05, 0.3), world.rng.choice([0.02, 0.1, 0.3]))
    beside = (routes[leaker][1], *world.graph.providers[leaker])
    _fill(world, truth, [link(leaker, other) for other in dict.fromkeys(beside)], state)


def _or_less(world: World, leaker: int, source: int) -> tuple[str, ...]:
    """What a leak may be called as well: a change of route by whom neither relationships nor collectors tell that
    it is one, and nothing where the leaker carries nobody, though the ways of some may have moved for it.
    """
    graph, at = world.graph, world.span.start
    sinks = frozenset([*graph.providers[leaker], *graph.peers[leaker]]) - {source}
    told = world.relations is not None and shows_leak(world.relations, source, leaker, sinks)
    heard = any(
        leaker in world.heard(prefix, peer.asn)[1:-1]
        for prefix in world.main.prefixes
        for peer in world.setting.peers
    )
    carried = any(
        leaker in world.routing.deliver(vantage.asn, address, at + 60.0).path
        for vantage in world.setting.vantages
        for address in world.main.addresses
    )
    return (() if told and heard and carried else ("route.change",)) + (() if carried else ("none",))


@kind("congestion", vantages=5, knows_origins=True)
def congestion_in_transit(world: World) -> None:
    """A link on the way of some is full."""
    state = LinkState(world.rng.uniform(0.04, 0.2), world.rng.uniform(0.02, 0.15))
    chosen = links_on_the_ways(world)[0]
    truth = world.truth("path.congestion", *_or_own_line(world, chosen))
    _fill(world, truth, [chosen], state)


def _or_own_line(world: World, chosen: Link) -> tuple[str, ...]:
    """The link between the target's network and one of its providers is an access line of the target's."""
    return ("server.link",) if world.main.asn in chosen else ()


@kind("congestion", vantages=5, held_out=True, knows_origins=True)
def congestion_every_evening(world: World) -> None:
    """As before, in bursts of some minutes."""
    state, chosen = LinkState(world.rng.uniform(0.06, 0.2), 0.05), links_on_the_ways(world)[0]
    truth = world.truth("path.congestion", *_or_own_line(world, chosen))
    bursts, begin = list[Span](), world.span.start
    while begin < min(world.span.end, world.setting.end):
        bursts.append(Span(begin, begin + 240))
        begin += 300
    _fill(world, truth, [chosen], state, bursts)


def _fill(world: World, truth: int, links: list[Link], state: LinkState, spans: list[Span] | None = None) -> None:
    """Make links costly for the play's span, or for `spans`; `truth` is the main target's trouble.

    Whoever crosses them suffers: other targets have the trouble too, and a vantage that reaches nothing by another
    way has it as its own.
    """
    truths = [truth]
    for service in world.setting.targets[1:]:
        truths.append(world.truth("path.congestion", "none", target=service.name))
    for vantage in world.setting.vantages:
        anywhere = [address for service in world.setting.services for address in service.addresses]
        if all(_crosses(world, vantage, address, links) for address in anywhere):
            world.tell(Truth(None, ("vantage.fault", "none"), world.span, vantage=vantage.name))
    for one in links:
        for span in spans if spans is not None else [world.span]:
            world.script.links += [LinkAct(span, one, state, number) for number in truths]


def _crosses(world: World, vantage: Vantage, address: str, links: list[Link]) -> bool:
    path = world.routing.deliver(vantage.asn, address, world.span.start).path
    return any(link(*pair) in links for pair in pairwise(path))


@kind("access link", vantages=3, traces=True)
def access_link_full(world: World) -> None:
    """The target's own line is saturated: all wait and lose packets at the last step, whomever they ask."""
    state = LinkState(world.rng.uniform(0.05, 0.25), world.rng.uniform(0.08, 0.25))
    own = world.main.asn
    for service in world.setting.targets:
        if own in service.sites:
            truth = world.truth("server.link", "path.congestion", target=service.name)
            world.script.links.append(LinkAct(world.span, (own, own), state, truth))


@kind("withdrawal", routes=True, knows_origins=True)
def withdrawn(world: World) -> None:
    """The origin stops announcing."""
    for prefix in world.main.prefixes:
        world.routing.announce(world.span.start, prefix, [])
        if world.span.end <= world.setting.end:
            world.routing.announce(world.span.end, prefix, [Announcement(asn) for asn in world.main.sites])
    truth = world.truth("route.withdrawn")
    _mark(world, truth)


@kind("withdrawal", held_out=True, routes=True, knows_origins=True)
def flapping(world: World) -> None:
    """Announced and withdrawn every few minutes."""
    begin, up = world.span.start, False
    while begin < min(world.span.end, world.setting.end):
        for prefix in world.main.prefixes:
            by = [Announcement(asn) for asn in world.main.sites] if up else []
            world.routing.announce(begin, prefix, by)
        begin, up = begin + (60 if up else 240), not up
    for prefix in world.main.prefixes:
        world.routing.announce(begin, prefix, [Announcement(asn) for asn in world.main.sites])
    _mark(world, world.truth("route.withdrawn"))


def _mark(world: World, truth: int) -> None:
    """All exchanges of the span count as touched: packets that arrive nowhere meet no act that says so."""
    world.truths[truth].everyone = True
