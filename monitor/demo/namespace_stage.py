"""The demo's stage of network namespaces: real routers, real traceroutes, a real more-specific route."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from monitor.demo import setting
from monitor.demo.certificates import Certificates
from monitor.demo.children import Child, Children
from monitor.demo.namespaces import enter
from monitor.demo.network import NamespaceNetwork, host_namespace
from monitor.demo.servers import Servers
from monitor.demo.topology import Network, Role, demo_topology
from probes.observation import TraceObservation

_HTTPS = 443


class NamespaceStage:
    """Network namespaces: real routers, real traceroutes, a real more-specific route."""

    mode = "namespaces"
    told = "Everything is real: network namespaces with routers, real routes, real traceroutes, real TLS and load."

    def __init__(self, children: Children, certificates: Certificates) -> None:
        self.topology = demo_topology()
        self._network = NamespaceNetwork(self.topology)
        self._servers = Servers(children, certificates)
        self.service = setting.endpoint(
            setting.SERVICE_NAME, "/check-in", str(self.topology.service_address), _HTTPS
        )
        control = self.topology.only(Role.CONTROL).host_address
        self.control = setting.endpoint(setting.CONTROL_NAME, "/", str(control), _HTTPS)

    async def open(self) -> None:
        """Build the namespaces and start the three servers in theirs."""
        await asyncio.to_thread(self._network.build)
        certificates = self._servers.certificates
        async with asyncio.TaskGroup() as group:
            for role, identity in (
                (Role.SERVICE, certificates.service),
                (Role.IMPOSTOR, certificates.impostor),
                (Role.CONTROL, certificates.control),
            ):
                network = self.topology.only(role)
                group.create_task(
                    self._servers.serve(role.value, identity, str(network.host_address), _HTTPS, _inside(network))
                )

    async def start_vantage(self, network: Network, offset_s: float) -> Child:
        """Start one vantage in its namespace."""
        return await self._servers.vantage(
            network, self.service, self.control, trace=True, offset_s=offset_s, inside=_inside(network)
        )

    async def let_crowd_in(self, seconds: float) -> Child:
        """Start the crowd in a namespace of its own."""
        return await self._servers.crowd(self.service, seconds, _inside(self.topology.only(Role.CROWD)))

    async def divert(self) -> None:
        """Route the more-specific towards the impostor."""
        await asyncio.to_thread(self._network.divert)

    async def restore(self) -> None:
        """Take that route out."""
        await asyncio.to_thread(self._network.restore)

    async def replayed_traces(self) -> AsyncIterator[TraceObservation]:
        """Nothing: the vantages trace for themselves."""
        nothing: tuple[TraceObservation, ...] = ()
        for trace in nothing:
            yield trace


def _inside(network: Network) -> tuple[str, ...]:
    if network.host is None:
        raise ValueError(f"AS{network.asn} has no host")
    return enter(host_namespace(network.host))
