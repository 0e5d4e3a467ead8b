"""`whydown enroll`: make the keys by which a vantage and a hub know each other, each in one line."""

from __future__ import annotations

import platform
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from monitor.config import ConfigError, load_config
from monitor.link.enrolment import make_hub_certificate, make_vantage_key
from monitor.model.vantage_key import VantageKey
from probes import clock


@click.group(short_help="Make the keys by which a vantage and its hub know each other.")
def command() -> None:
    """Make the keys by which a vantage and its hub know each other.

    A vantage signs what it sends with a key that never leaves it; the hub's configuration holds the public half. A
    hub shows a certificate: one from an authority that vantages know, or one of its own that they have a copy of.
    No command overwrites a file.

    \b
    whydown enroll hub --name hub.example.com     # at the hub, once
    whydown enroll vantage --name seoul-1         # at each vantage; prints the line for the hub
    whydown enroll list                           # at the hub: who may send, until when
    """


@command.command(short_help="Make this vantage's key; prints the line for the hub's configuration.")
@click.option("--name", default=platform.node(), show_default="the host name", help="Name of the vantage.")
@click.option(
    "--key-file", type=click.Path(path_type=Path), default=Path("vantage-key.pem"), show_default=True,
    help="Where the private key goes, readable for its owner alone.",
)  # fmt: skip
@click.option("--days", type=click.IntRange(1, 3650), help="Days after which the hub shall not take it any more.")
@click.pass_context
def vantage(ctx: click.Context, name: str, key_file: Path, days: int | None) -> None:
    """Make a key for this vantage and print the line that its hub needs.

    The line goes under [vantages] in the hub's configuration; then `systemctl reload` or SIGHUP lets the vantage
    in. To change a key without a gap: enroll with another --key-file, put the new key beside the old one in the
    hub's list, reload the hub, point [hub] key_file at the new file, restart the agent, take the old key out.

    \b
    whydown enroll vantage --name seoul-1
    whydown enroll vantage --name seoul-1 --key-file vantage-key-2.pem --days 365
    """
    try:
        key = make_vantage_key(key_file)
    except OSError as error:
        click.echo(f"{key_file}: {error.strerror or error}", err=True)
        ctx.exit(1)
    if days is not None:
        today = datetime.fromtimestamp(clock.wall(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        key = VantageKey(key.public, (today + timedelta(days=days + 1)).timestamp())
    click.echo(f'{_toml_key(name)}.keys = ["{key}"]')
    click.echo(f"Made {key_file}. Put the line above under [vantages] in the hub's configuration.", err=True)


@command.command(short_help="Make a hub's certificate, for vantages that have a copy of it.")
@click.option(
    "--name", "names", multiple=True, required=True,
    help="Host name or address by which vantages reach the hub; may be given several times.",
)  # fmt: skip
@click.option(
    "--certificate", type=click.Path(path_type=Path), default=Path("hub-certificate.pem"), show_default=True,
    help="Where the certificate goes; vantages need a copy of it.",
)  # fmt: skip
@click.option(
    "--certificate-key", type=click.Path(path_type=Path), default=Path("hub-key.pem"), show_default=True,
    help="Where its private key goes, readable for its owner alone.",
)  # fmt: skip
@click.pass_context
def hub(ctx: click.Context, names: tuple[str, ...], certificate: Path, certificate_key: Path) -> None:
    """Make a certificate for a hub that has none from an authority, good for ten years.

    Copy the certificate (not its key) to the vantages and name it there: [hub] ca_file. It is believed because
    they have it, so nobody else can stand in for the hub.

    \b
    whydown enroll hub --name hub.example.com --name 203.0.113.9
    """
    try:
        make_hub_certificate(certificate, certificate_key, names, datetime.fromtimestamp(clock.wall(), UTC))
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror or error}", err=True)
        ctx.exit(1)
    except ValueError as error:
        click.echo(f"--name: {error}", err=True)
        ctx.exit(2)
    click.echo(f"Made {certificate} and {certificate_key}. Vantages need a copy of {certificate.name}.", err=True)


@command.command(name="list", short_help="Who may send to this hub, and until when.")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True,
    help="The hub's configuration file.",
)  # fmt: skip
@click.pass_context
def list_(ctx: click.Context, path: Path) -> None:
    """Show the vantages that the configuration lets in, with the id and the last day of each key.

    \b
    whydown enroll list --config /etc/whydown/config.toml
    """
    try:
        config = load_config(path)
    except ConfigError as error:
        click.echo(str(error), err=True)
        ctx.exit(2)
    for one in config.vantages:
        for key in one.keys:
            click.echo(f"{one.name}  {key.id}  {_standing(key)}")


def _standing(key: VantageKey) -> str:
    if key.until is None:
        return "no end"
    last_day = datetime.fromtimestamp(key.until, UTC) - timedelta(days=1)
    return f"{'until' if key.until > clock.wall() else 'expired'} {last_day:%Y-%m-%d}"


def _toml_key(name: str) -> str:
    """The name as a key of TOML: bare where it can be."""
    if name and all(char.isascii() and (char.isalnum() or char in "-_") for char in name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
