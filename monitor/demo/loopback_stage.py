"""The demo's stage where no namespace can be made: a relay stands for the route, traceroutes are replayed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

from monitor.demo import setting
from monitor.demo.certificates import Certificates
from monitor.demo.children import Child, ChildError, Children, python
from monitor.demo.recorded_traces import RecordedTraces
from monitor.demo.servers import Servers
from monitor.demo.topology import Network, Role, demo_topology
from probes import clock
from probes.observation import TraceObservation


class LoopbackStage:
    """The loopback: a relay stands for the route, and traceroutes are replayed from a recording."""

    mode = "loopback"
    told = (
        "The service, the load, TLS, BGP messages and mails are real; a TCP relay stands for the route to the"
        " service, and the TRACEROUTES ARE REPLAYED from a recording"
    )

    def __init__(self, children: Children, certificates: Certificates, why: str) -> None:
        self.topology = demo_topology(loopback=True)
        self.told = f"{self.told} ({why})."
        self._servers = Servers(children, certificates)
        self._traces = RecordedTraces.load()
        self._relay: Child | None = None
        self._diverted = False
        self.service = setting.Endpoint("", "", 0)
        self.control = setting.Endpoint("", "", 0)

    async def open(self) -> None:
        """Start the three servers on free ports, and the relay at the service's address."""
        certificates = self._servers.certificates
        genuine = await self._servers.serve("service", certificates.service, "127.0.0.1", 0)
        impostor = await self._servers.serve("impostor", certificates.impostor, "127.0.0.1", 0)
        address = str(self.topology.service_address)
        command = python(
            "monitor.demo.relay", "--listen", address,
            "--genuine", f"127.0.0.1:{genuine}", "--impostor", f"127.0.0.1:{impostor}",
        )  # fmt: skip
        self._relay, port = await self._servers.ready_port("relay", command)
        self.service = setting.endpoint(setting.SERVICE_NAME, "/check-in", address, port)
        control_address = str(self.topology.only(Role.CONTROL).host_address)
        control_port = await self._servers.serve("control", certificates.control, control_address, 0)
        self.control = setting.endpoint(setting.CONTROL_NAME, "/", control_address, control_port)

    async def start_vantage(self, network: Network, offset_s: float) -> Child:
        """Start one vantage; it does not trace."""
        return await self._servers.vantage(network, self.service, self.control, trace=False, offset_s=offset_s)

    async def let_crowd_in(self, seconds: float) -> Child:
        """Start the crowd."""
        return await self._servers.crowd(self.service, seconds)

    async def divert(self) -> None:
        """Switch the relay to the impostor."""
        self._switch(signal.SIGUSR1, diverted=True)

    async def restore(self) -> None:
        """Switch the relay back."""
        self._switch(signal.SIGUSR2, diverted=False)

    async def replayed_traces(self) -> AsyncIterator[TraceObservation]:
        """Each vantage's recorded traceroute in turn, every one as often as a real vantage traces."""
        names = [network.host for network in self.topology.of_role(Role.VANTAGE) if network.host is not None]
        while True:
            for name in names:
                yield self._traces.at(clock.wall(), name, diverted=self._diverted, port=self.service.port)
                await asyncio.sleep(setting.TRACE_INTERVAL_S / len(names))

    def _switch(self, number: signal.Signals, *, diverted: bool) -> None:
        if self._relay is None:
            raise ChildError("relay: not started")
        os.kill(self._relay.pid, number)
        self._diverted = diverted
