"""A JetStream cluster of real nats-servers on the loopback; its nodes can be killed, paused and started anew."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster.processor_time import cpu_s

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

    `more`: arguments of all of them.
    """

    def __init__(self, folder: Path, nodes: int = NODES, more: Sequence[str | Path] = ()) -> None:
        self._folder = folder
        self._more = more
        ports = free_ports(2 * nodes)
        self._clients, self._routes = ports[:nodes], ports[nodes:]
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        self._spent_s = 0.0
        self.nodes = range(nodes)

    @property
    def url(self) -> str:
        """As `[bus] url` has it."""
        return "nats://" + ",".join(f"127.0.0.1:{port}" for port in self._clients)

    def start(self, node: int) -> None:
        """Start a node, with what it had kept."""
        program = nats_server()
        assert program is not None
        arguments: list[str | Path] = [
            program, "-a", "127.0.0.1", "-p", str(self._clients[node]), "-n", f"node-{node}", "-js",
            "-sd", self._folder / f"node-{node}", *self._more,
        ]  # fmt: skip
        if len(self.nodes) > 1:
            routes = ",".join(f"nats://127.0.0.1:{port}" for port in self._routes)
            arguments += ["--cluster_name", "whydown-test", "--cluster", f"nats://127.0.0.1:{self._routes[node]}",
                          "--routes", routes]  # fmt: skip
        with (self._folder / f"node-{node}.log").open("ab") as log:
            self._servers[node] = subprocess.Popen(arguments, stdout=log, stderr=log)

    def kill(self, node: int) -> None:
        """As a crash of the process."""
        self._spent_s += cpu_s(self._servers[node].pid)
        self._servers[node].kill()
        self._servers[node].wait()

    @property
    def cpu_s(self) -> float:
        """Processor time of all nodes, with the lives that ended."""
        return self._spent_s + sum(cpu_s(server.pid) for server in self._servers.values() if server.poll() is None)

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
