"""One machine's broker in a cluster of them: nats-server's configuration and its systemd unit. Pure.

The brokers are those of `[bus] url`, in that order, and the n-th machine has the n-th. Clients and brokers speak
TLS where the URLs say so, and prove who they are where [bus] has a user: a broker that nobody knows must not join.

The configuration holds the password, so root alone may read it; it is handed over as a credential, and so is the
key. systemd puts credentials where `CREDENTIALS` says. Nothing here looks at a disk or starts anything.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from monitor.model.settings import BusSettings
from monitor.station.unit import HARDENING, UnfitForServiceError, fit

UNIT = "whydown-broker.service"
STATE = Path("/var/lib/whydown-broker")
CREDENTIALS = Path("/run/credentials") / UNIT
CONFIGURATION, CERTIFICATE, KEY, AUTHORITY = "broker.conf", "certificate.pem", "key.pem", "ca.pem"
"""What the credentials are called."""

ROUTES_PORT = 6222
"""Where brokers speak with each other; nats-server's usual one."""

_CLIENTS_PORT = 4222
_SPARE_BYTES = 2**30
"""Beside the stream: leases, and what the brokers note of themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The broker of machine `node`, from 1. `password`: that of [bus] user; None: nobody is asked who they are.

    `store`: where it keeps the stream; `keys`: the folder that has certificate and key when it runs.

    :raises UnfitForServiceError: there is no such broker in [bus] url, or fewer than must hold each fact
    """

    bus: BusSettings
    node: int
    password: str | None
    routes_port: int = ROUTES_PORT
    store: Path = STATE
    keys: Path = CREDENTIALS

    def __post_init__(self) -> None:
        count = len(self.bus.urls)
        if not 1 <= self.node <= count:
            raise UnfitForServiceError(f"[bus] url names {count} brokers; there is no number {self.node}")
        if count < self.bus.replicas:
            raise UnfitForServiceError(
                f"[bus] url names {count} brokers, and replicas = {self.bus.replicas} of them shall hold each fact"
            )
        if self.password is not None and (not self.password.isprintable() or self.password.startswith("$2")):
            raise UnfitForServiceError("the brokers' password must be printable, and not look like a hash ($2…)")

    @property
    def speaks_tls(self) -> bool:
        """Whether the URLs say so."""
        return any(url.startswith("tls://") for url in self.bus.urls)

    @property
    def text(self) -> str:
        """The configuration of nats-server."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        host, port = _place(self.bus.urls[self.node - 1])
        yield f"# Broker {self.node} of {len(self.bus.urls)}, written by `whydown install-cluster`."
        yield f"server_name: {_quoted(f'{self.bus.name}-{self.node}')}"
        yield f"listen: {_quoted(f'{_listened(host)}:{port}')}"
        room = (self.bus.most_bytes + _SPARE_BYTES) // 2**20
        yield f"jetstream {{ store_dir: {_quoted(str(self.store))}, max_file_store: {room}MB,"
        yield "  max_memory_store: 64MB }"
        yield "lame_duck_grace_period: 5s, lame_duck_duration: 30s"
        yield from self._identity("tls")
        yield from self._login("authorization")
        yield "cluster {"
        yield f"  name: {_quoted(self.bus.name)}"
        yield f"  listen: {_quoted(f'{_listened(host)}:{self.routes_port}')}"
        yield "  routes: ["
        yield from (f"    {_quoted(self._route(url))}" for url in self.bus.urls)
        yield "  ]"
        yield from (f"  {line}" for line in (*self._identity("tls"), *self._login("authorization")))
        yield "}"

    def _identity(self, block: str) -> Iterator[str]:
        if self.speaks_tls:
            ca = f", ca_file: {_quoted(str(self.keys / AUTHORITY))}" if self.bus.ca_file is not None else ""
            certificate, key = (_quoted(str(self.keys / name)) for name in (CERTIFICATE, KEY))
            yield f"{block} {{ cert_file: {certificate}, key_file: {key}{ca} }}"

    def _login(self, block: str) -> Iterator[str]:
        if self.bus.user is not None and self.password is not None:
            yield f"{block} {{ user: {_quoted(self.bus.user)}, password: {_quoted(self.password)} }}"

    def _route(self, url: str) -> str:
        host, _ = _place(url)
        who = ""
        if self.bus.user is not None and self.password is not None:
            who = f"{quote(self.bus.user, safe='')}:{quote(self.password, safe='')}@"
        return f"nats://{who}{_bracketed(host)}:{self.routes_port}"


def broker_unit(program: Path, bus: BusSettings, credentials: dict[str, Path]) -> str:
    """The unit that runs `program`, nats-server; `credentials`: files that it is handed, by their names there.

    :raises UnfitForServiceError: a path cannot stand in a unit
    """
    lines = [
        "[Unit]",
        f"Description=whydown broker: carries the facts of {bus.name} between the roles of its hub",
        "Wants=network-online.target",
        "After=network-online.target",
        "# The package's own service would want the same port.",
        "Conflicts=nats-server.service",
        "",
        "[Service]",
        f"ExecStart={fit(program)} -c ${{CREDENTIALS_DIRECTORY}}/{CONFIGURATION}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "Restart=always",
        "RestartSec=2",
        "# A broker that leaves hands its streams' leadership over first.",
        "KillSignal=SIGUSR2",
        "TimeoutStopSec=60",
        "LimitNOFILE=65536",
        f"StateDirectory={STATE.name}",
        *(f"LoadCredential={name}:{fit(path)}" for name, path in credentials.items()),
        *HARDENING,
        "CapabilityBoundingSet=",
        "AmbientCapabilities=",
        "PrivateUsers=yes",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _CLIENTS_PORT


def _listened(host: str) -> str:
    """An address is listened on alone; a name may be another interface's here than elsewhere."""
    try:
        return _bracketed(str(ipaddress.ip_address(host)))
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - brokers are reached from other machines


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _quoted(text: str) -> str:
    """A string of nats-server's configuration."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
