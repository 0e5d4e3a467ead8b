"""What the agent measures with: the probes behind one seam, so that a round can be tested without a network.

`NetworkInstruments` is the real one; it shares TLS contexts and raw sockets between probes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from probes import DnsObservation, HttpObservation, TraceObservation
from probes.dns import Delegations, DnsQuestion, StubResolver, Validator, ask, system_resolvers
from probes.endpoint import has_route, routable
from probes.failure import Failed
from probes.http import HttpProber, HttpRequest
from probes.traceroute import Tracer, TraceRequest


class Instruments(Protocol):
    """Each measuring call returns an observation for every outcome, within the request's own deadline."""

    async def http(self, request: HttpRequest, *, vantage: str, target: str) -> HttpObservation:
        """One HTTP exchange."""
        ...

    async def ask(
        self, question: DnsQuestion, *, vantage: str, target: str, validate_from: Sequence[str] | None = None
    ) -> DnsObservation:
        """One question to one name server. `validate_from`: where the chain of trust is fetched from, as the
        `start` of `zone_servers`; None: the chain is not checked."""
        ...

    async def trace(self, request: TraceRequest, *, vantage: str, target: str) -> TraceObservation:
        """One traceroute."""
        ...

    def pace_traces(self, rate: int) -> None:
        """Send at most so many packets a second for all traceroutes together, from now on."""
        ...

    async def addresses_of(self, name: str, family: int, timeout_s: float) -> Sequence[str]:
        """The addresses of `name` that the machine's own resolvers give; empty when they give none."""
        ...

    def system_resolvers(self) -> tuple[str, ...]:
        """The machine's own resolvers now."""
        ...

    def has_route(self, address: str) -> bool:
        """Whether this machine would send to `address`; no packet is."""
        ...

    async def zone_servers(self, name: str, start: Sequence[str], timeout_s: float) -> Sequence[str]:
        """Addresses of the authoritative servers of the zone that `name` is in, found from `start` downwards
        (empty: from the root); empty when none was found."""
        ...

    async def aclose(self) -> None:
        """Close what is shared."""
        ...


class NetworkInstruments:
    """The probes of this machine's network."""

    def __init__(self) -> None:
        self._http = HttpProber()
        self._tracer = Tracer()
        self._stub = StubResolver()
        self._validators: dict[tuple[str, ...], Validator] = {}
        self._delegations: dict[tuple[str, ...], Delegations] = {}

    async def http(self, request: HttpRequest, *, vantage: str, target: str) -> HttpObservation:
        """One HTTP exchange."""
        return await self._http.probe(request, vantage=vantage, target=target)

    async def ask(
        self, question: DnsQuestion, *, vantage: str, target: str, validate_from: Sequence[str] | None = None
    ) -> DnsObservation:
        """One question to one name server, its chain of trust checked where `validate_from` is given."""
        validator = None if validate_from is None else self._validator(tuple(validate_from))
        return await ask(question, vantage=vantage, target=target, validator=validator)

    async def trace(self, request: TraceRequest, *, vantage: str, target: str) -> TraceObservation:
        """One traceroute."""
        return await self._tracer.trace(request, vantage=vantage, target=target)

    def pace_traces(self, rate: int) -> None:
        """Send at most so many packets a second for all traceroutes together, from now on."""
        self._tracer.rate = rate

    async def addresses_of(self, name: str, family: int, timeout_s: float) -> Sequence[str]:
        """The addresses of `name` that the machine's own resolvers give; empty when they give none."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._stub.addresses(name, family)
        except (TimeoutError, Failed):
            return ()

    def system_resolvers(self) -> tuple[str, ...]:
        """The machine's own resolvers now."""
        return system_resolvers()

    def has_route(self, address: str) -> bool:
        """Whether the kernel would send to `address`."""
        return has_route(address)

    async def zone_servers(self, name: str, start: Sequence[str], timeout_s: float) -> Sequence[str]:
        """Addresses of the authoritative servers of the zone that `name` is in, of the families that this machine
        has; empty when none was found."""
        delegations = self._delegations_from(tuple(start))
        try:
            zone = await delegations.zone_of(name, timeout_s)
        except Failed:
            return ()
        return tuple(delegations.written(address) for address in routable(zone.addresses))

    def _delegations_from(self, start: tuple[str, ...]) -> Delegations:
        """One searcher a start: all targets share what it has learned of the zones above them."""
        if start not in self._delegations:
            self._delegations[start] = Delegations(start) if start else Delegations()
        return self._delegations[start]

    def _validator(self, start: tuple[str, ...]) -> Validator:
        if start not in self._validators:
            self._validators[start] = Validator(self._delegations_from(start))
        return self._validators[start]

    async def aclose(self) -> None:
        """Close what is shared."""
        await self._http.aclose()
        await self._tracer.aclose()
