"""Starts the demo's servers, vantages and crowd as child processes; the same for both stages.

It builds command lines and waits for `ready`; it knows nothing of namespaces but the words before a command.
"""

from __future__ import annotations

from monitor.demo import load, vantage_process
from monitor.demo.certificates import Certificates, Identity
from monitor.demo.children import Child, ChildError, Children, python
from monitor.demo.setting import SERVICE_NAME, Endpoint
from monitor.demo.topology import Network

_READY_S = 20.0
_CLIENTS = 60


class Servers:
    """Starts the demo's servers and clients as children; both stages share it."""

    def __init__(self, children: Children, certificates: Certificates) -> None:
        self._children = children
        self.certificates = certificates

    async def serve(
        self, role: str, identity: Identity, address: str, port: int, inside: tuple[str, ...] = ()
    ) -> int:
        """Start one server; the port it serves on.

        :raises ChildError: it does not serve
        """
        command = python(
            "monitor.demo.service", "--role", role, "--address", address, "--port", str(port),
            "--certificate", identity.certificate, "--key", identity.key,
        )  # fmt: skip
        _, port_served = await self.ready_port(role, (*inside, *command))
        return port_served

    async def ready_port(self, name: str, command: tuple[str, ...]) -> tuple[Child, int]:
        """Start a child whose first line is `ready PORT`.

        :raises ChildError: it says something else, or nothing
        """
        child = await self._children.start(name, command)
        words = (await child.ready(_READY_S)).split()
        if len(words) != 2 or words[0] != b"ready":
            raise ChildError(f"{name}: said {b' '.join(words)[:80]!r} instead of its port")
        return child, int(words[1])

    async def vantage(
        self,
        network: Network,
        target: Endpoint,
        control: Endpoint,
        *,
        trace: bool,
        offset_s: float,
        inside: tuple[str, ...] = (),
    ) -> Child:
        """Start one vantage."""
        name = network.host or str(network.asn)
        arguments = vantage_process.command_arguments(
            name, target, control, ca_file=self.certificates.trusted, trace=trace, offset_s=offset_s
        )
        return await self._children.start(name, (*inside, *python("monitor.demo.vantage_process", *arguments)))

    async def crowd(self, site: Endpoint, seconds: float, inside: tuple[str, ...] = ()) -> Child:
        """Start the load."""
        command = python(
            "monitor.demo.load", "--address", site.address, "--port", str(site.port),
            "--name", SERVICE_NAME, "--ca", self.certificates.trusted,
            "--clients", str(_CLIENTS), "--seconds", f"{min(seconds, load.MAX_SECONDS):g}",
        )  # fmt: skip
        return await self._children.start("crowd", (*inside, *command))
