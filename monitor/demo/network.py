"""The demo's networks as real network namespaces of this machine: routers, links, routes, the diversion.

It takes the topology as a value and knows nothing of probes, services or verdicts; `namespaces` makes the
namespaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from monitor.demo.namespaces import batch, become_router, connect, run
from monitor.demo.topology import Network, Topology
from monitor.model.asn import Asn


def host_namespace(host: str) -> str:
    """The namespace of a host of the topology."""
    return f"wd-{host}"


def router_namespace(asn: Asn) -> str:
    """The namespace of a network's router."""
    return f"wd-as{asn}"


class NamespaceNetwork:
    """The topology built of namespaces; call `build` once inside the private namespaces."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology

    def build(self) -> None:
        """Make all namespaces, links and the routes of peace. About a second.

        :raises NetworkError: a command failed
        """
        run("mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up")
        networks = self._topology.networks
        hosts = [network.host for network in networks.values() if network.host is not None]
        spaces = [*map(router_namespace, networks), *map(host_namespace, hosts)]
        batch([f"netns add {space}" for space in spaces])
        for asn in networks:
            become_router(router_namespace(asn))
        self._link_routers()
        for network in networks.values():
            self._attach_host(network)
        for prefix, origin in self._topology.origins().items():
            self._add_routes(prefix, self._topology.paths_to(origin))

    def divert(self) -> None:
        """Install the impostor's more-specific in every router that believes it.

        :raises NetworkError: a command failed
        """
        self._add_routes(self._topology.hijacked_prefix, self._topology.hijacked_paths())

    def restore(self) -> None:
        """Take the more-specific out again.

        :raises NetworkError: a command failed
        """
        prefix = self._topology.hijacked_prefix
        for asn, path in self._topology.hijacked_paths().items():
            if len(path) > 1:
                batch([f"route del {prefix}"], inside=router_namespace(asn))

    def _link_routers(self) -> None:
        for number, (one, other) in enumerate(self._topology.links):
            batch(
                [
                    f"link add wd{number} netns {router_namespace(one.asn)}"
                    f" type veth peer name wd{number} netns {router_namespace(other.asn)}"
                ]
            )
            for end, peer in ((one, other), (other, one)):
                connect(router_namespace(end.asn), f"wd{number}", end.address, peer.address)

    def _attach_host(self, network: Network) -> None:
        if network.host is None or network.host_address is None:
            return
        router, host = router_namespace(network.asn), host_namespace(network.host)
        gateway = network.prefix[1]
        batch([f"link add host netns {router} type veth peer name net0 netns {host}"])
        connect(router, "host", gateway, network.host_address)
        connect(host, "net0", network.host_address, gateway)
        batch(["link set lo up", f"route add default via {gateway}"], inside=host)

    def _add_routes(self, prefix: IPv4Network, paths: Mapping[Asn, tuple[Asn, ...]]) -> None:
        for asn, path in paths.items():
            if len(path) > 1:
                _, theirs = self._topology.neighbours(asn)[path[1]]
                batch([f"route add {prefix} via {theirs.address}"], inside=router_namespace(asn))
