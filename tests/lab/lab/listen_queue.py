"""How often a host's kernel dropped a SYN because a listen queue was full, by the kernel's own count.

`TcpExt ListenOverflows` of /proc/net/netstat counts the SYNs and last handshake packets for which there was no
room (tcp_conn_request and tcp_v4_syn_recv_sock in Linux). It knows nothing of who listens.
"""

from __future__ import annotations

import subprocess

from monitor.demo.namespaces import NetworkError, enter

_COMMAND_TIMEOUT_S = 10.0


def overflows(namespace: str) -> int:
    """The count in a namespace since it was made.

    :raises NetworkError: it cannot be read
    """
    try:
        done = subprocess.run(
            (*enter(namespace), "cat", "/proc/self/net/netstat"),
            capture_output=True, timeout=_COMMAND_TIMEOUT_S, check=True, text=True,
        )  # fmt: skip
        return parsed(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise NetworkError(f"the listen queues of {namespace}: {error}") from error


def parsed(netstat: str) -> int:
    """The count in the text of /proc/net/netstat: pairs of lines, names above and numbers below.

    :raises ValueError: it is not there
    """
    lines = netstat.splitlines()
    for names, numbers in zip(lines[::2], lines[1::2], strict=False):
        found = dict(zip(names.split(), numbers.split(), strict=False))
        if names.startswith("TcpExt:") and "ListenOverflows" in found:
            return int(found["ListenOverflows"])
    raise ValueError("no count of TcpExt ListenOverflows")
