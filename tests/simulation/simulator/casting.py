"""Draws a world: a graph, services in it, vantages, collectors' peers, and what is recorded of it.

Every draw comes from the seed. What a kind of play needs (several vantages, IPv6, routes in the folder) it asks
for by `Wanted`; all else varies, so that nothing is learned from one shape of folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from simulator.addresses import AddressPlan, Network, host, steady
from simulator.as_graph import AsGraph, from_caida, generated
from simulator.cast import Peer, Recorded, Service, Setting, Vantage
from simulator.conditions import Span
from simulator.geography import Geography
from simulator.propagation import Announcement
from simulator.relations import inferred
from simulator.routing import RoutingHistory
from simulator.world import World

FIRST_DAY = 1_704_067_200
"""2024-01-01."""

_ISSUERS = (
    "CN=DigiCert TLS RSA SHA256 2020 CA1,O=DigiCert Inc,C=US",
    "CN=R3,O=Let's Encrypt,C=US",
    "CN=Sectigo RSA DV,O=Sectigo Limited,C=GB",
)
_SITES = ("seoul", "tokyo", "frankfurt", "ashburn", "singapore", "london", "saopaulo", "sydney", "joburg", "delhi")
_LENGTHS = {10: (1800, 3600), 30: (3600, 5400), 60: (5400, 9000)}
_MOST_EXCHANGES = 6_000
_FORGOTTEN = ("kernel", "total", "checks", "body", "http_version")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a kind of play needs of its world."""

    vantages: int = 1
    targets: int = 1
    controls: int = 0
    https: bool | None = None
    family: int | None = None
    addresses: int = 1
    rotating: bool | None = None
    sites: int = 1
    traces: bool | None = None
    routes: bool | None = None
    names: bool | None = None
    knows_origins: bool = False
    lasts_s: float | None = None


def cast(kind: str, seed: int, wanted: Wanted) -> World:
    """A quiet world: nothing is wrong in it yet."""
    rng = Random(steady(kind, seed))
    graph = _graph(rng)
    plan = AddressPlan()
    interval = rng.choice([10, 30, 30, 60])
    vantages = _vantages(rng, graph, max(wanted.vantages, rng.choice([1, 3, 5, 7, 7, 12])))
    targets = max(wanted.targets, rng.choice([1, 1, 2]))
    controls = max(wanted.controls, rng.choice([0, 1, 2]))
    length = float(rng.choice(_LENGTHS[interval]))
    while len(vantages) * (targets + controls) * length / interval > _MOST_EXCHANGES:
        length *= 0.8
    length = max(length, 50.0 * interval, 1500.0)
    start = float(FIRST_DAY + rng.randrange(300 * 86_400))
    recorded = _recorded(rng, wanted, interval)
    services = _services(rng, graph, plan, wanted, (targets, controls), start + length)
    names_at = rng.choice(graph.stubs)
    names_in = plan.prefix(names_at, 4)
    world = World(
        kind=kind,
        seed=seed,
        rng=rng,
        graph=graph,
        geography=Geography(graph, rng),
        plan=plan,
        routing=RoutingHistory(graph),
        setting=Setting(
            start, start + length, interval, vantages, services, _peers(rng, graph), host(names_in, 43), recorded
        ),
    )
    world.span = _span(rng, world.setting, wanted.lasts_s)
    if recorded.vrps or rng.random() < 0.3:
        world.roas = [(p, p.prefixlen, s.asn) for s in services for p in s.prefixes if rng.random() < 0.8]
    if rng.random() < 0.6:
        world.relations = inferred(graph, Random(steady("relations", kind, seed)))
    world.routing.announce(start - 3600, names_in, [Announcement(names_at)])
    for service in services:
        for prefix in service.prefixes:
            world.routing.announce(start - 3600, prefix, [Announcement(asn) for asn in service.sites])
    return world


