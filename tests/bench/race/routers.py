"""A chain of ten routers and a server with many addresses, in network namespaces; needs root.

    vantage --veth-- 1 -- 2 -- ... -- 10 -- server      198.19.0.0/24 by the veth pair
            --wire---/                                  198.19.1.0/24 by a delayed wire, see `wire`

It lives in one private network and mount namespace, whose only process waits for the end of its standard
input, so that nothing stays behind. No router or host limits its ICMP errors.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

__all__ = ["HOPS", "Course", "course", "destinations"]

_ROUTERS = 10
_LAST = _ROUTERS + 1
HOPS = _ROUTERS + 1
"""Of each path; the last one is the server."""

_SETTINGS = {"ip_forward": 1, "icmp_ratelimit": 0, "icmp_msgs_per_sec": 1_000_000, "icmp_msgs_burst": 1_000_000}
"""Under /proc/sys/net/ipv4. The third and fourth are not in every namespace."""


def destinations(link: str, count: int) -> list[str]:
    """Addresses of the server behind `veth` or `wire`."""
    return [f"198.19.{0 if link == 'veth' else 1}.{number}" for number in range(1, count + 1)]


class Course:
    """The namespaces, entered through the process that holds them."""

    def __init__(self, holder: int) -> None:
        self._holder = holder

    def in_mounts(self, *words: str) -> list[str]:
        """The command line that runs `words` where the namespaces can be found by name."""
        return ["nsenter", f"--target={self._holder}", "--mount", "--", *words]

    def at_vantage(self, *words: str) -> list[str]:
        """The command line that runs `words` on the vantage."""
        return self.in_mounts("nsenter", "--net=/run/netns/wd-race0", "--", *words)

    def connect(self) -> None:
        """Give the wire's ends their addresses; the wire is there."""
        for node, near in ((0, 1), (1, 2)):
            _run(
                self.in_mounts(
                    "ip", "-n", f"wd-race{node}", "address", "add", f"198.18.100.{near}/24", "dev", "wire"
                )
            )
            _run(self.in_mounts("ip", "-n", f"wd-race{node}", "link", "set", "wire", "up"))
        _run(self.at_vantage("ip", "route", "add", "198.19.1.0/24", "via", "198.18.100.2"))


@contextmanager
def course() -> Iterator[Course]:
    """The routers, while the context is open. :raises RuntimeError: namespaces cannot be made here"""
    with subprocess.Popen(
        ["unshare", "--net", "--mount", "sh", "-c", "\n".join(_script())],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        ready = holder.stdout.readline() == "ready\n"
        try:
            if not ready:
                raise RuntimeError(f"namespaces cannot be made here: {holder.communicate()[1].strip()[:200]}")
            yield Course(holder.pid)
        finally:
            holder.communicate()


def _script() -> list[str]:
    lines = ["set -e", "mount -t tmpfs tmpfs /run", "mkdir /run/netns"]
    for node in range(_LAST + 1):
        settings = "; ".join(f"echo {value} > /proc/sys/net/ipv4/{key}" for key, value in _SETTINGS.items())
        lines += [
            f"ip netns add wd-race{node}",
            f"ip -n wd-race{node} link set lo up",
            f"nsenter --net=/run/netns/wd-race{node} sh -c '{settings}' 2>/dev/null || true",
        ]
    for node in range(_LAST):
        lines.append(f"ip -n wd-race{node} link add right type veth peer name left netns wd-race{node + 1}")
        for end, side, host in ((node, "right", 1), (node + 1, "left", 2)):
            lines += [
                f"ip -n wd-race{end} address add 198.18.{node}.{host}/24 dev {side}",
                f"ip -n wd-race{end} link set {side} up",
            ]
    for node in range(_LAST):
        lines.append(f"ip -n wd-race{node} route add 198.19.0.0/{24 if node == 0 else 16} via 198.18.{node}.2")
    for node in range(2, _LAST + 1):
        for vantage in ("198.18.0.0/24", "198.18.100.0/24"):
            lines.append(f"ip -n wd-race{node} route add {vantage} via 198.18.{node - 1}.1")
    lines.append(f"ip -n wd-race{_LAST} route add local 198.19.0.0/16 dev lo")
    return [*lines, "echo ready", "exec cat"]


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, timeout=30)
