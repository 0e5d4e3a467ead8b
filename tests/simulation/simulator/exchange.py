"""One HTTP exchange as a vantage would measure it (contract 3.1), from what is true at that moment.

Round trips have heavy tails (a floor, a half-normal part, rare bursts), think times are lognormal with rare
pauses (Downey, "Lognormal and Pareto distributions in the Internet", 2005). A lost SYN costs 1, 2, 4 s
(RFC 6298), another lost packet 0.25 s or so.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from math import exp, pi, sin
from random import Random

from simulator.addresses import steady
from simulator.cast import Service, Vantage
from simulator.conditions import ServerState
from simulator.routing import Delivery
from simulator.world import World

MOST_S = 10.0
"""The prober's own limit; never above the interval."""

Observation = dict[str, object]

IMPOSTORS_ISSUERS = ("CN=ZeroSSL RSA Domain Secure Site CA,O=ZeroSSL,C=AT", "CN=R11,O=Let's Encrypt,C=US")


class _OverError(Exception):
    """The exchange ended: with a failure word, or well."""


@dataclass(frozen=True, slots=True)
class Impostor:
    """Who answers instead of the genuine server. `fault`: why its certificate does not verify, None: it does."""

    issuer: str
    fault: str | None
    status: int
    same_body: bool


@lru_cache(maxsize=4096)
def impostor_of(asn: int) -> Impostor:
    """The impostor in a network; always the same one."""
    rng = Random(steady("impostor", asn))
    fault = rng.choice([None, None, "tls_untrusted", "tls_name_mismatch"])
    return Impostor(
        rng.choice(IMPOSTORS_ISSUERS), fault, rng.choice([200, 404, 500, 502, 502]), rng.random() < 0.2
    )


