"""The service's second router, which is FRR's: it listens to the providers and tells the monitor by BMP. Text.

Debian's BIRD is built without BMP (RFC 7854), so this one is `bgpd`, without `zebra`: it announces nothing and
carries no traffic, as a spare router does, and shows what each provider sends before any policy of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from lab.bird import ListeningSession
from lab.topology import SERVICE

BMP_PORT = 11019
_PROGRAM = Path("/usr/lib/frr/bgpd")


def is_installed() -> bool:
    """Whether there is an FRR to start."""
    return _PROGRAM.exists()


def bgpd_config(sessions: Sequence[ListeningSession], *, station: IPv4Address) -> str:
    """Its configuration. `station`: where the BMP session goes to."""
    lines = [
        "route-map nothing deny 10",
        f"router bgp {SERVICE}",
        f" bgp router-id {sessions[0].listener}",
        " no bgp default ipv4-unicast",
        " no bgp ebgp-requires-policy",
    ]
    for session in sessions:
        lines += [
            f" neighbor {session.router} remote-as {session.asn}",
            # Without zebra it does not know that the neighbour is on the wire.
            f" neighbor {session.router} disable-connected-check",
            f" neighbor {session.router} timers 10 30",
            f" neighbor {session.router} timers connect 1",
        ]
    for family in ("ipv4", "ipv6"):
        lines.append(f" address-family {family} unicast")
        for session in sessions:
            lines += [
                f"  neighbor {session.router} activate",
                # Without, FRR shows only withdrawals as they were before its policy.
                f"  neighbor {session.router} soft-reconfiguration inbound",
                f"  neighbor {session.router} route-map nothing out",
            ]
        lines.append(" exit-address-family")
    lines += [
        " bmp targets monitor",
        f"  bmp connect {station} port {BMP_PORT} min-retry 100 max-retry 1000",
        "  bmp monitor ipv4 unicast pre-policy",
        "  bmp monitor ipv6 unicast pre-policy",
        " exit",
    ]
    return "\n".join(lines) + "\n"


def command(config: Path) -> tuple[str, ...]:
    """The words that run it in the foreground with that configuration; its sockets are beside the file."""
    return (
        # Of its long options `--module` takes no argument (8.4).
        str(_PROGRAM), "-M", "bmp", "--skip_runas", "--no_zebra", "--config_file", str(config),
        "--pid_file", f"{config}.pid", "--vty_socket", str(config.parent), "--vty_port", "0",
    )  # fmt: skip
