"""The demo's small Internet as a value: networks, links, addresses, and the AS paths that follow from them. Pure.

Both sides of the demo are derived from one computation: the routers' forwarding tables (`network`) and the
announcements that the route collector's peers report (`collector`), so that what BGP says and where packets
go agree as they do in the real world. AS numbers are those for documentation (RFC 5398), addresses those for
benchmarking (RFC 2544) or, without network namespaces, the same shape inside 127.0.0.0/8.

It knows nothing of namespaces, sockets or time.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.model.asn import Asn


class Role(StrEnum):
    """What a network is there for. Only transit networks carry the traffic of others."""

    VANTAGE = "vantage"
    TRANSIT = "transit"
    SERVICE = "service"
    IMPOSTOR = "impostor"
    CONTROL = "control"
    CROWD = "crowd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One autonomous system: a router, and behind it at most one `host` with its address.

    `prefix` holds the router's interface addresses; it is announced by this AS.
    """

    asn: Asn
    role: Role
    prefix: ipaddress.IPv4Network
    host: str | None = None
    host_address: ipaddress.IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end of a point-to-point link, addressed from its own network's range so that hops map to their AS."""

    asn: Asn
    address: ipaddress.IPv4Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The networks by AS number, the links between their routers, and what the two origins announce.

    `service_prefix` is the genuine announcement, `hijacked_prefix` the impostor's more-specific of it,
    `filtering` the transit networks that drop RPKI-invalid routes (RFC 6811) and so stay clean.
    """

    networks: Mapping[Asn, Network]
    links: tuple[tuple[LinkEnd, LinkEnd], ...]
    service_prefix: ipaddress.IPv4Network
    hijacked_prefix: ipaddress.IPv4Network
    filtering: frozenset[Asn]

    def of_role(self, role: Role) -> tuple[Network, ...]:
        """The networks of one role, by AS number."""
        return tuple(network for _, network in sorted(self.networks.items()) if network.role is role)

    def only(self, role: Role) -> Network:
        """The one network of a role that occurs once (service, impostor, control, crowd)."""
        (network,) = self.of_role(role)
        return network

    @property
    def service_address(self) -> ipaddress.IPv4Address:
        """The address that vantages probe; the impostor's host holds the same."""
        address = self.only(Role.SERVICE).host_address
        if address is None:
            raise ValueError("the service's network has no host")
        return address

    def neighbours(self, asn: Asn) -> dict[Asn, tuple[LinkEnd, LinkEnd]]:
        """The directly linked networks, each with (our end, their end)."""
        found: dict[Asn, tuple[LinkEnd, LinkEnd]] = {}
        for one, other in self.links:
            if one.asn == asn:
                found[other.asn] = (one, other)
            elif other.asn == asn:
                found[one.asn] = (other, one)
        return dict(sorted(found.items()))

    def paths_to(self, origin: Asn, *, rejecting: Collection[Asn] = ()) -> dict[Asn, tuple[Asn, ...]]:
        """The AS path by which each network reaches what `origin` announces, itself first.

        Shortest path, the lower neighbour's number breaking ties; a network that is not transit passes no
        route on, and those in `rejecting` take none. Networks that hear no such route are left out.
        """
        paths: dict[Asn, tuple[Asn, ...]] = {origin: (origin,)}
        queue = deque([origin])
        while queue:
            asn = queue.popleft()
            if asn != origin and self.networks[asn].role is not Role.TRANSIT:
                continue
            for neighbour in self.neighbours(asn):
                if neighbour not in paths and neighbour not in rejecting:
                    paths[neighbour] = (neighbour, *paths[asn])
                    queue.append(neighbour)
        return paths

    def genuine_paths(self) -> dict[Asn, tuple[Asn, ...]]:
        """Each network's path to the real service."""
        return self.paths_to(self.only(Role.SERVICE).asn)

    def hijacked_paths(self) -> dict[Asn, tuple[Asn, ...]]:
        """The impostor's path at each network that believes the more-specific; the victim itself never does."""
        return self.paths_to(
            self.only(Role.IMPOSTOR).asn, rejecting=self.filtering | {self.only(Role.SERVICE).asn}
        )

    def origins(self) -> dict[ipaddress.IPv4Network, Asn]:
        """What a prefix-to-AS table says in peace: prefix -> origin, without the hijack."""
        return {network.prefix: network.asn for network in self.networks.values()}


