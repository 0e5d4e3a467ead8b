"""Who plays: vantages, the watched services, the controls, and the collectors' peers. Values."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.addresses import Network


@dataclass(frozen=True, slots=True)
class Vantage:
    """A place to measure from. `noise`: spread of its round trips; `loss`: share of lost packets."""

    name: str
    asn: int
    noise: float
    loss: float
    skew_s: float = 0.0
    phase: float = 0.0


@dataclass(frozen=True, slots=True)
class Service:
    """A target or control, and what its genuine servers are like when all is well."""

    name: str
    asn: int
    https: bool
    addresses: tuple[str, ...]
    prefixes: tuple[Network, ...]
    keys: int
    issuer: str
    think_s: float
    think_spread: float
    failing: float
    steady_body: bool
    pinned: bool
    not_after: float
    control: bool = False
    rotating: bool = False
    sites: tuple[int, ...] = ()
    depends_on: tuple[str, ...] = ()
    declared_prefixes: bool = False
    declared_origins: tuple[int, ...] = ()
    allowed_origins: tuple[int, ...] = ()

    @property
    def host(self) -> str:
        """Its name in the DNS."""
        return f"{self.name}.example"

    @property
    def url(self) -> str:
        """What is measured."""
        return f"{'https' if self.https else 'http'}://{self.host}/{'' if self.control else 'health'}"

    @property
    def port(self) -> int:
        """443 or 80."""
        return 443 if self.https else 80


@dataclass(frozen=True, slots=True)
class Peer:
    """A network that tells a collector its routes; its session has an address of its own."""

    asn: int
    address: str
    collector: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a folder holds, and how."""

    traces: bool = True
    names: bool = True
    routes: bool = True
    prefix_to_as: bool = True
    vrps: bool = False
    trace_interval_s: float = 300.0
    max_wait: bool = False
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Setting:
    """How large and how long it is; times in Unix seconds. `name_server`: the address of the zones' own server."""

    start: float
    end: float
    interval_s: float
    vantages: tuple[Vantage, ...]
    services: tuple[Service, ...]
    peers: tuple[Peer, ...]
    name_server: str
    recorded: Recorded = field(default_factory=Recorded)

    @property
    def targets(self) -> tuple[Service, ...]:
        """The services that are no controls."""
        return tuple(service for service in self.services if not service.control)
