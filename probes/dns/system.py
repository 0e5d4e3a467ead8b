"""The system's own idea of names: /etc/resolv.conf (resolv.conf(5)) and /etc/hosts (hosts(5)).

Text to values; the files are read anew each time, because DHCP and VPN clients rewrite them. Other sources
of nsswitch.conf (mDNS, LDAP) are not covered.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from probes.dns.server_address import parse_server

RESOLV_CONF = "/etc/resolv.conf"
HOSTS = "/etc/hosts"
_MAX_SERVERS = 3  # MAXNS of glibc's resolv.h: later ones are never asked by other programs either
_MAX_SEARCH = 6
_MAX_NDOTS = 15
_MAX_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvConf:
    """`timeout_s` is how long one server may take before the next is asked."""

    nameservers: tuple[str, ...] = ("127.0.0.1",)
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout_s: float = 5.0

    def candidates(self, name: str) -> tuple[str, ...]:
        """The absolute names to try for `name`, in order, as resolv.conf(5) has it under `ndots`."""
        if name.endswith("."):
            return (name,)
        searched = tuple(f"{name}.{domain.rstrip('.')}." for domain in self.search)
        return (f"{name}.", *searched) if name.count(".") >= self.ndots else (*searched, f"{name}.")


def parse_resolv_conf(text: str) -> ResolvConf:
    """Read resolv.conf; lines that make no sense are passed over, as every resolver does."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    options: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or line[0] in "#;":
            continue
        keyword, values = words[0], words[1:]
        if keyword == "nameserver" and _is_server(values[0]):
            servers.append(values[0])
        elif keyword in ("search", "domain"):
            search = tuple(values[:_MAX_SEARCH])
        elif keyword == "options":
            options += values
    return ResolvConf(
        nameservers=tuple(servers[:_MAX_SERVERS]) or ResolvConf().nameservers,
        search=search,
        ndots=_option(options, "ndots", ResolvConf().ndots, _MAX_NDOTS),
        timeout_s=float(max(_option(options, "timeout", int(ResolvConf().timeout_s), _MAX_TIMEOUT_S), 1)),
    )


def read_resolv_conf(path: str = RESOLV_CONF) -> ResolvConf:
    """What the file says; its defaults (the server on this machine) where it cannot be read."""
    try:
        return parse_resolv_conf(Path(path).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ResolvConf()


def system_resolvers(path: str = RESOLV_CONF) -> tuple[str, ...]:
    """The addresses of the system's resolvers, at most three, in the order in which they are asked."""
    return read_resolv_conf(path).nameservers


def parse_hosts(text: str) -> dict[str, tuple[str, ...]]:
    """Read hosts: lower-case name to addresses, in the file's order."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        try:
            address = str(ipaddress.ip_address(address))
        except ValueError:
            continue
        for name in names:
            key = name.lower().rstrip(".")
            found[key] = (*found.get(key, ()), address)
    return found


def host_addresses(name: str, path: str = HOSTS) -> tuple[str, ...]:
    """The addresses that the file gives `name`, and those of `localhost` where it does not (RFC 6761)."""
    key = name.lower().rstrip(".")
    try:
        stat = Path(path).stat()
        listed = _hosts(path, stat.st_mtime_ns, stat.st_size).get(key, ())
    except OSError:
        listed = ()
    if not listed and (key == "localhost" or key.endswith(".localhost")):
        return ("127.0.0.1", "::1")
    return listed


@lru_cache(maxsize=4)
def _hosts(path: str, modified_ns: int, size: int) -> dict[str, tuple[str, ...]]:
    """The file of that state: block lists of 100,000 lines are not read for every probe."""
    return parse_hosts(Path(path).read_text(encoding="utf-8", errors="replace"))


def _is_server(text: str) -> bool:
    try:
        parse_server(text)
    except ValueError:
        return False
    return True


def _option(options: list[str], name: str, default: int, limit: int) -> int:
    value = next((word.partition(":")[2] for word in options if word.startswith(f"{name}:")), "")
    return min(int(value), limit) if value.isascii() and value.isdigit() and len(value) < 6 else default
