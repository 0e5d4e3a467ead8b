"""The laboratory's DNS: a root and top-level server, the service's own one, a resolver at each vantage. Text.

NSD serves (RFC 1035 zones), Unbound resolves. A fake root must answer for itself: NSD's root zone lists its
own server, Unbound is primed with that address, and remembers a server's failures for seconds, not minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path

from lab.papers import AUTHORITY_NAME, CONTROLS, SERVICE_NAME
from lab.topology import Host, Topology

# Short, so that a change in the DNS shows within seconds, as it does not where TTLs are hours.
TTL_S = 5
_SOA = "@ {ttl} IN SOA ns.root. hostmaster.example. 1 3600 600 86400 5\n"


def _addresses(name: str, host: Host, *, both: bool = True) -> str:
    six = f"{name} {TTL_S} IN AAAA {host.address6}\n" if both else ""
    return f"{name} {TTL_S} IN A {host.address}\n{six}"


def _delegation(names: Host) -> str:
    return f"{SERVICE_NAME}. 60 IN NS ns.{SERVICE_NAME}.\nns.{SERVICE_NAME}. 60 IN A {names.address}\n"


def root_zones(topology: Topology) -> Mapping[str, str]:
    """Zones of the root server: the root, `example` with the controls and the authority."""
    hosts = topology.hosts
    soa = _SOA.format(ttl=TTL_S)
    example = "@ 60 IN NS ns.root.\n"
    for name, host in zip(CONTROLS, ("control-1", "control-2"), strict=True):
        example += _addresses(name + ".", hosts[host], both=False)
    example += _addresses(AUTHORITY_NAME + ".", hosts["authority"], both=False)
    example += (
        f"{SERVICE_NAME}. 60 IN NS ns.{SERVICE_NAME}.\nns.{SERVICE_NAME}. 60 IN A {hosts['names'].address}\n"
    )
    root = f"@ 60 IN NS ns.root.\nns.root. 60 IN A {hosts['root'].address}\nexample. 60 IN NS ns.root.\n"
    return {".": soa + root, "example.": soa + example}


def service_zone(topology: Topology, address: IPv4Address | None = None) -> Mapping[str, str]:
    """The service's own zone; `address` instead of the service's, when somebody else answers for it."""
    names, service = topology.hosts["names"], topology.hosts["service"]
    own = _delegation(names)
    own += _addresses("@", service) if address is None else f"@ {TTL_S} IN A {address}\n"
    return {f"{SERVICE_NAME}.": _SOA.format(ttl=TTL_S) + own}


def write_nsd(folder: Path, addresses: list[str], zones: Mapping[str, str]) -> Path:
    """Write an NSD's configuration and zones into `folder`; the configuration's path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["server:", *(f"  ip-address: {address}" for address in addresses)]
    lines += [
        "  port: 53", '  username: ""', '  chroot: ""', f'  zonesdir: "{folder}"',
        f'  pidfile: "{folder}/nsd.pid"',
        f'  xfrdfile: "{folder}/xfrd.state"', f'  zonelistfile: "{folder}/zone.list"', '  database: ""',
        f'  xfrdir: "{folder}"', "  server-count: 1", "  hide-version: yes", "  rrl-ratelimit: 0",
        "remote-control:", "  control-enable: no",
    ]  # fmt: skip
    for name, text in zones.items():
        file = folder / f"{name.strip('.') or 'root'}.zone"
        file.write_text(f"$ORIGIN {name}\n{text}", encoding="ascii")
        lines += ["zone:", f'  name: "{name}"', f'  zonefile: "{file}"']
    config = folder / "nsd.conf"
    config.write_text("\n".join(lines) + "\n", encoding="ascii")
    return config


def write_unbound(folder: Path, root: IPv4Address, local_data: tuple[str, ...] = ()) -> Path:
    """Write a resolver's configuration; `local_data`: answers that it makes up, as a poisoned one would."""
    folder.mkdir(parents=True, exist_ok=True)
    hints = folder / "root.hints"
    hints.write_text(f". 3600000 IN NS ns.root.\nns.root. 3600000 IN A {root}\n", encoding="ascii")
    poison = "".join(f"  local-data: '{record}'\n" for record in local_data)
    config = folder / "unbound.conf"
    config.write_text(
        "server:\n  interface: 127.0.0.1\n  access-control: 127.0.0.0/8 allow\n  do-daemonize: no\n"
        f'  username: ""\n  chroot: ""\n  directory: "{folder}"\n  pidfile: ""\n  use-syslog: no\n  verbosity: 0\n'
        '  module-config: "iterator"\n  num-threads: 1\n  do-ip6: no\n'
        f'  root-hints: "{hints}"\n  infra-host-ttl: 5\n  infra-cache-min-rtt: 50\n  cache-max-negative-ttl: 2\n'
        "  local-zone: \"example.\" nodefault\n"
        f"{poison}"
        "remote-control:\n  control-enable: no\n",
        encoding="ascii",
    )  # fmt: skip
    return config
