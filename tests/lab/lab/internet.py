"""The topology built of network namespaces: routers, hosts, links, addresses; and what their kernels would do.

Routes come from BIRD in each router, not from here. `truth` follows a packet through the forwarding tables of
the kernels, hop by hop, which is the ground truth of each scenario. It knows nothing of the monitor.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path

from lab.bird import ListeningSession
from lab.topology import COLLECTOR, INFRASTRUCTURE, SERVICE, Topology
from lab.wires import Wire

from monitor.demo.namespaces import NetworkError, batch, become_router, connect, run
from monitor.model.asn import Asn
from monitor.model.prefix import Address

PASSING = Path("/run/lab")
"""A folder that is gone with the laboratory, however it ends."""

COLLECTOR_SPACE = "wd-collector"
EDGE_SPACE = "wd-edge"
"""The service's second router, which listens to the providers."""

HUB_ADDRESS = IPv4Address("198.18.130.1")
"""Where the hub is in the management network, which no route of the laboratory's Internet leads to."""

MANAGEMENT = IPv4Network("198.18.130.0/24")
_COLLECTOR_LINKS = IPv4Network("198.18.128.0/24")
_EDGE_LINKS = IPv4Network("198.18.129.0/24")
_HUB_DEVICE = "h-hub"
_MOST_HOPS = 24
_COMMAND_TIMEOUT_S = 10.0


def own_run() -> None:
    """Give this mount namespace a /run of its own: for the namespaces' names, and what may pass away with them.

    :raises NetworkError: a command failed
    """
    run(f"mount -t tmpfs tmpfs /run && mkdir -p /run/netns {PASSING} && ip link set lo up")


def host_space(host: str) -> str:
    """The namespace of a host."""
    return f"wd-{host}"


