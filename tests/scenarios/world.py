"""A small world that makes facts: vantages, targets and networks, with noise that a seed fixes.

Used to write the incident folders and to make scenarios for tests. It knows what is true; the engine is
only given the facts. Latency is lognormal around a base; nothing here is measured.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field

from probes.observation import (
    DnsObservation,
    Failure,
    Hop,
    HopReply,
    HttpObservation,
    Observation,
    TraceObservation,
)


def digest(*words: object) -> str:
    """A stand-in for a hash of something that was never captured."""
    return hashlib.sha256("|".join(map(str, words)).encode()).hexdigest()


@dataclass(frozen=True)
class Place:
    """A vantage: its AS, the ASes on its usual way to anywhere, and its round trip to the targets, seconds."""

    name: str
    asn: int
    transit: tuple[int, ...]
    rtt_s: float


@dataclass(frozen=True)
class Service:
    """A target: its addresses, the networks at its end, its key and issuer, its think time, seconds.

    `plain`: it speaks HTTP without TLS, so nobody knows who answers.
    """

    name: str
    addresses: tuple[str, ...]
    networks: tuple[int, ...]
    think_s: float = 0.06
    issuer: str = "CN=Example CA,O=Example,C=KR"
    spki: str = ""
    plain: bool = False

    @property
    def key(self) -> str:
        """The SPKI hash that the genuine server answers with."""
        return self.spki or digest(self.name, "key")


_OF_TLS = ("tls_s", "spki_sha256", "certificate_sha256", "issuer")


@dataclass
class World:
    """Makes observations with noise from a seed; `as_prefix` gives each AS an address range for its hops."""

    seed: int
    as_prefix: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start the noise."""
        self.random = random.Random(self.seed)

    def hop_address(self, asn: int, index: int = 1) -> str:
        """An address of a router in an AS; the range is made on first use, from 198.18.0.0/15."""
        if asn not in self.as_prefix:
            number = len(self.as_prefix)
            self.as_prefix[asn] = f"198.{18 + number // 256}.{number % 256}.0/24"
        base = self.as_prefix[asn].split("/", maxsplit=1)[0].rsplit(".", 1)[0]
        return f"{base}.{index}"

    def noise(self, base_s: float, spread: float = 0.015) -> float:
        """A duration around `base_s`."""
        return base_s * self.random.lognormvariate(0.0, spread)

    def ok(self, at: float, place: Place, service: Service, **changed: object) -> HttpObservation:
        """A good exchange, or one that differs from it by `changed` fields."""
        address = str(changed.pop("address", self.random.choice(service.addresses)))
        rtt = self.noise(float(str(changed.pop("rtt_s", place.rtt_s))))
        think = float(str(changed.pop("think_s", self.noise(service.think_s, 0.25))))
        phases = {
            "dns_s": self.noise(0.004, 0.3),
            "connect_s": rtt + self.random.expovariate(4000),
            "tls_s": 2 * rtt + self.noise(0.003),
            "wait_s": rtt + think,
            "receive_s": self.noise(0.001, 0.3),
        }
        fields: dict[str, object] = {
            "at": round(at, 3),
            "vantage": place.name,
            "target": service.name,
            "address": address,
            "family": 6 if ":" in address else 4,
            "status": 200,
            "http_version": "HTTP/1.1",
            **{name: round(value, 6) for name, value in phases.items()},
            "total_s": round(sum(phases.values()), 6),
            "kernel_rtt_s": round(rtt * 1.01, 6),
            "kernel_min_rtt_s": round(rtt, 6),
            "retransmits": 0,
            "spki_sha256": service.key,
            "certificate_sha256": digest(service.name, "certificate"),
            "issuer": service.issuer,
            "body_bytes": 512,
            "body_sha256": digest(service.name, "body"),
        }
        if service.plain:
            fields |= dict.fromkeys(_OF_TLS)
            fields["total_s"] = round(sum(phases.values()) - phases["tls_s"], 6)
        fields.update(changed)
        return HttpObservation(**fields)  # type: ignore[arg-type]

    def status(self, at: float, place: Place, service: Service, status: int, **changed: object) -> HttpObservation:
        """An answer with an unexpected status."""
        return self.ok(
            at,
            place,
            service,
            status=status,
            failure=Failure.STATUS_UNEXPECTED,
            checks_failed=("status",),
            **changed,
        )

    def silent(self, at: float, place: Place, service: Service, timeout_s: float = 10.0) -> HttpObservation:
        """No SYN-ACK."""
        return HttpObservation(
            at=round(at, 3),
            vantage=place.name,
            target=service.name,
            address=self.random.choice(service.addresses),
            family=4,
            failure=Failure.CONNECT_TIMEOUT,
            dns_s=0.004,
            total_s=timeout_s,
        )

    def refused(self, at: float, place: Place, service: Service) -> HttpObservation:
        """A reset in answer to the SYN."""
        rtt = self.noise(place.rtt_s)
        return HttpObservation(
            at=round(at, 3),
            vantage=place.name,
            target=service.name,
            address=self.random.choice(service.addresses),
            family=4,
            failure=Failure.CONNECTION_REFUSED,
            dns_s=0.004,
            total_s=round(rtt + 0.004, 6),
        )

    def unanswered(self, at: float, place: Place, service: Service, timeout_s: float = 10.0) -> HttpObservation:
        """A connection with the genuine key, and then no answer in time."""
        good = self.ok(at, place, service)
        return HttpObservation(
            at=good.at,
            vantage=good.vantage,
            target=good.target,
            address=good.address,
            family=4,
            failure=Failure.READ_TIMEOUT,
            dns_s=good.dns_s,
            connect_s=good.connect_s,
            tls_s=good.tls_s,
            total_s=timeout_s,
            kernel_rtt_s=good.kernel_rtt_s,
            kernel_min_rtt_s=good.kernel_min_rtt_s,
            retransmits=0,
            spki_sha256=good.spki_sha256,
            certificate_sha256=good.certificate_sha256,
            issuer=good.issuer,
        )

    def failed(self, at: float, place: Place, service: Service, failure: Failure) -> HttpObservation:
        """A failure without any phase behind it."""
        return HttpObservation(
            at=round(at, 3), vantage=place.name, target=service.name, failure=failure, total_s=0.01
        )

    def trace(
        self,
        at: float,
        place: Place,
        service: Service,
        *,
        networks: tuple[int, ...] | None = None,
        reached: bool = True,
        address: str | None = None,
    ) -> TraceObservation:
        """A traceroute through the vantage's transit and the service's networks, or other `networks`."""
        path = (place.asn, *(place.transit + service.networks if networks is None else networks))
        destination = address or service.addresses[0]
        hops = [Hop(ttl=1, address="10.0.0.1", rtt_s=0.0004, reply=HopReply.TIME_EXCEEDED)]
        for index, asn in enumerate(path):
            rtt = round(self.noise(place.rtt_s * (index + 1) / (len(path) + 1)), 6)
            router = self.hop_address(asn, 1 + index)
            hops.append(Hop(ttl=len(hops) + 1, address=router, rtt_s=rtt, reply=HopReply.TIME_EXCEEDED))
        if reached:
            rtt = round(self.noise(place.rtt_s), 6)
            hops.append(Hop(ttl=len(hops) + 1, address=destination, rtt_s=rtt, reply=HopReply.SYN_ACK))
        else:
            hops += [Hop(ttl=len(hops) + 1 + silent) for silent in range(3)]
        return TraceObservation(
            at=round(at, 3),
            vantage=place.name,
            target=service.name,
            address=destination,
            port=443,
            flow=1,
            reached=reached,
            hops=tuple(hops),
            elapsed_s=round(place.rtt_s * 2, 6) if reached else 5.0,
        )

    def dns(self, at: float, place: Place, service: Service, **changed: object) -> DnsObservation:
        """A good answer, or one that differs from it by `changed` fields."""
        fields: dict[str, object] = {
            "at": round(at, 3),
            "vantage": place.name,
            "target": service.name,
            "server": "198.19.255.53",
            "name": f"{service.name}.example",
            "rcode": "NOERROR",
            "answers": tuple(sorted(service.addresses)),
            "ttl_s": 60.0,
            "elapsed_s": round(self.noise(0.004, 0.3), 6),
        }
        fields.update(changed)
        return DnsObservation(**fields)  # type: ignore[arg-type]

    def table(self, *extra: tuple[str, int]) -> str:
        """The prefix-to-AS table of all networks used so far and of `extra` (prefix, AS) pairs."""
        rows = [(prefix, asn) for asn, prefix in self.as_prefix.items()] + list(extra)
        return "".join(f"{prefix}\t{asn}\n" for prefix, asn in sorted(rows))


def announcement(at: float, peer: tuple[str, int, str], path: tuple[int, ...], prefix: str) -> dict[str, object]:
    """A RIS Live UPDATE that announces `prefix`; `peer` is (address, AS, collector)."""
    return {
        "type": "UPDATE",
        "timestamp": at,
        "peer": peer[0],
        "peer_asn": str(peer[1]),
        "host": peer[2],
        "path": list(path),
        "origin": "igp",
        "announcements": [{"next_hop": peer[0], "prefixes": [prefix]}],
        "withdrawals": [],
    }


def withdrawal(at: float, peer: tuple[str, int, str], prefix: str) -> dict[str, object]:
    """A RIS Live UPDATE that withdraws `prefix`."""
    return {
        "type": "UPDATE",
        "timestamp": at,
        "peer": peer[0],
        "peer_asn": str(peer[1]),
        "host": peer[2],
        "path": [],
        "announcements": [],
        "withdrawals": [prefix],
    }


def spread(start: float, end: float, interval_s: float, offset: float) -> list[float]:
    """The moments of a schedule from `start` to `end`, shifted by `offset` (0..1 of the interval)."""
    count = int((end - start) / interval_s)
    return [start + (index + offset) * interval_s for index in range(count)]


Facts = list[Observation]
