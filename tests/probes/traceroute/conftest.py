"""A real chain of routers in network namespaces, IPv4 and IPv6, gone with the process that holds it.

    client --1-- r1 --2-- r2 --3-- server        198.18.N.0/24 and 2001:db8:N::/64 on link N
                  \\--4-- r3 --5--/

All of it lives in one private network and mount namespace whose only process waits for the end of its standard
input, so that nothing stays behind, not even when the tests are killed. Behind r1 and r2:

    50   the server's balanced address: r1 spreads it over r2 and r3 by 5-tuple
    96   a loop between r1 and r2          98   r2 says unreachable
    97   r2 says prohibited                99   a black hole in r2
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pocket.vantage import Vantage

ROOT = Path(__file__).resolve().parents[3]
NODES = ("client", "r1", "r2", "r3", "server")
LINKS = {
    1: ("client", 2, "r1", 1),
    2: ("r1", 1, "r2", 2),
    3: ("r2", 1, "server", 2),
    4: ("r1", 1, "r3", 2),
    5: ("r3", 1, "server", 2),
}
# (node, kind, network, gateways as (link, host))
ROUTES: list[tuple[str, str, int, list[tuple[int, int]]]] = [
    *(("client", "unicast", network, [(1, 1)]) for network in (2, 3, 4, 5, 50, 96, 97, 98, 99)),
    *(("r1", "unicast", network, [(2, 2)]) for network in (3, 96, 97, 98, 99)),
    ("r1", "unicast", 50, [(2, 2), (4, 2)]),
    ("r2", "unicast", 1, [(2, 1)]),
    ("r2", "unicast", 50, [(3, 2)]),
    ("r2", "unicast", 96, [(2, 1)]),
    ("r2", "prohibit", 97, []),
    ("r2", "unreachable", 98, []),
    ("r2", "blackhole", 99, []),
    ("r3", "unicast", 1, [(4, 1)]),
    ("r3", "unicast", 50, [(5, 2)]),
    ("server", "unicast", 1, [(3, 1)]),
    ("server", "unicast", 2, [(3, 1)]),
]
SETTINGS = {
    "ipv4/ip_forward": "1",
    "ipv6/conf/all/forwarding": "1",
    "ipv4/icmp_ratelimit": "0",
    "ipv6/icmp/ratelimit": "0",
    "ipv4/fib_multipath_hash_policy": "1",
    "ipv6/fib_multipath_hash_policy": "1",
}
LISTENER = """
import socket, sys
listener = socket.create_server(("::", 443), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
sys.stdin.read()
"""


def address(family: int, link: int, host: int) -> str:
    """The address of a host on a link."""
    return f"198.18.{link}.{host}" if family == 4 else f"2001:db8:{link}::{host}"


def _script() -> str:
    lines = ["set -e", "mount -t tmpfs tmpfs /run", "mkdir /run/netns"]
    for node in NODES:
        # Without duplicate address detection, which would hold the first packets of a link back for seconds.
        no_dad = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad"
        lines += [
            f"ip netns add wd-{node}",
            f"nsenter --net=/run/netns/wd-{node} sh -c '{no_dad}'",
            f"ip -n wd-{node} link set lo up",
        ]
    for link, (left, left_host, right, right_host) in LINKS.items():
        lines.append(f"ip -n wd-{left} link add e{link} type veth peer name e{link} netns wd-{right}")
        for node, host in ((left, left_host), (right, right_host)):
            lines += [
                f"ip -n wd-{node} address add {address(4, link, host)}/24 dev e{link}",
                f"ip -n wd-{node} address add {address(6, link, host)}/64 dev e{link} nodad",
                f"ip -n wd-{node} link set e{link} up",
            ]
    for family, length in ((4, 32), (6, 128)):
        lines.append(f"ip -n wd-server address add {address(family, 50, 1)}/{length} dev lo")
        for node, kind, network, gateways in ROUTES:
            prefix = f"198.18.{network}.0/24" if family == 4 else f"2001:db8:{network}::/64"
            hops = "".join(f" nexthop via {address(family, *gateway)}" for gateway in gateways)
            lines.append(f"ip -n wd-{node} -{family} route add {kind} {prefix}{hops}")
    return "\n".join([*lines, "echo ready", "exec cat"])


class Chain:
    """The namespaces, entered through the process that holds them."""

    def __init__(self, holder: subprocess.Popen[str], user: tuple[str, ...]) -> None:
        self._enter = ("nsenter", f"--target={holder.pid}", *user, "--mount", "--")

    def command(self, node: str, *words: str) -> list[str]:
        """The command line that runs `words` on a node."""
        return [*self._enter, "nsenter", f"--net=/run/netns/wd-{node}", "--", *words]

    def set(self, node: str, setting: str, value: str) -> None:
        """Set one of a node's kernel settings under /proc/sys/net."""
        subprocess.run(
            self.command(node, "sh", "-c", f'echo "{value}" > /proc/sys/net/{setting}'), check=True, timeout=10
        )

    @contextmanager
    def python(self, node: str, *words: str, unprivileged: bool = False) -> Iterator[subprocess.Popen[str]]:
        """Run Python on a node; it is ended by closing its standard input."""
        drop = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if unprivileged else ()
        with subprocess.Popen(
            self.command(node, *drop, sys.executable, *words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process:
            yield process
            process.communicate()

    @contextmanager
    def silent(self, node: str) -> Iterator[None]:
        """Let a router send no ICMP errors: one in ten minutes, and the first is not due either."""
        for setting in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
            self.set(node, setting, "600000")
        try:
            yield
        finally:
            for setting in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
                self.set(node, setting, "0")


@pytest.fixture(scope="session")
def chain() -> Iterator[Chain]:
    """The router chain; skips the test where namespaces cannot be made."""
    if missing := [name for name in ("unshare", "nsenter", "setpriv", "ip") if shutil.which(name) is None]:
        pytest.skip(f"network namespaces need {', '.join(missing)}")
    in_user = os.geteuid() != 0
    user = ["--user", "--map-root-user"] if in_user else []
    with subprocess.Popen(
        ["unshare", *user, "--net", "--mount", "sh", "-c", _script()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        if holder.stdout.readline() != "ready\n":
            _, reason = holder.communicate()
            pytest.skip(f"network namespaces cannot be made here: {reason.strip()[:200]}")
        made = Chain(holder, ("--user", "--preserve-credentials") if in_user else ())
        for node in NODES:
            for setting, value in SETTINGS.items():
                made.set(node, setting, value)
        made.set("client", "ipv4/ping_group_range", "0 0")
        with made.python("server", "-c", LISTENER) as listener:
            assert listener.stdout is not None
            assert listener.stdout.readline() == "ready\n"
            yield made
        holder.communicate()


@pytest.fixture(scope="session")
def root_vantage(chain: Chain) -> Iterator[Vantage]:
    """A vantage that may open raw sockets."""
    with chain.python("client", str(Path(__file__).with_name("vantage_process.py"))) as process:
        yield Vantage(process)


@pytest.fixture(scope="session")
def other_vantage(chain: Chain) -> Iterator[Vantage]:
    """Another process on the same machine that may open raw sockets too."""
    with chain.python("client", str(Path(__file__).with_name("vantage_process.py"))) as process:
        yield Vantage(process)


@pytest.fixture(scope="session")
def plain_vantage(chain: Chain) -> Iterator[Vantage]:
    """A vantage without any capability, whose group may open ICMP sockets."""
    script = str(Path(__file__).with_name("vantage_process.py"))
    with chain.python("client", script, unprivileged=True) as process:
        yield Vantage(process)


@pytest.fixture(scope="session")
def bare_vantage(chain: Chain) -> Iterator[Vantage]:
    """A vantage on r1 without any capability, where ping_group_range is the kernel's: nobody."""
    script = str(Path(__file__).with_name("vantage_process.py"))
    with chain.python("r1", script, unprivileged=True) as process:
        yield Vantage(process)
