"""Which target a host belongs to, and which URL a target has: for formats that know only hosts and URLs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import click

from monitor.config import ConfigError, load_config


def target_urls(config: Path) -> dict[str, str]:
    """The URL of each target and control of the configuration; none where the file is not there.

    :raises click.UsageError: it is there, and wrong
    """
    if not config.exists():
        return {}
    try:
        loaded = load_config(config)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    return {one.name: one.url for one in loaded.controls} | {one.name: one.url for one in loaded.targets}


def targets_by_host(config: Path) -> dict[str, str]:
    """The target of each host; of several with one host, the last.

    :raises click.UsageError: the configuration is there, and wrong
    """
    hosts = ((urlsplit(url).hostname, name) for name, url in target_urls(config).items())
    return {host: name for host, name in hosts if host is not None}
