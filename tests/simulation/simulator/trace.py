"""A traceroute as a vantage would measure it: routers along the true path, with what hides them.

Networks show one to three routers, chosen by the flow where they balance; some never answer, some only now and
then, and a network that black-holes traffic does not answer at TTL expiry either.
"""

from __future__ import annotations

from functools import lru_cache

from simulator.addresses import steady
from simulator.cast import Service, Vantage
from simulator.exchange import Observation
from simulator.routing import Delivery
from simulator.world import World

FLOWS = 4
_GIVEN_UP = 5


def trace(world: World, vantage: Vantage, service: Service, at: float, flow: int) -> Observation | None:
    """One trace of one flow; None where the name did not resolve, so that there was nowhere to trace to."""
    trouble, _ = world.script.at_vantage(vantage, at)
    name, _ = world.script.name(service, vantage, at)
    if (name.failure is not None or trouble == "nameless") and world.rng.random() < 0.95:
        return None
    address = name.forged or service.addresses[steady(vantage.name, service.name, flow) % len(service.addresses)]
    family = 6 if ":" in address else 4
    delivery = world.routing.deliver(vantage.asn, address, at)
    state, _ = world.script.server(service, address, at, world.rng)
    hops = _hops(world, vantage, delivery, at, flow, family, alone=trouble == "dead")
    genuine = world.serving(service, address, delivery)
    silent = genuine and (state.silent or world.rng.random() < state.listen_drop**2)
    lost = trouble == "lossy" and world.rng.random() < 0.4
    reached = delivery.arrived and trouble != "dead" and not silent and not lost and world.rng.random() < 0.98
    if reached:
        reply = "rst" if genuine and state.refused else "syn_ack"
        rtt = world.rtt_s(vantage, delivery.path, world.script.crossing(delivery.path, at)[0])
        hops.append(_hop(len(hops) + 1, address, rtt + world.rng.expovariate(2000), reply))
    else:
        hops += [_hop(len(hops) + 1 + count, None, None, None) for count in range(_GIVEN_UP)]
    return {
        "kind": "trace",
        "at": round(at + vantage.skew_s, 3),
        "vantage": vantage.name,
        "target": service.name,
        "address": address,
        "method": "tcp",
        "port": service.port,
        "flow": flow,
        "mode": "raw",
        "reached": reached,
        "failure": None,
        "hops": hops,
        "elapsed_s": 0.4 if reached else 4.0,
    }


def _hops(
    world: World, vantage: Vantage, delivery: Delivery, at: float, flow: int, family: int, *, alone: bool
) -> list[Observation]:
    """The routers on the way, without the destination."""
    private = "10.0.0.1" if family == 4 else "fd00::1"
    hops = [_hop(1, private, 0.0004, "time_exceeded")]
    if alone:
        return hops
    crossing, _ = world.script.crossing(delivery.path, at)
    quiet = world.geography.round_trips(delivery.path)
    path = delivery.path
    if delivery.taken is not None and delivery.taken.effect == "blackhole":
        path = path[:-1]
    extra = 0.0
    for place, asn in enumerate(path):
        extra += crossing[place - 1].extra_s if place else 0.0
        routers = 1 + steady("depth", asn) % 2
        for depth in range(routers):
            number = _router(path[place - 1] if place else 0, asn, depth, flow)
            answered = not _is_silent(asn, number) and world.rng.random() > 0.03 + vantage.loss
            rtt = (quiet[place] + extra) * (1 + abs(world.rng.gauss(0, 0.04))) + 0.0005
            here = world.plan.router(asn, number, family)
            hop = _hop(len(hops) + 1, here, rtt, "time_exceeded")
            hops.append(hop if answered else _hop(len(hops) + 1, None, None, None))
    return hops


@lru_cache(maxsize=262_144)
def _router(before: int, asn: int, depth: int, flow: int) -> int:
    """Which router of a network: by where the packet comes from, and by its flow where they balance."""
    branch = flow % 2 if steady("balances", asn) % 4 == 0 else 0
    return (steady(before, asn, depth) % 60) * 4 + depth * 2 + branch


@lru_cache(maxsize=262_144)
def _is_silent(asn: int, router: int) -> bool:
    return steady("silent network", asn) % 12 == 0 or steady("silent router", asn, router) % 20 == 0


def _hop(ttl: int, address: str | None, rtt_s: float | None, reply: str | None) -> Observation:
    rtt = None if rtt_s is None else round(rtt_s, 6)
    return {"ttl": ttl, "address": address, "rtt_s": rtt, "reply": reply, "mpls": []}
