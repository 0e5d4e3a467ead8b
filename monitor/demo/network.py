"""The demo's networks as real network namespaces of this machine: routers, links, routes, the diversion.

Everything is made inside one private network and mount namespace, entered by re-executing the demo under
`unshare` (as root, or in a user namespace of one's own), so that nothing is seen outside, nothing can reach
the outside, and all of it is gone when the last process ends. `iproute2` and `util-linux` do the work.

It takes the topology as a value and knows nothing of probes, services or verdicts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network

from monitor.demo.topology import Network, Topology
from monitor.model.asn import Asn

# Set in the re-executed process, so that it builds instead of re-executing again.
_INSIDE = "WHYDOWN_DEMO_INSIDE"
_COMMAND_TIMEOUT_S = 30.0
# Builds a bare namespace with a link and the setting that routers need: proof that all of it is permitted.
_REHEARSAL = (
    "mount -t tmpfs tmpfs /run && mkdir /run/netns && ip netns add wd-rehearsal"
    " && ip link add wd-a type veth peer name wd-b netns wd-rehearsal"
    " && nsenter --net=/run/netns/wd-rehearsal sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'"
)
_ROUTER_SETTINGS = {
    "ip_forward": 1,
    # Routers answer every probe of a traceroute, from the interface by which it came in.
    "icmp_ratelimit": 0,
    "icmp_errors_use_inbound_ifaddr": 1,
    # Paths may differ per direction; strict reverse-path filtering would drop such packets.
    "conf/all/rp_filter": 0,
    "conf/default/rp_filter": 0,
}


class NetworkError(RuntimeError):
    """A namespace, link or route could not be made; says which command failed and why."""


def private_command() -> tuple[str, ...]:
    """The words before a command that run it in a private network and mount namespace."""
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return ("unshare", *user, "--net", "--mount")


def why_impossible() -> str | None:
    """Why network namespaces cannot be made here, in plain words; None when they can (it is tried)."""
    for program in ("unshare", "nsenter", "ip", "mount"):
        if shutil.which(program) is None:
            return f"the program `{program}` is not installed"
    try:
        done = subprocess.run(
            [*private_command(), "sh", "-c", _REHEARSAL],
            capture_output=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"a network namespace cannot be made: {error}"
    if done.returncode == 0:
        return None
    lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
    return f"a network namespace cannot be made: {lines[-1][:160]}"


def enter_private(command: Sequence[str]) -> str | None:
    """Become `command` in private namespaces: does not return. Inside of them: None. Impossible: why.

    The process is replaced, not forked, so that signals, terminal and exit status stay those of the demo.
    """
    if os.environ.pop(_INSIDE, None):
        return None
    because = why_impossible()
    if because is None:
        os.execvpe("unshare", [*private_command(), *command], os.environ | {_INSIDE: "1"})  # noqa: S606
    return because


def enter(namespace: str) -> tuple[str, ...]:
    """The words before a command that run it inside `namespace` (the same process: nsenter only execs)."""
    return ("nsenter", f"--net=/run/netns/{namespace}", "--")


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
        _run("mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up")
        networks = self._topology.networks
        hosts = [network.host for network in networks.values() if network.host is not None]
        spaces = [*map(router_namespace, networks), *map(host_namespace, hosts)]
        _batch([f"netns add {space}" for space in spaces])
        for asn in networks:
            _run(
                "ip link set lo up"
                + "".join(
                    f" && echo {value} > /proc/sys/net/ipv4/{name}" for name, value in _ROUTER_SETTINGS.items()
                ),
                inside=router_namespace(asn),
            )
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
                _batch([f"route del {prefix}"], inside=router_namespace(asn))

    def _link_routers(self) -> None:
        for number, (one, other) in enumerate(self._topology.links):
            _batch(
                [
                    f"link add wd{number} netns {router_namespace(one.asn)}"
                    f" type veth peer name wd{number} netns {router_namespace(other.asn)}"
                ]
            )
            for end, peer in ((one, other), (other, one)):
                _connect(router_namespace(end.asn), f"wd{number}", end.address, peer.address)

    def _attach_host(self, network: Network) -> None:
        if network.host is None or network.host_address is None:
            return
        router, host = router_namespace(network.asn), host_namespace(network.host)
        gateway = network.prefix[1]
        _batch([f"link add host netns {router} type veth peer name net0 netns {host}"])
        _connect(router, "host", gateway, network.host_address)
        _connect(host, "net0", network.host_address, gateway)
        _batch(["link set lo up", f"route add default via {gateway}"], inside=host)

    def _add_routes(self, prefix: IPv4Network, paths: Mapping[Asn, tuple[Asn, ...]]) -> None:
        for asn, path in paths.items():
            if len(path) > 1:
                _, theirs = self._topology.neighbours(asn)[path[1]]
                _batch([f"route add {prefix} via {theirs.address}"], inside=router_namespace(asn))


def _connect(space: str, device: str, address: IPv4Address, peer: IPv4Address) -> None:
    _batch([f"addr add {address} peer {peer}/32 dev {device}", f"link set {device} up"], inside=space)


def _batch(lines: Sequence[str], *, inside: str | None = None) -> None:
    place = ("-netns", inside) if inside is not None else ()
    _call(("ip", *place, "-batch", "-"), text="\n".join(lines) + "\n")


def _run(script: str, *, inside: str | None = None) -> None:
    _call((*(enter(inside) if inside is not None else ()), "sh", "-c", script))


def _call(command: Sequence[str], text: str = "") -> None:
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=_COMMAND_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NetworkError(f"{command[0]}: {error}") from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()[:300]
        raise NetworkError(f"{' '.join(command)!r} failed ({reason}) on {text.strip()[:200]!r}")
