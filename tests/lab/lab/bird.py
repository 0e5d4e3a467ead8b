"""What each router's BIRD is told: its neighbours, what it announces, and to whom (bird 2, RFC 4271). Pure text.

Export follows Gao and Rexford (2001): a customer's routes go to everybody, those of a peer or provider to
customers only. A large community (RFC 8092) of the router's own marks where it got a route from. A
`Policy` is how a router departs from that: announces what is not its own, leaks, keeps silent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

from lab.topology import SCRUBBER, SERVICE, End, Neighbour, Network, Topology

from monitor.model.asn import Asn
from monitor.model.vrp import Vrp

# Where a route came from: preferred in this order (money first), and remembered for the export.
_FROM = {"customer": (1, 300), "peer": (2, 200), "provider": (3, 100)}
# Own routes and customers' are for everybody.
_FOR_EVERYBODY = 1


class Forwarding(StrEnum):
    """What a router does with packets to a prefix that it announces."""

    BLACKHOLE = "blackhole"
    """Drops them in silence, as null0 does."""
    HOST = "host"
    """Hands them to hosts behind it; those for other addresses are answered as unreachable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A prefix that a router originates besides its own.

    `tail`: AS numbers claimed behind the router's own (a forged origin comes last); a network that finds its
    own number there drops the route, which keeps a way open for an interception (path poisoning).
    `forward`: a `Forwarding`, or the neighbour that gets the packets.
    """

    prefix: IPv4Network | IPv6Network
    tail: tuple[Asn, ...] = ()
    forward: Forwarding | Asn = Forwarding.HOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a router departs from the ordinary.

    `leaks_to`: neighbours that get all its routes. `silent_to`: neighbours that get none. `keeps_own`: its own
    prefixes are not announced.
    """

    announces: tuple[Announcement, ...] = ()
    leaks_to: frozenset[Asn] = frozenset()
    silent_to: frozenset[Asn] = frozenset()
    keeps_own: frozenset[IPv4Network | IPv6Network] = frozenset()


ORDINARY = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningSession:
    """A session between a network's router and one of another network that only listens, over a link of their own.

    `asn`: the network's, `listener_asn`: the other's; `router`, `listener`: the addresses at both ends.
    """

    asn: Asn
    router: IPv4Address
    listener_asn: Asn
    listener: IPv4Address


def router_config(
    topology: Topology,
    network: Network,
    policy: Policy,
    vrps: Sequence[Vrp],
    listeners: Sequence[ListeningSession] = (),
) -> str:
    """The configuration of one router. `listeners`: its sessions with those who only listen."""
    neighbours = topology.neighbours(network.asn)
    parts = [
        f"router id {network.gateway};",
        "log stderr { warning, error, fatal, bug };",
        "protocol device { }",
        *_kernel(),
        *_own_routes(network, policy, topology.ends(network.asn)),
        *(_roa_tables(vrps) if network.rejects_invalid else ()),
    ]
    for neighbour in neighbours:
        for family in (4, 6):
            parts.append(_session(network, neighbour, family, policy))
    for session in listeners:
        parts.append(
            f"protocol bgp to{session.listener_asn} {{ local {session.router} as {network.asn};"
            # Over direct sessions next hops come with their link-local address, which an FRR without zebra, that
            # knows no devices, takes for an error; and what it makes of that, for a broken message.
            f" neighbor {session.listener} as {session.listener_asn}; multihop; {_TIMES}"
            f" ipv4 {{ import none; export filter {{ {_claims(policy, 4)} accept; }}; next hop self; }};"
            f" ipv6 {{ import none; export filter {{ {_claims(policy, 6)} accept; }};"
            f" next hop address {network.gateway6}; }}; }}"
        )
    return "\n".join(parts) + "\n"


def collector_config(sessions: Sequence[ListeningSession], recording: Path) -> str:
    """The collector's: listens to everybody, says nothing, and records each message (RFC 6396)."""
    parts = [
        f"router id {sessions[0].listener};",
        "log stderr { warning, error, fatal, bug };",
        f'mrtdump "{recording}";',
        "mrtdump protocols { messages };",
        "protocol device { }",
    ]
    for session in sessions:
        parts.append(
            f"protocol bgp as{session.asn} {{ local {session.listener} as {session.listener_asn};"
            f" neighbor {session.router} as {session.asn}; passive; mrtdump {{ messages }}; {_TIMES}"
            " ipv4 { import all; export none; };"
            # A next hop of its own is asked for, though nothing is ever sent.
            " ipv6 { import all; export none; next hop address 2001:db8:ffff::1; }; }"
        )
    return "\n".join(parts) + "\n"


