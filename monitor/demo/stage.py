"""What the demo's play needs of the place where it plays: network namespaces, or the loopback.

Both stages (`namespace_stage`, `loopback_stage`) run the same service, impostor, control, crowd and vantages as
processes and can divert the traffic; they differ in what carries it. A stage knows nothing of the monitor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from monitor.demo.children import Child
from monitor.demo.setting import Endpoint
from monitor.demo.topology import Network, Topology
from probes.observation import TraceObservation


class Stage(Protocol):
    """What the play needs of the place it plays in."""

    @property
    def mode(self) -> str:
        """One word for the summary: `namespaces` or `loopback`."""

    @property
    def told(self) -> str:
        """What is real and what is replayed, in a plain sentence."""

    @property
    def topology(self) -> Topology:
        """The networks it stands for."""

    async def open(self) -> None:
        """Build it and start the servers; returns when all of them serve.

        :raises NetworkError, ChildError, OSError: it cannot be built
        """

    @property
    def service(self) -> Endpoint:
        """The watched endpoint as the vantages reach it."""

    @property
    def control(self) -> Endpoint:
        """The healthy site as the vantages reach it."""

    async def start_vantage(self, network: Network, offset_s: float) -> Child:
        """Start one vantage; its output is observations, one a line."""

    async def let_crowd_in(self, seconds: float) -> Child:
        """Start the load for `seconds`; its last line of output is what the crowd was answered."""

    async def divert(self) -> None:
        """Send the traffic of those who believe the hijack to the impostor."""

    async def restore(self) -> None:
        """End the diversion."""

    def replayed_traces(self) -> AsyncIterator[TraceObservation]:
        """Traceroutes that are replayed, not measured; nothing where they are real."""
