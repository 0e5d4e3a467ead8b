"""A JetStream cluster of real nats-servers on the loopback; its nodes can be killed, paused and started anew."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster.broker_network import BrokerNetwork
from cluster.processor_time import cpu_s
from monitor.model.settings import BusSettings

NODES = 3


def nats_server() -> str | None:
    """The server's program; None: it is not installed."""
    return shutil.which("nats-server") or next(
        (path for path in ("/usr/sbin/nats-server", "/usr/bin/nats-server") if os.access(path, os.X_OK)), None
    )


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Brokers:
    """`nodes` servers that keep their streams under `folder`. Use it as a context manager.

    `more`: arguments of all of them. `network`: where each has a place of its own; None: all on the loopback.
    """

    def __init__(
        self,
        folder: Path,
        nodes: int = NODES,
        more: Sequence[str | Path] = (),
        network: BrokerNetwork | None = None,
    ) -> None:
        self._folder = folder
        self._more = more
        self._network = network
        ports = free_ports(2 * nodes)
        self._clients, self._routes = ports[:nodes], ports[nodes:]
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        self._spent_s = 0.0
        self.nodes = range(nodes)

    @property
    def url(self) -> str:
        """As `[bus] url` has it."""
        return "nats://" + ",".join(f"{self._address(node)}:{self._clients[node]}" for node in self.nodes)

    @property
    def settings(self) -> BusSettings:
        """The same for a client of ours."""
        return BusSettings(urls=tuple(f"nats://{url}" for url in self.url.removeprefix("nats://").split(",")))

    def _address(self, node: int) -> str:
        return "127.0.0.1" if self._network is None else self._network.address(node)

    def start(self, node: int) -> None:
        """Start a node, with what it had kept."""
        program = nats_server()
        assert program is not None
        arguments: list[str | Path] = [
            *(() if self._network is None else self._network.inside(node)),
            program, "-a", self._address(node), "-p", str(self._clients[node]), "-n", f"node-{node}", "-js",
            "-sd", self._disk(node), *self._more,
        ]  # fmt: skip
        if len(self.nodes) > 1:
            routes = [f"nats://{self._address(one)}:{self._routes[one]}" for one in self.nodes]
            arguments += ["--cluster_name", "whydown-test", "--cluster", routes[node]]
            arguments += ["--routes", ",".join(routes)]
        with (self._folder / f"node-{node}.log").open("ab") as log:
            self._servers[node] = subprocess.Popen(arguments, stdout=log, stderr=log, start_new_session=True)

    def kill(self, node: int) -> None:
        """As a crash of the process."""
        self._spent_s += cpu_s(self._servers[node].pid)
        self._servers[node].kill()
        self._servers[node].wait()

    @property
    def cpu_s(self) -> float:
        """Processor time of all nodes, with the lives that ended."""
        return self._spent_s + sum(cpu_s(server.pid) for server in self._servers.values() if server.poll() is None)

    def note_disks(self) -> None:
        """Copy what is on the disks of all at one moment, at which they stand still."""
        for node in self.nodes:
            self.pause(node)
        for node in self.nodes:
            shutil.copytree(self._disk(node), self._noted(node))
        for node in self.nodes:
            self.go_on(node)

    def lose_power(self) -> None:
        """All end at once, and their disks have what was noted: the rest was never written. They start again."""
        for node in self.nodes:
            self.kill(node)
        for node in self.nodes:
            shutil.rmtree(self._disk(node))
            self._noted(node).rename(self._disk(node))
            self.start(node)

    def _disk(self, node: int) -> Path:
        return self._folder / f"node-{node}"

    def _noted(self, node: int) -> Path:
        return self._folder / f"node-{node}-noted"

    def cut_off(self, node: int) -> str:
        """Take one from all others for a while; how that is done, in words."""
        if self._network is None:
            self.pause(node)
            return "stood still, its connections open"
        self._network.cut(node)
        return "cut off: its network lost every packet"

    def join_again(self, node: int) -> None:
        """After `cut_off`."""
        if self._network is None:
            self.go_on(node)
        else:
            self._network.mend(node)

    def pause(self, node: int) -> None:
        """It answers nobody, and its connections stay open: as a network that swallows everything."""
        self._servers[node].send_signal(signal.SIGSTOP)

    def go_on(self, node: int) -> None:
        """After `pause`."""
        self._servers[node].send_signal(signal.SIGCONT)

    def __enter__(self) -> Brokers:
        for node in self.nodes:
            self.start(node)
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.send_signal(signal.SIGCONT)
            server.kill()
            server.wait()
