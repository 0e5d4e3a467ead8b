"""Private network namespaces of this machine: entering them, and what is done inside of them.

Everything is made inside one private network and mount namespace, entered by re-executing the program under
`unshare` (as root, or in a user namespace of one's own), so that nothing is seen outside, nothing can reach
the outside, and all of it is gone when the last process ends. `iproute2` and `util-linux` do the work.

It knows no topology: the demo's is `network`'s, and the test laboratory has its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from monitor.model.prefix import Address

# Set in the re-executed process, so that it builds instead of re-executing again.
_INSIDE = "WHYDOWN_DEMO_INSIDE"
_COMMAND_TIMEOUT_S = 30.0
# Builds a bare namespace with a link and the setting that routers need: proof that all of it is permitted.
_REHEARSAL = (
    "mount -t tmpfs tmpfs /run && mkdir /run/netns && ip netns add wd-rehearsal"
    " && ip link add wd-a type veth peer name wd-b netns wd-rehearsal"
    " && nsenter --net=/run/netns/wd-rehearsal sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'"
)
# A process namespace too: when its first process ends, the kernel ends all others, daemons' children as well.
_OWN_PROCESSES = ("--pid", "--fork", "--kill-child", "--mount-proc")
_ROUTER_SETTINGS = {
    "ipv4/ip_forward": 1,
    "ipv6/conf/all/forwarding": 1,
    # Routers answer every probe of a traceroute, from the interface by which it came in.
    "ipv4/icmp_ratelimit": 0,
    "ipv6/icmp/ratelimit": 0,
    "ipv4/icmp_errors_use_inbound_ifaddr": 1,
    # Paths may differ per direction; strict reverse-path filtering would drop such packets.
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
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


def enter_private(command: Sequence[str], *, own_processes: bool = False) -> str | None:
    """Become `command` in private namespaces: does not return. Inside of them: None. Impossible: why.

    The process is replaced, not forked, so that signals, terminal and exit status stay its own. With
    `own_processes` it is the first process of a process namespace, the child of an `unshare` that waits for
    it: whatever ends either of them, also SIGKILL, ends every process inside.
    """
    if os.environ.pop(_INSIDE, None):
        return None
    because = why_impossible()
    if because is None:
        unshare = (*private_command(), *(_OWN_PROCESSES if own_processes else ()))
        os.execvpe(unshare[0], [*unshare, *command], os.environ | {_INSIDE: "1"})  # noqa: S606
    return because


def enter(namespace: str) -> tuple[str, ...]:
    """The words before a command that run it inside `namespace` (the same process: nsenter only execs)."""
    return ("nsenter", f"--net=/run/netns/{namespace}", "--")


def become_router(namespace: str) -> None:
    """Let a namespace forward packets and answer each probe of a traceroute.

    :raises NetworkError: a command failed
    """
    # A kernel without IPv6 has none of its settings.
    settings = "".join(
        f" && {{ [ ! -e /proc/sys/net/{name} ] || echo {value} > /proc/sys/net/{name}; }}"
        for name, value in _ROUTER_SETTINGS.items()
    )
    run(f"ip link set lo up{settings}", inside=namespace)


def connect(space: str, device: str, address: Address, peer: Address) -> None:
    """Give a point-to-point device its address and its peer's, and bring it up.

    :raises NetworkError: a command failed
    """
    batch(
        [f"addr add {address} peer {peer}/{peer.max_prefixlen} dev {device}", f"link set {device} up"],
        inside=space,
    )


def batch(lines: Sequence[str], *, inside: str | None = None) -> None:
    """Run commands of `ip`, without that word, in one process.

    :raises NetworkError: one of them failed
    """
    place = ("-netns", inside) if inside is not None else ()
    _call(("ip", *place, "-batch", "-"), text="\n".join(lines) + "\n")


def run(script: str, *, inside: str | None = None) -> None:
    """Run a script of the shell.

    :raises NetworkError: it failed
    """
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