class Exchange:
    """One exchange under way: `run` gives the observation and the numbers of the troubles that it met."""

    def __init__(self, world: World, vantage: Vantage, service: Service, at: float) -> None:
        self._world, self._vantage, self._service, self._at = world, vantage, service, at
        self._rng = world.rng
        self._limit = min(MOST_S, world.setting.interval_s)
        self._spent = 0.0
        self._lost = 0
        self.truths: set[int] = set()
        self.seen: Observation = {
            "kind": "http",
            "at": round(at + vantage.skew_s, 3),
            "vantage": vantage.name,
            "target": service.name,
            "address": None,
            "failure": None,
            "status": None,
        }

    def run(self) -> tuple[Observation, set[int]]:
        """Do it."""
        with suppress(_OverError):
            self._go()
        self.seen["total_s"] = round(min(self._spent, self._limit), 6)
        return self.seen, self.truths

    def _go(self) -> None:
        trouble = self._own_trouble()
        address = self._resolve(trouble)
        delivery = self._world.routing.deliver(self._vantage.asn, address, self._at)
        if delivery.taken is not None:
            self.truths |= self._of_taken(delivery)
        crossing, met = self._world.script.crossing(delivery.path, self._at)
        self.truths |= met
        loss = 1 - (1 - self._vantage.loss) * _passed([state.loss for state in crossing])
        loss = 1 - (1 - loss) * (0.65 if trouble == "lossy" else 1.0)
        quiet = self._world.rtt_s(self._vantage, delivery.path, crossing) * (4.0 if trouble == "slow" else 1.0)
        if not delivery.arrived:
            self._never("connect_timeout" if self._rng.random() < 0.8 else "network_unreachable")
        genuine = self._world.serving(self._service, address, delivery) and not self._forged
        state, met = (ServerState(), set[int]())
        if genuine:
            state, met = self._world.script.server(self._service, address, self._at, self._rng)
            self.truths |= met
        self._accident(quiet)
        self._connect(quiet, loss, state)
        impostor = None if genuine else impostor_of(delivery.path[-1])
        self._tls(quiet, loss, state, impostor, address)
        self._answer(quiet, loss, state, impostor)

    def _of_taken(self, delivery: Delivery) -> set[int]:
        culprit = delivery.taken.by if delivery.taken is not None else None
        return {number for number, truth in enumerate(self._world.truths) if truth.culprit == culprit}

    def _own_trouble(self) -> str | None:
        trouble, met = self._world.script.at_vantage(self._vantage, self._at)
        self.truths |= met
        return trouble

    def _resolve(self, trouble: str | None) -> str:
        """The address to go to; ends the exchange where the name does not resolve."""
        name, met = self._world.script.name(self._service, self._vantage, self._at)
        self.truths |= met
        word = "dns_timeout" if trouble in ("nameless", "dead") else name.failure
        if trouble == "dead" and self._rng.random() < 0.5:
            word = None
        if word is not None and self._rng.random() < 0.98:
            self._spent += 5.0 if word == "dns_timeout" else 0.03
            self._end(word)
        self._spend("dns_s", self._spread(0.004, 0.8))
        self._forged = name.forged is not None
        address = name.forged or self._choice()
        self.seen["address"] = address
        self.seen["family"] = 6 if ":" in address else 4
        if trouble == "dead":
            self._never("connect_timeout")
        return address

    def _choice(self) -> str:
        """Which of the name's addresses: rotating for a CDN, else at random or the vantage's own."""
        addresses, service = self._service.addresses, self._service
        if service.rotating:
            slot = int(self._at // 300)
            return addresses[(steady(self._vantage.name, slot) + self._rng.randrange(2)) % len(addresses)]
        if service.pinned:
            return addresses[steady(self._vantage.name, service.name) % len(addresses)]
        return self._rng.choice(addresses)

    def _accident(self, quiet: float) -> None:
        """What fails now and then without any reason that anybody learns."""
        if self._rng.random() >= self._service.failing:
            return
        word = self._rng.choice(["connect_timeout", "read_timeout", "connection_reset"])
        if word == "connect_timeout":
            self._never(word)
        self._spend("connect_s", self._round_trip(quiet))
        self._spent += self._limit if word == "read_timeout" else quiet
        self._end(word)

    def _connect(self, quiet: float, loss: float, state: ServerState) -> None:
        if state.silent:
            self._never("connect_timeout")
        taken, pause = self._round_trip(quiet), 1.0
        gone = 1 - (1 - loss) ** 2 * (1 - state.listen_drop)
        while self._rng.random() < gone:
            taken, pause = taken + pause, pause * 2
            self._lost += 1
            if taken + self._spent > self._limit:
                self._never("connect_timeout")
        if state.refused:
            self._spent += taken
            self._end("connection_refused")
        self._spend("connect_s", taken)
        self.seen["kernel_rtt_s"] = round(self._round_trip(quiet), 6)
        self.seen["kernel_min_rtt_s"] = round(quiet, 6)

    def _tls(self, quiet: float, loss: float, state: ServerState, impostor: Impostor | None, address: str) -> None:
        if not self._service.https:
            return
        taken = self._lossy(self._round_trip(quiet) * 1.05 + self._spread(0.003, 0.3), loss)
        if taken + self._spent > self._limit:
            self._spent = self._limit
            self._end("tls_handshake_timeout")
        fault = self._certificate(state, impostor, address)
        self._spend("tls_s", taken)
        if fault is not None:
            self._end(fault)

    def _certificate(self, state: ServerState, impostor: Impostor | None, address: str) -> str | None:
        """Put the identity into the observation; gives why it does not verify."""
        service = self._service
        if impostor is None:
            key = f"{service.name} key {steady(address) % service.keys} v{state.key_version}"
            issuer, until, fault = service.issuer, service.not_after, state.certificate_fault
            if fault is None and self._at >= until:
                fault = "tls_expired"
        else:
            key = f"{service.name} impostor"
            issuer, until, fault = impostor.issuer, service.not_after + 7_000_000, impostor.fault
            issuer = "CN=localhost" if fault == "tls_untrusted" else issuer
        self.seen["spki_sha256"] = _hash(key)
        self.seen["certificate_sha256"] = _hash(f"{key} {until}")
        self.seen["issuer"], self.seen["not_after"] = issuer, round(until)
        return fault

    def _answer(self, quiet: float, loss: float, state: ServerState, impostor: Impostor | None) -> None:
        rng, service = self._rng, self._service
        day = 1 + 0.2 * sin(2 * pi * (self._at % 86_400) / 86_400 + self._vantage.phase)
        think = self._spread(service.think_s if impostor is None else 0.02, service.think_spread) * day
        if rng.random() < 0.004:
            think *= rng.uniform(4, 15)
        status, body = 200, f"{service.name} body {state.body_version}"
        if impostor is not None:
            status = impostor.status
            body = body if impostor.same_body else f"impostor {status}"
        elif rng.random() < state.stall:
            self._spent = self._limit
            self._end("read_timeout")
        elif rng.random() < state.shed:
            status, think = state.shed_status, self._spread(0.004, 0.5) + 0.2 * state.think_extra_s
        elif rng.random() < state.wrong:
            status, think = state.wrong_status, self._spread(0.004, 0.3)
        else:
            think = think * state.think_factor + state.think_extra_s
        wait = self._lossy(self._round_trip(quiet) + think, loss)
        if wait + self._spent > self._limit:
            self._spent = self._limit
            self._end("read_timeout")
        self._spend("wait_s", wait)
        self._spend("receive_s", self._spread(0.0006, 0.5))
        self._end(self._checked(status, body, impostor, wait))

    def _checked(self, status: int, body: str, impostor: Impostor | None, wait: float) -> str | None:
        """The expectations; gives the failure word."""
        seen, service = self.seen, self._service
        if not service.steady_body and status == 200:
            body += str(self._rng.random())
        seen.update(
            status=status,
            http_version="HTTP/1.1",
            retransmits=self._lost,
            body_bytes=512 if status == 200 else 178,
            body_sha256=_hash(body if status == 200 else f"{body} {status}"),
            checks_failed=[],
        )
        if status != 200:
            seen["checks_failed"] = ["status"]
            return "status_unexpected"
        if impostor is not None and not impostor.same_body:
            seen["checks_failed"] = ["body_contains"]
            return "body_unexpected"
        if self._world.setting.recorded.max_wait and wait > 2.0:
            seen["checks_failed"] = ["max_wait"]
            return "too_slow"
        return None

    def _round_trip(self, quiet: float) -> float:
        taken = quiet * (1 + abs(self._rng.gauss(0, self._vantage.noise))) + self._rng.expovariate(1 / 0.0004)
        return taken * (self._rng.uniform(1.5, 4) if self._rng.random() < 0.01 else 1.0)

    def _lossy(self, taken: float, loss: float) -> float:
        while self._rng.random() < loss:
            self._lost += 1
            taken += self._rng.uniform(0.2, 0.4) * min(self._lost, 8)
        return taken

    def _spread(self, median: float, sigma: float) -> float:
        return median * exp(self._rng.gauss(0, sigma))

    def _spend(self, phase: str, seconds: float) -> None:
        self.seen[phase] = round(seconds, 6)
        self._spent += seconds

    def _never(self, word: str) -> None:
        self._spent = self._limit if word == "connect_timeout" else self._spent + 0.05
        self._end(word)

    def _end(self, word: str | None) -> None:
        self.seen["failure"] = word
        raise _OverError


def _passed(losses: list[float]) -> float:
    share = 1.0
    for loss in losses:
        share *= 1 - loss
    return share


@lru_cache(maxsize=4096)
def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
