"""Somebody announces what is not theirs."""

from __future__ import annotations

from monitor.model.prefix import covers
from simulator.addresses import Network, around, parts
from simulator.kinds.registry import kind
from simulator.kinds.servers import overload
from simulator.propagation import Announcement, Path
from simulator.routing import Taken
from simulator.world import World


def _attacker(world: World) -> int:
    """A network of some standing that is not involved otherwise."""
    involved = {service.asn for service in world.setting.services}
    involved |= {vantage.asn for vantage in world.setting.vantages}
    return world.rng.choice([asn for asn in [*world.graph.stubs, *world.graph.transits] if asn not in involved])


def _rejects(world: World, share: float) -> object:
    """Networks that drop RPKI-invalid routes: `share` of all, where ROAs say who may announce."""
    strict = {asn for asn in world.graph.providers if world.rng.random() < share}

    def rejects(asn: int, path: Path, prefix: Network) -> bool:
        roas = [roa for roa in world.roas if roa[0].version == prefix.version and prefix.subnet_of(roa[0])]  # type: ignore[arg-type]
        valid = any(path[-1] == roa[2] and prefix.prefixlen <= roa[1] for roa in roas)
        return asn in strict and bool(roas) and not valid

    return rejects


def _hijack(
    world: World,
    *,
    exact: bool = False,
    effect: str = "impostor",
    forged: bool = False,
    deep: bool = False,
    by: int | None = None,
    only_to: frozenset[int] | None = None,
    elsewhere: bool = False,
    all_addresses: bool = True,
) -> None:
    """Announce the main target's prefixes, or the /24s around its addresses, from another network.

    `forged`: as if they came from their origin behind it; `deep`: from behind a provider of the origin at times.
    """
    victim, attacker = world.main, by if by is not None else _attacker(world)
    neighbours = {*world.graph.providers[victim.asn], *world.graph.peers[victim.asn]}
    while forged and attacker in neighbours:
        attacker = _attacker(world)  # nothing is forged about a way by the origin's own neighbour
    addresses = victim.addresses if all_addresses else victim.addresses[:1]
    prefixes = {around(address) for address in addresses}
    if exact:
        prefixes = {prefix for prefix in victim.prefixes if any(covers(prefix, one) for one in prefixes)}
    if elsewhere:
        prefixes = {list(parts(victim.prefixes[0]))[3]}
    filtering = _rejects(world, world.rng.choice([0.0, 0.2, 0.5]))
    tail = (victim.asn,) if forged else ()
    if deep and world.rng.random() < 0.5:
        tail = (world.rng.choice([asn for asn in sorted(neighbours) if asn != attacker]), *tail)
    for prefix in sorted(prefixes, key=str):
        own = [Announcement(asn) for asn in victim.sites] if exact else []
        false = Announcement(attacker, tail, only_to)
        begin, end = world.span.start, world.span.end

        def refuses(asn: int, path: Path, prefix: Network = prefix) -> bool:
            return bool(filtering(asn, path, prefix))  # type: ignore[operator]

        world.routing.announce(begin, prefix, [*own, false], refuses)
        if end <= world.setting.end:
            world.routing.announce(end, prefix, own)
        world.routing.take(prefix, Taken(attacker, effect, begin, end))
    hijack = {
        "kind": "forged_origin" if forged and exact else "origin" if exact else "subprefix",
        "effect": "unknown" if elsewhere else effect,
        "prefixes": sorted(map(str, prefixes)),
        "origin": attacker,
    }
    # A new provider of the origin looks the same as somebody who intercepts and hands everything on; so does a
    # longer way where no collector heard of the false route.
    heard = any(attacker in world.heard(prefix, peer.asn) for prefix in prefixes for peer in world.setting.peers)
    excused = effect == "interception" and (forged or not heard)
    excuses = ("none", "route.change") if excused else ()
    world.truth("route.hijack", *excuses, culprit=attacker, hijack=hijack)


@kind("hijack", knows_origins=True, https=True)
def hijack_subprefix(world: World) -> None:
    """The /24s, and somebody else answers."""
    _hijack(world)