# BIRD's own defaults wait five seconds before the first connection and minutes before noticing a dead one.
_TIMES = (
    "connect delay time 1; connect retry time 2; error wait time 1, 4; hold time 30; keepalive time 10;"
    " startup hold time 30;"
)


def _kernel() -> list[str]:
    export = "export where source = RTS_BGP || source = RTS_STATIC;"
    return [f"protocol kernel kernel{family} {{ ipv{family} {{ import none; {export} }}; }}" for family in (4, 6)]


def _own_routes(network: Network, policy: Policy, ends: Mapping[Asn, End]) -> list[str]:
    routes: dict[int, list[str]] = {4: [], 6: []}
    for prefix in (network.prefix, network.prefix6):
        if prefix not in policy.keeps_own:
            routes[prefix.version].append(f"route {prefix} unreachable;")
    for claim in policy.announces:
        routes[claim.prefix.version].append(f"route {claim.prefix} {_target(claim, ends)};")
    return [f"protocol static own{family} {{ ipv{family}; {' '.join(routes[family])} }}" for family in (4, 6)]


def _target(claim: Announcement, ends: Mapping[Asn, End]) -> str:
    if claim.forward is Forwarding.BLACKHOLE:
        return "blackhole"
    if claim.forward is Forwarding.HOST:
        return "unreachable"
    end = ends[Asn(int(claim.forward))]
    via: IPv4Address | IPv6Address = end.address if claim.prefix.version == 4 else end.address6
    return f"via {via}"


def _roa_tables(vrps: Sequence[Vrp]) -> list[str]:
    parts = []
    for family in (4, 6):
        roas = " ".join(
            f"route {vrp.prefix} max {vrp.max_length} as {vrp.asn};"
            for vrp in vrps
            if vrp.prefix.version == family
        )
        parts.append(f"roa{family} table roas{family};")
        parts.append(f"protocol static vrps{family} {{ roa{family} {{ table roas{family}; }}; {roas} }}")
    return parts


def _session(network: Network, neighbour: Neighbour, family: int, policy: Policy) -> str:
    ours = neighbour.ours.address if family == 4 else neighbour.ours.address6
    theirs = neighbour.theirs.address if family == 4 else neighbour.theirs.address6
    mark, preference = _FROM[neighbour.role]
    check = f"if roa_check(roas{family}) = ROA_INVALID then reject;" if network.rejects_invalid else ""
    imported = (
        f"{check} bgp_local_pref = {preference}; bgp_large_community.delete([({network.asn}, 1, *)]);"
        f" bgp_large_community.add(({network.asn}, 1, {mark})); accept;"
    )
    return (
        f"protocol bgp as{neighbour.asn}_{family} {{ local {ours} as {network.asn};"
        f" neighbor {theirs} as {neighbour.asn}; direct; {_TIMES}"
        f" ipv{family} {{ import filter {{ {imported} }};"
        f" export filter {{ {_exported(network, neighbour, family, policy)} }}; next hop self; }}; }}"
    )


def _exported(network: Network, neighbour: Neighbour, family: int, policy: Policy) -> str:
    if neighbour.asn in policy.silent_to:
        return "reject;"
    claims = _claims(policy, family)
    if neighbour.role == "customer" or neighbour.asn in policy.leaks_to:
        return f"{claims} accept;"
    return (
        f"{claims} if source = RTS_STATIC || ({network.asn}, 1, {_FOR_EVERYBODY}) ~ bgp_large_community"
        " then accept; reject;"
    )


def _claims(policy: Policy, family: int) -> str:
    """The invented ends of paths; BIRD puts its own number in front of them as it sends."""
    parts = []
    for claim in policy.announces:
        if claim.tail and claim.prefix.version == family:
            # Each goes in front of those before it, so the last one goes first.
            prepends = " ".join(f"bgp_path.prepend({asn});" for asn in reversed(claim.tail))
            parts.append(f"if net = {claim.prefix} && source = RTS_STATIC then {{ {prepends} }}")
    return " ".join(parts)


def ordinary_vrps(topology: Topology) -> tuple[Vrp, ...]:
    """The service's ROAs: its own prefixes, nothing longer, by itself; down to /24 by its scrubbing provider."""
    network = topology.networks[SERVICE]
    own = tuple(
        Vrp(prefix=prefix, max_length=prefix.prefixlen, asn=network.asn)
        for prefix in (network.prefix, network.prefix6)
    )
    return (*own, Vrp(prefix=network.prefix, max_length=24, asn=SCRUBBER))