def router_space(asn: Asn) -> str:
    """The namespace of a network's router."""
    return f"wd-as{asn}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where packets from a host go: the networks in order, and the host that gets them, or how they end.

    `end`: a host's name, or `blackhole`, `unreachable`, `loop`.
    """

    networks: tuple[Asn, ...]
    end: str


class Internet:
    """The namespaces; `build` once in private namespaces after `own_run`, `address` when the wires exist."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self._beyond: dict[tuple[str, str], str] = {}

    def build(self) -> None:
        """Make all namespaces and all links but those between routers.

        :raises NetworkError: a command failed
        """
        hosts = [host_space(name) for name in self.topology.hosts]
        routers = [router_space(asn) for asn in self.topology.networks]
        batch([f"netns add {space}" for space in (*routers, *hosts, COLLECTOR_SPACE, EDGE_SPACE)])
        for space in routers:
            become_router(space)
        for space in (*hosts, COLLECTOR_SPACE, EDGE_SPACE):
            batch(["link set lo up"], inside=space)
        for name in self.topology.hosts:
            self._attach_host(name)
        for session in self.collector_sessions():
            self._attach_listener(session, "wdcol", COLLECTOR_SPACE)
        for session in self.edge_sessions():
            self._attach_listener(session, "wdedge", EDGE_SPACE)
        managed = [EDGE_SPACE, *map(host_space, self.topology.vantages)]
        for number, space in enumerate(managed):
            self._manage(space, MANAGEMENT[2 + number])
        self._attach_hub()

    def wires(self) -> list[Wire]:
        """The links between routers, for the process that carries them."""
        return [
            Wire(
                name=link.name, device=f"wd{number}", one=router_space(link.one.asn),
                other=router_space(link.other.asn), delay_s=link.delay_s,
            )
            for number, link in enumerate(self.topology.links)
        ]  # fmt: skip

    def make_veth_wires(self) -> None:
        """Links without delay, where TUN devices are closed to us.

        :raises NetworkError: a command failed
        """
        batch(
            [
                f"link add {wire.device} netns {wire.one} type veth peer name {wire.device} netns {wire.other}"
                for wire in self.wires()
            ]
        )

    def address(self) -> None:
        """Give both ends of each link their addresses and bring them up.

        :raises NetworkError: a command failed
        """
        for number, link in enumerate(self.topology.links):
            for end, peer in ((link.one, link.other), (link.other, link.one)):
                space, device = router_space(end.asn), f"wd{number}"
                connect(space, device, end.address, peer.address)
                connect6(space, device, end.address6, peer.address6)
                self._beyond[space, device] = router_space(peer.asn)

    def collector_sessions(self) -> tuple[ListeningSession, ...]:
        """The route collector's sessions."""
        return _sessions(self.topology.collector_peers, COLLECTOR, _COLLECTOR_LINKS)

    def edge_sessions(self) -> tuple[ListeningSession, ...]:
        """Those of the service's second router, with the service's providers."""
        providers = [one.asn for one in self.topology.neighbours(SERVICE) if one.role == "provider"]
        return _sessions(providers, SERVICE, _EDGE_LINKS)

    def set_link(self, name: str, *, up: bool) -> None:
        """Cut a link between routers, or mend it.

        :raises NetworkError: a command failed
        """
        number = [link.name for link in self.topology.links].index(name)
        link = self.topology.links[number]
        for end, peer in ((link.one, link.other), (link.other, link.one)):
            space, device = router_space(end.asn), f"wd{number}"
            batch([f"link set {device} {'up' if up else 'down'}"], inside=space)
            if up:  # the kernel forgets IPv6 addresses of a device that goes down
                connect6(space, device, end.address6, peer.address6, again=True)

    def set_host(self, name: str, *, up: bool) -> None:
        """Connect a host to its router, or take it off.

        :raises NetworkError: a command failed
        """
        host = self.topology.hosts[name]
        space = router_space(host.asn)
        batch([f"link set {_device(name)} {'up' if up else 'down'}"], inside=space)
        if up:
            self._add_host_routes(name)

    def set_management(self, host: str, *, up: bool) -> None:
        """Connect a host to the management network, or take it off; its packets to the hub then go as all others.

        :raises NetworkError: a command failed
        """
        batch([f"link set manage {'up' if up else 'down'}"], inside=host_space(host))

    def way(self, host: str, address: Address) -> Way:
        """Follow a packet from a host through the kernels' forwarding tables."""
        space, networks = host_space(host), list[Asn]()
        for _ in range(_MOST_HOPS):
            device = _device_towards(space, address)
            if device in ("local", "blackhole", "unreachable"):
                return Way(
                    networks=tuple(networks), end=space.removeprefix("wd-") if device == "local" else device
                )
            if device == _HUB_DEVICE:
                return Way(networks=tuple(networks), end="hub")
            space = self._beyond[space, device]
            if space.startswith("wd-as"):
                networks.append(Asn(int(space.removeprefix("wd-as"))))
        return Way(networks=tuple(networks), end="loop")

    def _attach_host(self, name: str) -> None:
        host = self.topology.hosts[name]
        network = self.topology.networks[host.asn]
        router, space, device = router_space(host.asn), host_space(name), _device(name)
        batch([f"link add {device} netns {router} type veth peer name net0 netns {space}"])
        # A gateway has one address, whichever host asks; an impostor lives in another network's range.
        connect(space, "net0", host.address, network.gateway)
        connect6(space, "net0", host.address6, network.gateway6)
        batch([f"route add default via {network.gateway} dev net0 onlink"], inside=space)
        batch([f"route add default via {network.gateway6} dev net0 onlink"], inside=space)
        batch(
            [
                f"addr add {network.gateway}/32 dev {device}",
                f"addr add {network.gateway6}/128 dev {device} nodad",
                f"link set {device} {'down' if host.impostor else 'up'}",
            ],
            inside=router,
        )
        if not host.impostor:
            self._add_host_routes(name)
        self._beyond[space, "net0"], self._beyond[router, device] = router, space

    def _add_host_routes(self, name: str) -> None:
        host = self.topology.hosts[name]
        batch([f"route replace {host.address}/32 dev {_device(name)}"], inside=router_space(host.asn))
        batch([f"route replace {host.address6}/128 dev {_device(name)}"], inside=router_space(host.asn))

    def _attach_listener(self, session: ListeningSession, device: str, space: str) -> None:
        router, there = router_space(session.asn), f"as{session.asn}"
        batch([f"link add {device} netns {router} type veth peer name {there} netns {space}"])
        connect(router, device, session.router, session.listener)
        connect(space, there, session.listener, session.router)

    def _manage(self, space: str, address: IPv4Address) -> None:
        """Connect a namespace to the hub, which is where we are ourselves, by a link of the management network."""
        device = f"m-{space.removeprefix('wd-')}"[:15]
        batch([f"link add {device} type veth peer name manage netns {space}"])
        batch([f"addr add {HUB_ADDRESS} peer {address}/32 dev {device}", f"link set {device} up"])
        connect(space, "manage", address, HUB_ADDRESS)

    def _attach_hub(self) -> None:
        """The hub's way into the laboratory's Internet, for when its prefix is announced there."""
        router, gateway = router_space(INFRASTRUCTURE), self.topology.networks[INFRASTRUCTURE].gateway
        batch([f"link add {_HUB_DEVICE} netns {router} type veth peer name in-band"])
        batch(
            [
                f"addr add {HUB_ADDRESS} peer {gateway}/32 dev in-band", "link set in-band up",
                f"route add default via {gateway} dev in-band onlink",
            ]
        )  # fmt: skip
        connect(router, _HUB_DEVICE, gateway, HUB_ADDRESS)


def _sessions(asns: Sequence[Asn], listener: Asn, links: IPv4Network) -> tuple[ListeningSession, ...]:
    return tuple(
        ListeningSession(
            asn=asn, router=links[4 * number + 1], listener_asn=listener, listener=links[4 * number + 2]
        )
        for number, asn in enumerate(asns)
    )


def connect6(space: str, device: str, address: IPv6Address, peer: IPv6Address, *, again: bool = False) -> None:
    """Give a device its IPv6 address without waiting for a duplicate's protest: nobody else is on the wire.

    :raises NetworkError: a command failed
    """
    verb = "replace" if again else "add"
    batch([f"addr {verb} {address} peer {peer}/128 dev {device} nodad"], inside=space)


def _device(host: str) -> str:
    # Names of devices have at most 15 characters.
    return f"h-{host}"[:15]


def _device_towards(space: str, address: IPv4Address | IPv6Address) -> str:
    """The device by which a namespace sends to an address; `local`, `blackhole` or `unreachable` when by none.

    :raises NetworkError: `ip` says something else
    """
    done = subprocess.run(
        ["ip", "-netns", space, "-json", "route", "get", str(address)],
        capture_output=True, timeout=_COMMAND_TIMEOUT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        # The kernel's answer for a blackhole is EINVAL, for the others EHOSTUNREACH or ENETUNREACH.
        return "blackhole" if b"Invalid argument" in done.stderr else "unreachable"
    try:
        (route,) = json.loads(done.stdout)
    except ValueError as error:
        raise NetworkError(f"ip route get {address} in {space}: {done.stdout[:200]!r}") from error
    kind = route.get("type", "unicast")
    return kind if kind in ("local", "blackhole", "unreachable") else str(route["dev"])
