"""The laboratory's Internet as a value: networks, who pays whom, links with delays, hosts and addresses. Pure.

    64500 ══ 64501 ══ 64502      tier 1, peering all with all
      │ ╲      │ ╲     ╱ │
    64503   64504  64505         transit, two upstreams each (who buys from whom: `_LINKS`)
      │        │       │
    stubs: five vantages, the service, the authority behind it, name servers, two controls, crowd, hijacker

AS numbers are those for documentation (RFC 5398), addresses those for benchmarking and documentation
(RFC 2544, RFC 3849). A link's ends are addressed from their own networks' prefixes, so that a hop maps to
the AS of the router that answered. It knows nothing of namespaces, daemons or time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from monitor.model.asn import Asn


class Relation(StrEnum):
    """What a link's second network is to its first."""

    CUSTOMER = "customer"
    PEER = "peer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One autonomous system with one router. It announces both prefixes and addresses everything from them.

    `rejects_invalid`: drops RPKI-invalid routes (RFC 6811).
    """

    asn: Asn
    name: str
    prefix: IPv4Network
    prefix6: IPv6Network
    rejects_invalid: bool = False

    @property
    def gateway(self) -> IPv4Address:
        """The router's address towards its hosts, and its BGP identifier."""
        return self.prefix[1]

    @property
    def gateway6(self) -> IPv6Address:
        """The same of the other family."""
        return self.prefix6[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine behind the router of its network. `impostor`: holds the address of a host elsewhere."""

    name: str
    asn: Asn
    address: IPv4Address
    address6: IPv6Address
    impostor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a link."""

    asn: Asn
    address: IPv4Address
    address6: IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link between two routers. `delay_s` one way; `relation` None: private, no BGP over it."""

    one: End
    other: End
    relation: Relation | None
    delay_s: float

    @property
    def name(self) -> str:
        """How scenarios call it: both AS numbers."""
        return f"{self.one.asn}-{self.other.asn}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A link as one of its networks sees it: what the other is to it ("customer", "peer", "provider")."""

    asn: Asn
    ours: End
    theirs: End
    role: str


@dataclass(frozen=True, kw_only=True)
class Topology:
    """The networks by AS number, their links and hosts, and which of them the route collector listens to."""

    networks: Mapping[Asn, Network]
    links: tuple[Link, ...]
    hosts: Mapping[str, Host]
    vantages: tuple[str, ...]
    collector_peers: tuple[Asn, ...]

    def neighbours(self, asn: Asn) -> tuple[Neighbour, ...]:
        """The BGP neighbours of a network, by link."""
        found = []
        for link in self.links:
            for ours, theirs, role in (
                (link.one, link.other, link.relation),
                (link.other, link.one, "provider" if link.relation is Relation.CUSTOMER else link.relation),
            ):
                if ours.asn == asn and role is not None:
                    found.append(Neighbour(asn=theirs.asn, ours=ours, theirs=theirs, role=str(role)))
        return tuple(found)

    def ends(self, asn: Asn) -> dict[Asn, End]:
        """The far ends of a network's links, private ones too, by the network there."""
        found = {link.other.asn: link.other for link in self.links if link.one.asn == asn}
        return found | {link.one.asn: link.one for link in self.links if link.other.asn == asn}

    def link(self, name: str) -> Link:
        """The link of that name.

        :raises KeyError: there is none
        """
        return self._links[name]

    @cached_property
    def _links(self) -> dict[str, Link]:
        return {link.name: link for link in self.links}

    def relationships(self) -> str:
        """Who is whose provider (-1) or peer (0), as CAIDA's serial-1 writes it."""
        kinds = {Relation.CUSTOMER: -1, Relation.PEER: 0}
        return "".join(
            f"{link.one.asn}|{link.other.asn}|{kinds[link.relation]}\n" for link in self.links if link.relation
        )

    def origins(self) -> dict[IPv4Network | IPv6Network, Asn]:
        """What a prefix-to-AS table says in peace."""
        both = [(network.prefix, network.asn) for network in self.networks.values()]
        both6 = [(network.prefix6, network.asn) for network in self.networks.values()]
        return {**dict(both), **dict(both6)}


SERVICE, AUTHORITY, HIJACKER, NAMES, INFRASTRUCTURE, SCRUBBER, CROWD = (
    Asn(64510), Asn(64509), Asn(64511), Asn(64508), Asn(64507), Asn(65536), Asn(65537),
)  # fmt: skip
COLLECTOR = Asn(65550)
VANTAGES = {"seoul-1": 64496, "tokyo-1": 64497, "frankfurt-1": 64498, "virginia-1": 64499, "saopaulo-1": 64506}

_NAMES = {
    64500: "tier-1 alpha", 64501: "tier-1 beta", 64502: "tier-1 gamma",
    64503: "transit east", 64504: "transit centre", 64505: "transit west",
    SERVICE: "the service", AUTHORITY: "the authority it calls", HIJACKER: "the hijacker",
    NAMES: "the service's name servers", INFRASTRUCTURE: "root servers, control one",
    SCRUBBER: "scrubbing provider, control two", CROWD: "the crowd's eyeballs",
    **{asn: f"{name}'s network" for name, asn in VANTAGES.items()},
}  # fmt: skip

# Where a network's prefix is not the 198.19.<n>.0/24 of its place in the list: these have room for more-specifics.
_PREFIXES = {SERVICE: "198.18.0.0/21", NAMES: "198.18.64.0/22"}

_PEERS = ((64500, 64501, 0.020), (64500, 64502, 0.030), (64501, 64502, 0.025))
# Provider, customer, delay one way in seconds.
_CUSTOMERS = (
    (64500, 64503, 0.008), (64501, 64503, 0.010),
    (64501, 64504, 0.006), (64502, 64504, 0.009),
    (64502, 64505, 0.007), (64500, 64505, 0.011),
    (64503, 64496, 0.002), (64500, 64497, 0.004), (64504, 64498, 0.002), (64505, 64499, 0.003),
    (64501, 64506, 0.015),
    (64503, SERVICE, 0.001), (64504, SERVICE, 0.005),
    (64503, AUTHORITY, 0.002),
    (64505, HIJACKER, 0.002), (64504, HIJACKER, 0.004),
    (64503, NAMES, 0.002), (64501, INFRASTRUCTURE, 0.002), (64500, INFRASTRUCTURE, 0.002),
    (64502, SCRUBBER, 0.003), (64501, SCRUBBER, 0.003), (64502, CROWD, 0.004), (64500, CROWD, 0.004),
)  # fmt: skip
# The scrubbing provider's own line to the service, for traffic that it has cleaned.
_PRIVATE = ((SERVICE, SCRUBBER, 0.004),)


def lab_topology() -> Topology:
    """The one Internet of the laboratory."""
    networks = {Asn(asn): _network(number, asn) for number, asn in enumerate(_NAMES)}
    hosts = [_host(networks, name, asn) for name, asn in VANTAGES.items()]
    service, names = networks[SERVICE], networks[NAMES]
    hosts += [
        Host(name="service", asn=SERVICE, address=service.prefix[3 * 256 + 80], address6=service.prefix6[80]),
        Host(
            name="impostor", asn=HIJACKER, address=service.prefix[3 * 256 + 80], address6=service.prefix6[80],
            impostor=True,
        ),
        Host(
            name="false-names", asn=HIJACKER, address=names.prefix[256 + 53], address6=names.prefix6[53],
            impostor=True,
        ),
        _host(networks, "trap", HIJACKER),
        Host(name="names", asn=NAMES, address=names.prefix[256 + 53], address6=names.prefix6[53]),
        _host(networks, "authority", AUTHORITY),
        _host(networks, "root", INFRASTRUCTURE, 53),
        _host(networks, "control-1", INFRASTRUCTURE),
        _host(networks, "control-2", SCRUBBER),
        _host(networks, "crowd", CROWD),
    ]  # fmt: skip
    return Topology(
        networks=networks,
        links=_links(networks),
        hosts={host.name: host for host in hosts},
        vantages=tuple(VANTAGES),
        collector_peers=tuple(Asn(asn) for asn in (64500, 64501, 64502, 64503, 64504, 64505, 64497, 64498)),
    )


def _network(number: int, asn: int) -> Network:
    return Network(
        asn=Asn(asn),
        name=_NAMES[asn],
        prefix=IPv4Network(_PREFIXES.get(Asn(asn), f"198.19.{number + 1}.0/24")),
        prefix6=IPv6Network(f"2001:db8:{number + 1:x}::/48"),
        rejects_invalid=asn == 64503,
    )


def _host(networks: Mapping[Asn, Network], name: str, asn: int, number: int = 80) -> Host:
    network = networks[Asn(asn)]
    return Host(name=name, asn=network.asn, address=network.prefix[number], address6=network.prefix6[number])


def _links(networks: Mapping[Asn, Network]) -> tuple[Link, ...]:
    """Give each link end the next free address of its own network; the first one is the gateway's."""
    used = dict.fromkeys(networks, 1)

    def end(asn: int) -> End:
        number = used[Asn(asn)] = used[Asn(asn)] + 1
        network = networks[Asn(asn)]
        return End(asn=network.asn, address=network.prefix[number], address6=network.prefix6[number])

    kinds = ((_PEERS, Relation.PEER), (_CUSTOMERS, Relation.CUSTOMER), (_PRIVATE, None))
    return tuple(
        Link(one=end(one), other=end(other), relation=relation, delay_s=delay_s)
        for triples, relation in kinds
        for one, other, delay_s in triples
    )
