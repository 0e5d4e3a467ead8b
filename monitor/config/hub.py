"""Reads how agents and hubs find and know each other: [hub], [spool], and the keys of [vantages.NAME]."""

from __future__ import annotations

from pathlib import Path

from monitor.config import address, value
from monitor.config.duration import DAY, HOUR, duration
from monitor.config.secret import credential_for, secret_file
from monitor.config.table import Table, UnfitError
from monitor.model.settings import HubAccess, HubIntake, SpoolSettings
from monitor.model.vantage_key import VantageKey, parse_vantage_key

MAX_HUBS = 2
MAX_ALLOWED = 1_000
MAX_KEYS = 8
"""Of one vantage: two while one replaces the other; more only where somebody forgot to clear up."""

LEAST_ALONE_S = 5.0
"""A hub that is well is heard with every batch, so with every round, and every 15 s without."""

_MEGABYTE = 2**20


def read_hub(table: Table, folder: Path) -> tuple[HubAccess | None, HubIntake | None]:
    """[hub]: how an agent reaches its hubs, and how a hub is reached; each None without its first key."""
    urls: tuple[str, ...] = table.get("url", value.list_of(_hub_url, MAX_HUBS, least=1), ())
    key_file = table.get("key_file", secret_file(folder), credential_for(folder / "vantage-key.pem"))
    ca_file = table.get("ca_file", address.file(folder), None)
    allowed: tuple[str, ...] = table.get("allow", value.list_of(_host_pattern, MAX_ALLOWED), ())
    alone_after_s = table.get(
        "alone_after", duration(LEAST_ALONE_S, DAY), HubAccess(urls=urls, key_file=key_file).alone_after_s
    )
    listen = table.get("listen", address.listen_address, None)
    certificate = table.get("certificate", address.file(folder), folder / "hub-certificate.pem")
    certificate_key = table.get("certificate_key", secret_file(folder), credential_for(folder / "hub-key.pem"))
    standby = table.get("standby", value.boolean, False)
    table.close()
    return (
        HubAccess(urls=urls, key_file=key_file, ca_file=ca_file, allowed=allowed, alone_after_s=alone_after_s)
        if urls
        else None,
        HubIntake(listen=listen, certificate=certificate, certificate_key=certificate_key, standby=standby)
        if listen
        else None,
    )


def read_spool(table: Table, folder: Path) -> SpoolSettings:
    """[spool]."""
    defaults = SpoolSettings()
    spool = SpoolSettings(
        path=table.get("path", address.file(folder), folder / defaults.path),
        most_bytes=table.get("most_mb", value.integer(1, 100_000), defaults.most_bytes // _MEGABYTE) * _MEGABYTE,
        most_age_s=table.get("most_age", duration(HOUR, 400 * DAY), defaults.most_age_s),
        keep_acknowledged_s=table.get("keep_acknowledged", duration(0.0, DAY), defaults.keep_acknowledged_s),
    )
    table.close()
    return spool


def vantage_key(value: object) -> VantageKey:
    """A key as `whydown enroll` prints it."""
    try:
        return parse_vantage_key(value if isinstance(value, str) else "")
    except ValueError as error:
        raise UnfitError(
            'a key that `whydown enroll` printed, "ed25519:…", or with " until 2027-12-31"'
        ) from error


_read_url = address.url(("https",), path=False)


def _hub_url(value: object) -> str:
    return _read_url(value).removesuffix("/")


def _host_pattern(value: object) -> str:
    """A host name, `*.` and a domain, an address or a prefix."""
    allowed = 'a host name, "*.example.com" for all names below one, an address or a prefix'
    if not isinstance(value, str):
        raise UnfitError(allowed)
    if "/" in value:
        return str(address.prefix(value))
    if not address.is_host(value.removeprefix("*.")):
        raise UnfitError(allowed)
    return value.lower()