@kind("hijack", knows_origins=True, routes=True)
def hijack_subprefix_blackhole(world: World) -> None:
    """The /24s, and nobody answers."""
    _hijack(world, effect="blackhole")


@kind("hijack", knows_origins=True, routes=True, held_out=True)
def hijack_of_one_address(world: World) -> None:
    """One of several addresses is taken."""
    _hijack(world, effect=world.rng.choice(["impostor", "blackhole"]), all_addresses=False)


@kind("hijack", vantages=5, knows_origins=True, routes=True)
def hijack_exact(world: World) -> None:
    """The very prefix: who is nearer to the attacker is taken."""
    _hijack(world, exact=True, effect=world.rng.choice(["impostor", "impostor", "blackhole"]))


@kind("hijack", knows_origins=True, routes=True, held_out=True)
def hijack_seen_by_few(world: World) -> None:
    """Announced to one peer alone, and so to the customers of that network."""
    attacker, peer = _beside_a_vantage(world)
    effect = world.rng.choice(["impostor", "blackhole"])
    _hijack(world, effect=effect, by=attacker, only_to=frozenset({peer}))


def _beside_a_vantage(world: World) -> tuple[int, int]:
    """A network, and a peer of it that a vantage is a customer of; where there is none, any such pair."""
    involved = {service.asn for service in world.setting.services}
    homes = [asn for vantage in world.setting.vantages for asn in world.graph.providers[vantage.asn]]
    for provider in [*world.rng.sample(homes, k=len(homes)), *world.graph.transits]:
        peers = [asn for asn in world.graph.peers[provider] if asn not in involved]
        if peers:
            return world.rng.choice(peers), provider
    raise AssertionError("a graph without peerings")


@kind("hijack", knows_origins=True, routes=True, held_out=True)
def hijack_forged_subprefix(world: World) -> None:
    """The /24s behind the rightful origin, so that a ROA with a long maxLength lets them pass (Celer 2022)."""
    _hijack(world, forged=True, deep=True, effect=world.rng.choice(["impostor", "blackhole"]))


@kind("hijack", knows_origins=True, routes=True)
def hijack_beside_us(world: World) -> None:
    """A more-specific in the declared prefix that carries none of the target's addresses: BGP alone shows it."""
    world.recast(world.main, declared_prefixes=True)
    _hijack(world, elsewhere=True)


@kind("hijack", vantages=3, knows_origins=True, routes=True, traces=True)
def hijack_interception(world: World) -> None:
    """Traffic is drawn away and handed on."""
    _hijack(world, effect="interception")


@kind("hijack", vantages=5, knows_origins=True, routes=True, traces=True, held_out=True)
def hijack_forged_origin(world: World) -> None:
    """The path ends in the rightful origin, behind a network that is no neighbour of it."""
    _hijack(world, exact=True, forged=True, effect=world.rng.choice(["impostor", "blackhole", "interception"]))


@kind("hijack", vantages=3, https=True, traces=True, routes=False, knows_origins=True)
def hijack_without_routes(world: World) -> None:
    """No feed: keys and paths alone show it."""
    _hijack(world)


@kind("hijack", knows_origins=True, routes=True, family=6)
def hijack_of_ipv6(world: World) -> None:
    """As the first, by IPv6."""
    _hijack(world, effect=world.rng.choice(["impostor", "blackhole"]))


@kind("hijack", targets=2, knows_origins=True, routes=True, held_out=True)
def hijack_beside_overload(world: World) -> None:
    """Two troubles at once: one service hijacked, another overloaded."""
    _hijack(world)
    other = world.setting.targets[1].name
    overload(world, target=other)


@kind("two causes", vantages=7, knows_origins=True, routes=True, https=True)
def hijack_of_some_in_overload(world: World) -> None:
    """Two troubles of one service: who is nearer to the attacker is taken, and the others wait in its queue."""
    _hijack(world, exact=True)
    overload(world)


@kind("hijack", knows_origins=True, routes=True, lasts_s=180.0)
def hijack_of_three_minutes(world: World) -> None:
    """Over before a person looks."""
    _hijack(world, effect=world.rng.choice(["impostor", "blackhole"]))
