"""What an exchange, a traceroute or a lookup can look like: makers of answers, ways and lookups for spells."""

from __future__ import annotations

from world import Place, Service, World, digest

from probes.observation import DnsObservation, Failure, HttpObservation, TraceObservation
from script.words import Answer, Lookup, Way


def silent(world: World, at: float, place: Place, service: Service) -> HttpObservation:
    """No SYN-ACK comes."""
    return world.silent(at, place, service)


def refused(world: World, at: float, place: Place, service: Service) -> HttpObservation:
    """The host is there, the port is not."""
    return world.refused(at, place, service)


def no_route(world: World, at: float, place: Place, service: Service) -> HttpObservation:
    """A router on the way says that there is none."""
    return world.failed(at, place, service, Failure.NETWORK_UNREACHABLE)


def no_name(world: World, at: float, place: Place, service: Service) -> HttpObservation:
    """The resolver gives SERVFAIL, so nothing else is tried."""
    return world.failed(at, place, service, Failure.DNS_SERVFAIL)


def not_measured(_world: World, _at: float, _place: Place, _service: Service) -> None:
    """Nothing was measured."""


def status(code: int, think_s: float = 0.0) -> Answer:
    """The genuine server answers with this status: at once, or after about `think_s`."""

    def answer(world: World, at: float, place: Place, service: Service) -> HttpObservation:
        changed = {"think_s": world.noise(think_s, 0.3)} if think_s else {}
        return world.status(at, place, service, code, **changed)

    return answer


def mixed(*shares: tuple[float, Answer]) -> Answer:
    """Each answer with its share of the exchanges; a good one for the rest."""

    def answer(world: World, at: float, place: Place, service: Service) -> HttpObservation | None:
        chance = world.random.random()
        for share, other in shares:
            if chance < share:
                return other(world, at, place, service)
            chance -= share
        return world.ok(at, place, service)

    return answer


def queueing(least_s: float, most_s: float) -> Answer:
    """The genuine server answers late."""
    return lambda world, at, place, service: world.ok(
        at, place, service, think_s=world.random.uniform(least_s, most_s)
    )


def unanswered(world: World, at: float, place: Place, service: Service) -> HttpObservation:
    """The genuine server takes the connection and never answers."""
    return world.unanswered(at, place, service)


def farther(extra_s: float) -> Answer:
    """The genuine server, over a way that takes so much longer there and back."""
    return lambda world, at, place, service: world.ok(at, place, service, rtt_s=place.rtt_s + extra_s)


def impostor(
    issuer: str, code: int, extra_s: float = 0.03, failure: Failure | None = None, address: str | None = None
) -> Answer:
    """Somebody else answers, with his own key and certificate, from elsewhere.

    `failure`: that of the certificate, where it does not verify; then nothing is asked. `address`: where he is,
    when it was the name that led there.
    """

    def answer(world: World, at: float, place: Place, service: Service) -> HttpObservation:
        his = {
            "rtt_s": place.rtt_s + extra_s,
            "spki_sha256": digest("impostor", "key"),
            "certificate_sha256": digest("impostor", "certificate"),
            "issuer": issuer,
        }
        if address is not None:
            his["address"] = address
        if failure is not None:
            unasked = {"status": None, "wait_s": None, "receive_s": None, "body_bytes": None, "body_sha256": None}
            return world.ok(at, place, service, failure=failure, **unasked, **his)
        his |= {
            "think_s": world.noise(0.02, 0.2),
            "body_bytes": 177,
            "body_sha256": digest("impostor", "body"),
        }
        if code == 200:
            return world.ok(at, place, service, **his)
        return world.status(at, place, service, code, **his)

    return answer


def lost_in_transit(world: World, at: float, place: Place, service: Service) -> TraceObservation:
    """A traceroute that ends in the last network before the target's: nobody knows the way from there."""
    return world.trace(at, place, service, networks=place.transit, reached=False)


def behind_transit(*networks: int, reached: bool = True) -> Way:
    """A traceroute over the vantage's own transit, as far as it is usual, and then through these networks."""

    def trace(world: World, at: float, place: Place, service: Service) -> TraceObservation:
        kept = place.transit[: place.transit.index(networks[0])] if networks[0] in place.transit else place.transit
        return world.trace(at, place, service, networks=(*kept, *networks), reached=reached)

    return trace


def servfail(world: World, at: float, place: Place, service: Service, server: str) -> DnsObservation:
    """The resolver found no name server that answers."""
    return world.dns(at, place, service, server=server, rcode="SERVFAIL", answers=(), failure=Failure.DNS_SERVFAIL)


def no_reply(world: World, at: float, place: Place, service: Service, server: str) -> DnsObservation:
    """The name server does not answer."""
    return world.dns(
        at, place, service, server=server, rcode=None, answers=(), ttl_s=None, elapsed_s=5.0,
        failure=Failure.DNS_TIMEOUT,
    )  # fmt: skip


def answers_with(*addresses: str) -> Lookup:
    """The server gives these addresses instead."""
    return lambda world, at, place, service, server: world.dns(
        at, place, service, server=server, answers=addresses
    )
