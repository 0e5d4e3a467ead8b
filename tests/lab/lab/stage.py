"""Builds the laboratory and runs it: wires, routers, names, servers, collector, vantages. `async with Stage(...)`.

It starts programs and keeps hold of them; what a scenario does to them is `deeds`' business, what the monitor
makes of it `play`'s. All children die with this process, and with the process namespace that it is the first of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType

import msgspec
from lab import bird, frr, names
from lab.api import State
from lab.internet import COLLECTOR_SPACE, EDGE_SPACE, HUB_ADDRESS, Internet, host_space, router_space
from lab.papers import AUTHORITY_NAME, Papers
from lab.topology import End, Topology
from lab.wires import Change, Counters, tun_possible

from monitor.demo.certificates import Identity
from monitor.demo.children import Child, ChildError, Children, python
from monitor.demo.namespaces import NetworkError, enter, run
from monitor.model.asn import Asn
from monitor.model.vrp import Vrp
from probes import clock

NO_TUN = "TUN devices are closed to us here, so links have no delays and no losses"
NO_FRR = "FRR is not installed, so no router tells the monitor by BMP"
_READY_S = 20.0
_CONVERGED_S = 30.0
_LOOK_EVERY_S = 0.2
# Twice the service's own: the service alone, with all its workers, does not overload it.
_AUTHORITY_WORKERS = 8


class Stage:
    """The running laboratory. `policies` and `vrps` say how the routers are configured now."""

    def __init__(self, topology: Topology, folder: Path, papers: Papers) -> None:
        self.topology = topology
        self.papers = papers
        self.internet = Internet(topology)
        self.policies: dict[Asn, bird.Policy] = {}
        self.vrps: tuple[Vrp, ...] = bird.ordinary_vrps(topology)
        self.vantages: dict[str, Child] = {}
        self.hub: Child | None = None
        self.servers: dict[str, Child] = {}
        self.has_delays = True
        self.has_bmp = frr.is_installed()
        self._folder = folder
        self._children = Children()
        self._wires: Child | None = None

    @property
    def lacks(self) -> tuple[str, ...]:
        """What it has to do without here, in sentences; empty: nothing."""
        return (*([] if self.has_delays else [NO_TUN]), *([] if self.has_bmp else [NO_FRR]))

    @property
    def recording(self) -> Path:
        """The collector's MRT file."""
        return self._folder / "updates.mrt"

    async def __aenter__(self) -> Stage:
        await self._children.__aenter__()
        try:
            await self._open()
        except BaseException:
            await self._children.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._children.__aexit__(kind, error, trace)

    async def _open(self) -> None:
        await asyncio.to_thread(self.internet.build)
        self._use_own_resolvers()
        await self._lay_wires()
        await asyncio.to_thread(self.internet.address)
        await asyncio.gather(*(self._start_router(asn) for asn in self.topology.networks))
        await self._start_names()
        await self._start_servers()
        await self.converged()

    def _use_own_resolvers(self) -> None:
        """Each vantage asks the resolver on its own loopback; one resolv.conf serves all of them."""
        file = self._folder / "resolv.conf"
        file.write_text("nameserver 127.0.0.1\n", encoding="ascii")
        run(f"mount --bind {file} /etc/resolv.conf")

    # Links

    async def _lay_wires(self) -> None:
        self.has_delays = await asyncio.to_thread(tun_possible, COLLECTOR_SPACE)
        if not self.has_delays:
            await asyncio.to_thread(self.internet.make_veth_wires)
            return
        self._wires = await self._children.start("wires", python("lab.wires"), told=True)
        self._wires.tell(msgspec.json.encode(self.internet.wires()).decode())
        await self._wires.ready(_READY_S)

    async def impair(self, link: str, **changes: float | None) -> Counters:
        """Change a link's loss, rate or queue (fields of `Change`); what it has carried and dropped so far.

        :raises ChildError: links have no impairments here, or the wires do not answer
        """
        fields = {"delay_s": self.topology.link(link).delay_s} | changes
        return await self._tell_wires(msgspec.convert({"name": link} | fields, Change))

    async def counters(self, link: str) -> Counters:
        """What a link has carried and dropped so far.

        :raises ChildError: as for `impair`
        """
        return await self._tell_wires(Change(name=link))

    async def start_traffic(self, link: str, rate_bps: float) -> tuple[Child, Child]:
        """Let other people's packets cross a link, `rate_bps` in each direction."""
        one, other = self.topology.link(link).one, self.topology.link(link).other
        return (
            await self._start_traffic(one, other, rate_bps),
            await self._start_traffic(other, one, rate_bps),
        )

    async def _start_traffic(self, end: End, other: End, rate_bps: float) -> Child:
        command = python(
            "lab.traffic", "--from", str(end.address), "--to", str(other.address), "--rate-bps", f"{rate_bps:g}"
        )
        space = router_space(end.asn)
        return await self._children.start(f"traffic of AS{end.asn}", (*enter(space), *command))

    async def _tell_wires(self, change: Change) -> Counters:
        if self._wires is None:
            raise ChildError(NO_TUN)
        self._wires.tell(msgspec.json.encode(change).decode())
        return msgspec.json.decode(await self._wires.ready(_READY_S), type=Counters)

    # Routers and collector

    def set_policy(self, asn: Asn, policy: bird.Policy) -> None:
        """Note how a router departs from the ordinary; `configure` makes it so."""
        self.policies[asn] = policy

    async def configure(self, asns: Sequence[Asn]) -> None:
        """Give routers their configuration anew.

        :raises NetworkError: one does not take it
        """
        for asn in asns:
            self._write_router(asn)
        await asyncio.gather(*(self._birdc(f"as{asn}", "configure") for asn in asns))

    async def start_collector(self) -> None:
        """Let the collector listen; its peers tell it all they know."""
        config = self._folder / "collector.conf"
        text = bird.collector_config(self.internet.collector_sessions(), self.recording)
        config.write_text(text, encoding="ascii")
        await self._start_bird("collector", COLLECTOR_SPACE, config)

    async def start_edge(self) -> None:
        """Let the service's second router listen to the providers, and tell the hub of it by BMP."""
        config = self._folder / "edge.conf"
        text = frr.bgpd_config(self.internet.edge_sessions(), station=HUB_ADDRESS)
        config.write_text(text, encoding="ascii")
        await self._children.start("edge", (*enter(EDGE_SPACE), *frr.command(config)))

    async def converged(self) -> None:
        """Return once every vantage's packets would get to every host that it probes.

        :raises NetworkError: they do not in half a minute
        """
        for name in ("service", "authority", "names", "root", "control-2"):
            await self.reached(name, self.topology.hosts[name].address)

    async def reached(self, host: str, address: IPv4Address) -> None:
        """Return once every vantage's packets to an address would get to the host that is meant.

        :raises NetworkError: they do not in half a minute
        """
        missing = list(self.topology.vantages)
        end = clock.monotonic() + _CONVERGED_S
        while missing:
            if (await asyncio.to_thread(self.internet.way, missing[0], address)).end == host:
                del missing[0]
            elif clock.monotonic() < end:
                await asyncio.sleep(_LOOK_EVERY_S)
            else:
                raise NetworkError(f"{missing[0]} cannot reach {host} after {_CONVERGED_S:g} s")

    async def _start_router(self, asn: Asn) -> None:
        config = self._write_router(asn)
        await self._start_bird(f"as{asn}", router_space(asn), config)

    def _write_router(self, asn: Asn) -> Path:
        listeners = [one for one in self._listening_sessions() if one.asn == asn]
        text = bird.router_config(
            self.topology,
            self.topology.networks[asn],
            self.policies.get(asn, bird.ORDINARY),
            self.vrps,
            listeners,
        )
        config = self._folder / f"as{asn}.conf"
        config.write_text(text, encoding="ascii")
        return config

    def _listening_sessions(self) -> tuple[bird.ListeningSession, ...]:
        edge = self.internet.edge_sessions() if self.has_bmp else ()
        return (*self.internet.collector_sessions(), *edge)

    async def _start_bird(self, name: str, space: str, config: Path) -> None:
        command = ("bird", "-f", "-c", str(config), "-s", str(self._socket(name)), "-P", f"{config}.pid")
        await self._children.start(name, (*enter(space), *command))

    async def _birdc(self, name: str, command: str) -> None:
        asked = await asyncio.create_subprocess_exec(
            "birdc", "-s", str(self._socket(name)), *command.split(), stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(asked.communicate(), _READY_S)
        if asked.returncode or (b"econfigured" not in said and b"econfiguration" not in said):
            raise NetworkError(f"bird of {name} to {command!r}: {said.decode(errors='replace')[-300:]}")

    def _socket(self, name: str) -> Path:
        return self._folder / f"{name}.ctl"

    # Names

    async def _start_names(self) -> None:
        hosts = self.topology.hosts
        await self.start_nsd(
            "root", host_space("root"), str(hosts["root"].address), names.root_zones(self.topology)
        )
        await self.start_nsd(
            "names", host_space("names"), str(hosts["names"].address), names.service_zone(self.topology)
        )
        for vantage in self.topology.vantages:
            await self.start_resolver(vantage)

    async def start_nsd(self, name: str, space: str, address: str, zones: Mapping[str, str]) -> Child:
        """Start an authoritative server for `zones` at `address`."""
        config = names.write_nsd(self._folder / f"nsd-{name}", [address], zones)
        return await self._start_server(f"nsd-{name}", space, ("nsd", "-d", "-c", str(config)))

    async def start_resolver(self, host: str, local_data: tuple[str, ...] = ()) -> None:
        """Start the resolver of a host, in place of the one that runs there."""
        before = self.servers.pop(f"unbound-{host}", None)
        if before is not None:
            await before.stop()
        folder = self._folder / f"unbound-{host}"
        config = names.write_unbound(folder, self.topology.hosts["root"].address, local_data)
        await self._start_server(f"unbound-{host}", host_space(host), ("unbound", "-d", "-c", str(config)))

    # Servers

    async def _start_servers(self) -> None:
        hosts, papers = self.topology.hosts, self.papers
        authority = hosts["authority"]
        await self.start_api("authority", papers.authority, "--workers", str(_AUTHORITY_WORKERS))
        await self.start_api(
            "service", papers.service, "--upstream", str(authority.address), "--upstream-name", AUTHORITY_NAME,
            "--ca", str(papers.trusted),
        )  # fmt: skip
        for name, identity in zip(("control-1", "control-2"), papers.controls, strict=True):
            await self.start_plain(name, "control", identity)

    async def start_api(self, host: str, identity: Identity, *arguments: str) -> Child:
        """Start the API of a host."""
        place = self.topology.hosts[host]
        command = python(
            "lab.api", "--address", str(place.address), "--address", str(place.address6),
            "--certificate", identity.certificate, "--key", identity.key, *arguments,
        )  # fmt: skip
        child = await self._start_server(host, host_space(host), command, told=True)
        await child.ready(_READY_S)
        return child

    async def state(self, host: str) -> State:
        """What an API says of itself since it was last asked.

        :raises ChildError: it does not answer
        """
        self.servers[host].tell("state")
        return msgspec.json.decode(await self.servers[host].ready(_READY_S), type=State)

    async def start_plain(self, host: str, role: str, identity: Identity) -> Child:
        """Start one of the demo's servers, a control or the impostor, at a host."""
        command = python(
            "monitor.demo.service", "--role", role, "--address", str(self.topology.hosts[host].address),
            "--port", "443", "--certificate", identity.certificate, "--key", identity.key,
        )  # fmt: skip
        child = await self._start_server(host, host_space(host), command)
        await child.ready(_READY_S)
        return child

    async def _start_server(self, name: str, space: str, command: Sequence[str], *, told: bool = False) -> Child:
        child = await self._children.start(name, (*enter(space), *command), told=told)
        self.servers[name] = child
        return child

    async def start_crowd(
        self, host: str, name: str, seconds: float, clients: int, *, anew: bool = False
    ) -> Child:
        """Let a crowd press a host for `seconds`, each request over a connection of its own when `anew`."""
        address: IPv4Address = self.topology.hosts[host].address
        command = python(
            "monitor.demo.load", "--address", str(address), "--port", "443", "--name", name,
            "--ca", str(self.papers.trusted), "--clients", str(clients), "--seconds", f"{seconds:g}",
            *(["--anew"] if anew else []),
        )  # fmt: skip
        return await self._start_server("crowd", host_space("crowd"), command)

    # The monitor

    async def start_hub(self) -> Child:
        """Start the monitor's hub, here where the management network ends, on `config.toml`."""
        command = python("monitor", "hub", "--config", str(self._folder / "config.toml"))
        self.hub = await self._children.start("hub", command)
        return self.hub

    async def start_vantages(self) -> None:
        """Start the monitor's agents, each on its own file."""
        for name in self.topology.vantages:
            command = python("monitor", "agent", "--config", str(self._folder / f"{name}.toml"))
            self.vantages[name] = await self._children.start(name, (*enter(host_space(name)), *command))