_TRANSIT = (64500, 64501, 64502, 64503)
_VANTAGES = {"seoul-1": 64496, "frankfurt-1": 64497, "virginia-1": 64498, "saopaulo-1": 64499}
_SERVICE, _IMPOSTOR, _CONTROL, _CROWD = 64510, 64511, 64505, 64506
_ADJACENT: tuple[tuple[int, int], ...] = (
    # The transit networks peer with each other, all with all, as the largest do.
    (64500, 64501), (64500, 64502), (64500, 64503), (64501, 64502), (64501, 64503), (64502, 64503),
    # One upstream per vantage, two for everybody else.
    (64496, 64500), (64497, 64501), (64498, 64502), (64499, 64503),
    (_SERVICE, 64500), (_SERVICE, 64503), (_IMPOSTOR, 64501), (_IMPOSTOR, 64502),
    (_CONTROL, 64501), (_CONTROL, 64503), (_CROWD, 64502), (_CROWD, 64500),
)  # fmt: skip


def demo_topology(*, loopback: bool = False) -> Topology:
    """The demo's networks: four vantages, four transit networks, the service, the impostor, a control, a crowd.

    In namespaces AS64503 drops RPKI-invalid routes, so that one vantage of four keeps the real service. On
    the loopback there is one relay and no forwarding table, so nobody filters and all four are diverted.
    """
    first, second = ("127.18", "127.19") if loopback else ("198.18", "198.19")
    service_prefix = ipaddress.IPv4Network(f"{first}.0.0/21")

    def network(asn: int, role: Role, third: int, host: str | None = None) -> Network:
        prefix = ipaddress.IPv4Network(f"{second}.{third}.0/24")
        return Network(
            asn=Asn(asn), role=role, prefix=prefix, host=host, host_address=prefix[80] if host else None
        )

    service_host = service_prefix[3 * 256 + 80]
    networks = [
        *(network(asn, Role.TRANSIT, asn - 64490) for asn in _TRANSIT),
        *(network(asn, Role.VANTAGE, asn - 64490, name) for name, asn in _VANTAGES.items()),
        network(_CONTROL, Role.CONTROL, 50, "control"),
        network(_CROWD, Role.CROWD, 60, "crowd"),
        Network(
            asn=Asn(_SERVICE), role=Role.SERVICE, prefix=service_prefix, host="service", host_address=service_host
        ),
        Network(
            asn=Asn(_IMPOSTOR), role=Role.IMPOSTOR, prefix=ipaddress.IPv4Network(f"{second}.70.0/24"),
            host="impostor", host_address=service_host,
        ),
    ]  # fmt: skip
    by_asn = {member.asn: member for member in networks}
    return Topology(
        networks=by_asn,
        links=_addressed(by_asn),
        service_prefix=service_prefix,
        hijacked_prefix=ipaddress.IPv4Network(f"{first}.3.0/24"),
        filtering=frozenset() if loopback else frozenset({Asn(64503)}),
    )


def _addressed(networks: Mapping[Asn, Network]) -> tuple[tuple[LinkEnd, LinkEnd], ...]:
    """Give each link end the next free address of its own network; the first is the router's towards its host."""
    used = dict.fromkeys(networks, 1)

    def end(asn: int) -> LinkEnd:
        used[Asn(asn)] += 1
        return LinkEnd(Asn(asn), networks[Asn(asn)].prefix[used[Asn(asn)]])

    return tuple((end(one), end(other)) for one, other in _ADJACENT)
