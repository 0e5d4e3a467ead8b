"""`whydown install-cluster`: one machine of a cluster, its broker and its share of the hub, as services."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from monitor.commands.daemon import read_config
from monitor.commands.install_unit import whydown_program
from monitor.config.secret import first_line
from monitor.model.settings import BusSettings, Config
from monitor.station.broker_unit import (
    AUTHORITY,
    CERTIFICATE,
    CONFIGURATION,
    KEY,
    ROUTES_PORT,
    UNIT,
    Broker,
    broker_unit,
)
from monitor.station.roles import Role as Share
from monitor.station.unit import Role, UnfitForServiceError, unit_name, unit_text

_FILE = click.Path(path_type=Path)


@click.command(short_help="Make one machine's broker and roles services of systemd.")
@click.option(
    "--node", required=True, type=click.IntRange(1, 16), help="Which broker of [bus] url this machine has."
)
@click.option(
    "--config", "path", type=_FILE, default=Path("/etc/whydown/config.toml"), show_default=True,
    help="Configuration file, the same on all machines.",
)  # fmt: skip
@click.option("--certificate", type=_FILE, help="The broker's certificate (PEM), where [bus] url has tls://.")
@click.option("--key", type=_FILE, help="Its private key.")
@click.option(
    "--broker", "broker_file", type=_FILE, default=Path("/etc/whydown") / CONFIGURATION, show_default=True,
    help="Where to write the broker's configuration; root alone may read it.",
)  # fmt: skip
@click.option(
    "--routes-port", type=click.IntRange(1024, 65535), default=ROUTES_PORT, show_default=True,
    help="Where brokers speak with each other.",
)  # fmt: skip
@click.option("--to", "folder", type=_FILE, default=Path("/etc/systemd/system"), show_default=True,
              help="Folder to write the units to.")  # fmt: skip
@click.option("--program", type=_FILE, default=None, help="The whydown that the services run; default: this one.")
@click.pass_context
def command(
    ctx: click.Context,
    node: int,
    path: Path,
    certificate: Path | None,
    key: Path | None,
    broker_file: Path,
    routes_port: int,
    folder: Path,
    program: Path | None,
) -> None:
    """Write the broker's configuration and unit, and a unit for each role of the hub, for machine number NODE.

    Run it on each machine, with the same configuration and another number. Which brokers there are, who may speak
    to them and whether by TLS is what [bus] says; the history must be a server's. Exit 0: written. Exit 1: a file
    cannot be written. Exit 2: bad configuration, or one that such a cluster cannot live with.

    \b
    whydown install-cluster --node 1 --certificate /etc/whydown/broker-1.pem --key /etc/whydown/broker-1-key.pem
    """
    config = read_config(ctx, path)
    try:
        bus = _checked(config, certificate, key)
        password = None if bus.password_file is None else first_line(bus.password_file)
        made = Broker(bus=bus, node=node, password=password, routes_port=routes_port)
        credentials = _credentials(bus, broker_file, certificate, key)
        whydown = program or whydown_program()
        units = {UNIT: broker_unit(_broker_program(), bus, credentials)} | _roles(config, whydown)
    except (UnfitForServiceError, OSError, UnicodeError) as error:
        click.echo(f"{path}: {error}", err=True)
        ctx.exit(2)
    try:
        _write(broker_file, made.text, 0o600)
        for name, text in units.items():
            _write(folder / name, text, 0o644)
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror or error}", err=True)
        ctx.exit(1)
    click.echo(f"{broker_file} and {len(units)} units in {folder} are written. Now, on each machine:")
    click.echo(f"systemctl daemon-reload && systemctl enable --now {' '.join(units)}")


def _checked(config: Config, certificate: Path | None, key: Path | None) -> BusSettings:
    if config.bus is None:
        raise UnfitForServiceError("[bus] url is missing: the brokers of the cluster, one for each machine")
    if isinstance(config.history.place, Path):
        raise UnfitForServiceError("[history] url is missing: several machines cannot write one file")
    wants_identity = any(url.startswith("tls://") for url in config.bus.urls)
    if wants_identity != (certificate is not None and key is not None):
        raise UnfitForServiceError("--certificate and --key go with tls:// in [bus] url, and that needs both")
    return config.bus


def _roles(config: Config, program: Path) -> dict[str, str]:
    """A unit for each share of the work that the configuration has something to do for."""
    idle = {Share.INTAKE} if config.intake is None else set()
    idle |= {Share.WEB} if config.web is None else set()
    return {
        unit_name(Role.HUB, [share]): unit_text(Role.HUB, program, config, [share])
        for share in Share
        if share not in idle
    }


def _credentials(
    bus: BusSettings, broker_file: Path, certificate: Path | None, key: Path | None
) -> dict[str, Path]:
    found = {CONFIGURATION: broker_file, CERTIFICATE: certificate, KEY: key, AUTHORITY: bus.ca_file}
    return {name: path.absolute() for name, path in found.items() if path is not None}


def _broker_program() -> Path:
    return Path(shutil.which("nats-server") or "/usr/sbin/nats-server")


def _write(path: Path, text: str, mode: int) -> None:
    """Never for a moment readable to more than it may be."""
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(text, encoding="utf-8")