def _graph(rng: Random) -> AsGraph:
    """CAIDA's relationships for every third world, where they are there."""
    data = Path(os.environ.get("WHYDOWN_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
    caida = data / "as-rel" / "20150201.as-rel.txt.bz2"
    if rng.random() < 1 / 3 and caida.exists():
        return from_caida(caida, rng)
    return generated(rng)


def _vantages(rng: Random, graph: AsGraph, count: int) -> tuple[Vantage, ...]:
    sites = rng.sample(_SITES, k=min(len(_SITES), max(1, (count + 1) // 2)))
    homes = {site: rng.choice(graph.stubs) for site in sites}
    shared = rng.random() < 0.3
    return tuple(
        Vantage(
            name=f"{sites[number % len(sites)]}-{number // len(sites) + 1}",
            asn=homes[sites[number % len(sites)]] if shared else rng.choice(graph.stubs),
            noise=rng.choice([0.02, 0.05, 0.12]),
            loss=rng.uniform(0.001, 0.01),
            phase=rng.random() * 6,
        )
        for number in range(count)
    )


def _recorded(rng: Random, wanted: Wanted, interval: int) -> Recorded:
    return Recorded(
        traces=rng.random() < 0.75 if wanted.traces is None else wanted.traces,
        names=rng.random() < 0.6 if wanted.names is None else wanted.names,
        routes=rng.random() < 0.8 if wanted.routes is None else wanted.routes,
        prefix_to_as=wanted.knows_origins or rng.random() < 0.85,
        vrps=rng.random() < 0.4,
        trace_interval_s=float(max(interval, rng.choice([60, 300]))),
        max_wait=rng.random() < 0.2,
        missing=frozenset(name for name in _FORGOTTEN if rng.random() < 0.12),
    )


def _services(
    rng: Random, graph: AsGraph, plan: AddressPlan, wanted: Wanted, counts: tuple[int, int], end: float
) -> tuple[Service, ...]:
    targets, controls = counts
    names = ["shop", "api", "portal", "pay"][:targets]
    found = [_service(rng, graph, plan, name, wanted if name == "shop" else Wanted(), end) for name in names]
    for name in ["control-a", "control-b"][:controls]:
        quiet = _service(rng, graph, plan, name, Wanted(https=True, rotating=False, family=4), end)
        found.append(replace(quiet, control=True, think_s=0.006, think_spread=0.2, failing=0.001))
    return tuple(found)


def _service(rng: Random, graph: AsGraph, plan: AddressPlan, name: str, wanted: Wanted, end: float) -> Service:
    # With two providers at least, so that there is another way to go.
    home = rng.choice([asn for asn in graph.stubs if len(graph.providers[asn]) > 1])
    others = rng.sample([asn for asn in graph.stubs if asn != home], k=max(wanted.sites - 1, 0))
    family = wanted.family or rng.choice([4, 4, 4, 6])
    rotating = rng.random() < 0.15 if wanted.rotating is None else wanted.rotating
    blocks = rng.choice([2, 3]) if rotating else rng.choice([1, 1, 2])
    prefixes: tuple[Network, ...] = tuple(plan.prefix(home, family) for _ in range(blocks))
    each = 4 if rotating else max(wanted.addresses, rng.choice([1, 1, 2]))
    knows = rng.random()
    return Service(
        name=name,
        asn=home,
        https=rng.random() < 0.85 if wanted.https is None else wanted.https,
        addresses=tuple(host(prefix, number) for prefix in prefixes for number in range(each)),
        prefixes=prefixes,
        keys=rng.choice([2, 3]) if rotating else 1,
        issuer=rng.choice(_ISSUERS),
        think_s=0.04 * 2.7 ** rng.gauss(0, 0.9),
        think_spread=rng.choice([0.15, 0.35, 0.6]),
        failing=rng.uniform(0.0005, 0.005),
        steady_body=rng.random() < 0.6,
        pinned=rng.random() < 0.4,
        not_after=end + rng.uniform(5, 300) * 86_400,
        rotating=rotating,
        sites=(home, *others),
        declared_prefixes=rng.random() < 0.5,
        declared_origins=(home,) if (wanted.knows_origins and knows < 0.6) or knows < 0.4 else (),
    )


def _peers(rng: Random, graph: AsGraph) -> tuple[Peer, ...]:
    """Feeders of collectors: more often large networks than their share."""
    large = [*sorted(graph.top), *graph.transits]
    count = rng.choice([8, 15, 30])
    chosen = rng.sample(large, k=min(count * 2 // 3, len(large))) + rng.sample(graph.stubs, k=count // 3)
    return tuple(
        Peer(asn, f"195.66.{number // 200}.{number % 200 + 2}", rng.choice(["rrc00", "rrc01", "rrc06"]))
        for number, asn in enumerate(chosen)
    )


def _span(rng: Random, setting: Setting, lasts_s: float | None) -> Span:
    """When the trouble is: after time to learn what is usual, mostly over before the end."""
    length, interval = setting.end - setting.start, setting.interval_s
    first = min(max(15 * interval, 0.25 * length), 0.45 * length)
    start = setting.start + rng.uniform(first, max(first, 0.55 * length))
    room = setting.end - start
    lasts = lasts_s or max(8 * interval, rng.choice([400.0, 900.0, 1800.0]))
    return Span(start, start + lasts if lasts < 0.85 * room else setting.end + 1)
