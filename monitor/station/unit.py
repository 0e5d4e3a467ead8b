"""The systemd unit for `run`, `agent` or `hub`, with no more rights than this configuration needs. Pure.

What a service may write is its state directory alone, so a configuration whose history or spool lies elsewhere has
no unit. Secrets are handed over as credentials (systemd.exec(5), LoadCredential): the service's user, which exists
only while it runs, could not read a file that belongs to root. Nothing here looks at a disk or starts anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from monitor.model.history_place import DatabaseUrl
from monitor.model.settings import BgpSourceKind, Config

STATE = Path("/var/lib/whydown")
"""Where systemd lets the service write."""

WATCHDOG_S = 120
"""Without a sign of life for so long the service is killed and started again."""

_LOWEST_FREE_PORT = 1024
_HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"), Path("/tmp"), Path("/var/tmp"))  # noqa: S108

# One user for all roles: a hub and an agent on one machine share the state directory, which belongs to one user.
_OWN = ("User=whydown", "StateDirectory=whydown")

HARDENING = (
    "DynamicUser=yes",
    "StateDirectoryMode=0700",
    "UMask=0077",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "RemoveIPC=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
)
"""What no service of ours needs to be allowed."""


class Role(StrEnum):
    """The verb that the service runs."""

    RUN = "run"
    AGENT = "agent"
    HUB = "hub"


class UnfitForServiceError(ValueError):
    """The configuration asks for something that a hardened service could not do; says what to change."""


def unit_name(role: Role, shares: Sequence[str] = ()) -> str:
    """`whydown-agent.service`; of a hub that has only shares of the work, `whydown-hub-store.service`."""
    return f"whydown-{'-'.join((role, *shares))}.service"


def unit_text(role: Role, whydown: Path, config: Config, shares: Sequence[str] = ()) -> str:
    """The unit that runs `whydown ROLE` with the file that `config` came from.

    `whydown`: the program, an absolute path. `shares`: of a hub's work, where a bus joins them.

    :raises UnfitForServiceError: the service could not see program or file, or not write where it has to
    """
    source = _seen(config.source.absolute() if config.source is not None else Path())
    _check_writable(role, config)
    secrets = tuple(_secrets(role, config))
    if len({secret.name for secret in secrets}) < len(secrets):
        raise UnfitForServiceError("two secrets have the same file name; as credentials they need different ones")
    lines = [
        "[Unit]",
        f"Description=whydown {_DESCRIPTION[role]}",
        "Wants=network-online.target",
        "After=network-online.target time-sync.target nss-lookup.target",
        "",
        "[Service]",
        "Type=notify",
        f"ExecStart={_seen(whydown)} {role}{''.join(f' --role {share}' for share in shares)} --config {source}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "Restart=always",
        "RestartSec=5",
        "# Bad configuration: a restart would not mend it.",
        "RestartPreventExitStatus=2",
        "TimeoutStartSec=90",
        "TimeoutStopSec=30",
        f"WatchdogSec={WATCHDOG_S}",
        f"WorkingDirectory={STATE}",
        "Environment=PYTHONDONTWRITEBYTECODE=1",
        *(f"LoadCredential={secret.name}:{fit(secret)}" for secret in secrets),
        *_capabilities(role, config),
        *_OWN,
        *HARDENING,
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


_DESCRIPTION = {
    Role.RUN: "availability monitor",
    Role.AGENT: "agent: measures for a hub",
    Role.HUB: "hub: judges what agents measure",
}


def fit(path: Path) -> Path:
    """A path that needs no quoting in a unit (systemd.syntax(7)), so that it means there what it means here."""
    text = str(path)
    if not path.is_absolute() or not text.isascii() or any(char in " \t\"'\\%$;:" for char in text):
        raise UnfitForServiceError(
            f"{text[:200]!r}: a unit takes an absolute path without spaces and \" ' \\ % $ ; :"
        )
    return path


def _seen(path: Path) -> Path:
    """A path that is there for the service as well."""
    if any(path.is_relative_to(hidden) for hidden in _HIDDEN):
        raise UnfitForServiceError(
            f"{path} is hidden from the service, as homes and /tmp are; put it into /opt or /etc"
        )
    return fit(path)


def _check_writable(role: Role, config: Config) -> None:
    key, path = ("spool.path", config.spool.path) if role is Role.AGENT else ("history.path", config.history.place)
    if not isinstance(path, Path):
        return
    if not path.absolute().is_relative_to(STATE) or ".." in path.parts:
        raise UnfitForServiceError(
            f'{key} is {path.absolute()}, which the service cannot write; say "{STATE / path.name}"'
        )


def _secrets(role: Role, config: Config) -> Iterator[Path]:
    """The files that only root may read, in the order of the configuration's keys."""
    if role is Role.AGENT and config.hub is not None:
        yield config.hub.key_file.absolute()
    if role is Role.HUB and config.intake is not None:
        yield config.intake.certificate_key.absolute()
    if role is not Role.AGENT:
        yield from _passwords(config)
    # An agent mails too, while it is alone.
    if config.alert.mail is not None and config.alert.mail.password_file is not None:
        yield config.alert.mail.password_file.absolute()
    if role is not Role.AGENT:
        yield from (hook.url_file.absolute() for hook in config.alert.webhooks if hook.url_file is not None)
    if role is not Role.AGENT and config.web is not None:
        for secret in (config.web.login_file, config.web.certificate_key):
            if secret is not None:
                yield secret.absolute()


def _passwords(config: Config) -> Iterator[Path]:
    """Those of the servers that a hub asks."""
    place = config.history.place
    if isinstance(place, DatabaseUrl) and place.password_file is not None:
        yield place.password_file.absolute()
    if config.bus is not None and config.bus.password_file is not None:
        yield config.bus.password_file.absolute()


def _capabilities(role: Role, config: Config) -> Iterator[str]:
    """CAP_NET_RAW where traceroutes are sent, CAP_NET_BIND_SERVICE where a port below 1024 is listened on."""
    needed = []
    # An agent's hub may switch traceroutes on at any time.
    if role is Role.AGENT or (role is Role.RUN and config.traceroute.enabled):
        needed.append("CAP_NET_RAW")
    if any(int(address.rpartition(":")[2]) < _LOWEST_FREE_PORT for address in _listened_on(role, config)):
        needed.append("CAP_NET_BIND_SERVICE")
    yield f"CapabilityBoundingSet={' '.join(needed)}"
    yield f"AmbientCapabilities={' '.join(needed)}"
    if not needed:
        # With a user namespace of its own it would have no rights on the machine's network.
        yield "PrivateUsers=yes"


def _listened_on(role: Role, config: Config) -> Iterator[str]:
    if role is Role.HUB and config.intake is not None:
        yield config.intake.listen
    if role is not Role.AGENT and config.web is not None:
        yield config.web.listen
    if role is not Role.AGENT:
        yield from (feed.listen for feed in config.bgp if feed.kind is BgpSourceKind.BMP)
