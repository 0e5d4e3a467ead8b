"""A DNS lookup as a vantage would measure it: its own resolver's answer, or the zone's own servers'."""

from __future__ import annotations

from math import exp

from simulator.cast import Service, Vantage
from simulator.exchange import Observation
from simulator.world import World

_CODES = {"dns_servfail": "SERVFAIL", "dns_nxdomain": "NXDOMAIN"}


def lookup(world: World, vantage: Vantage, service: Service, at: float, role: str) -> Observation:
    """One question for the service's addresses, by `role` (recursive or authoritative)."""
    trouble, _ = world.script.at_vantage(vantage, at)
    name, _ = world.script.name(service, vantage, at)
    family = 6 if ":" in service.addresses[0] else 4
    answers = sorted(address for address in service.addresses if (":" in address) == (family == 6))
    if service.rotating:
        answers = sorted(world.rng.sample(answers, k=min(2, len(answers))))
    failure = "dns_timeout" if trouble in ("dead", "nameless") else name.failure
    if failure is None and world.rng.random() < service.failing / 2:
        failure = "dns_timeout"
    if failure is None and name.forged is not None and role == "recursive":
        answers = [name.forged]
    slow = failure == "dns_timeout"
    elapsed = 5.0 if slow else (0.006 if role == "recursive" else 0.03) * exp(world.rng.gauss(0, 0.6))
    return {
        "kind": "dns",
        "at": round(at + vantage.skew_s, 3),
        "vantage": vantage.name,
        "target": service.name,
        "server": "192.168.0.53" if role == "recursive" else world.setting.name_server,
        "role": role,
        "transport": "udp",
        "name": service.host,
        "rrtype": "A" if family == 4 else "AAAA",
        "rcode": "NOERROR" if failure is None else _CODES.get(failure),
        "answers": answers if failure is None else [],
        "ttl_s": 60 if failure is None else None,
        "elapsed_s": round(elapsed, 6),
        "dnssec": None,
        "failure": failure,
    }
