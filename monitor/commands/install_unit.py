"""`whydown install-unit`: make whydown a service of systemd, hardened for this very configuration."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from monitor.commands.daemon import read_config
from monitor.station.roles import Role as Share
from monitor.station.unit import Role, UnfitForServiceError, unit_name, unit_text


@click.command(short_help="Make run, agent or hub a hardened service of systemd.")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("/etc/whydown/config.toml"),
    show_default=True, help="Configuration file that the service shall use.",
)  # fmt: skip
@click.option(
    "--role", "shares", multiple=True, type=click.Choice([share.value for share in Share]),
    help="Of a hub at a bus: what this service does of the work; may be given several times.",
)  # fmt: skip
@click.option("--print", "only_print", is_flag=True, help="Print the unit instead of writing it.")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path), default=Path("/etc/systemd/system"), show_default=True,
    help="Folder to write the unit to.",
)  # fmt: skip
@click.option(
    "--program", type=click.Path(path_type=Path), default=None,
    help="The whydown that the service shall run; default: this one.",
)  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    role: str,
    path: Path,
    only_print: bool,
    folder: Path,
    program: Path | None,
    shares: tuple[str, ...],
) -> None:
    """Write the unit whydown-ROLE.service, for ROLE run, agent or hub.

    The service has a user of its own, may write /var/lib/whydown alone, and gets CAP_NET_RAW only where it sends
    traceroutes, so write the unit anew when the configuration's files, listening ports or [traceroute] enabled
    change. Exit 0: written. Exit 1: the file cannot be written. Exit 2: bad configuration, or one that such a
    service cannot live with.

    \b
    whydown install-unit agent --config /etc/whydown/agent.toml
    whydown install-unit run --print
    whydown install-unit hub --role store --role diagnose
    """
    config = read_config(ctx, path)
    if (Role(role) is Role.HUB and config.bus is not None) != bool(shares):
        click.echo("--role goes with a hub whose configuration has [bus], and that needs it", err=True)
        ctx.exit(2)
    try:
        text = unit_text(Role(role), program or whydown_program(), config, shares)
    except UnfitForServiceError as error:
        click.echo(f"{path}: {error}", err=True)
        ctx.exit(2)
    if only_print:
        click.echo(text, nl=False)
        return
    unit = folder / unit_name(Role(role), shares)
    try:
        unit.write_text(text, encoding="utf-8")
        unit.chmod(0o644)
    except OSError as error:
        click.echo(f"{unit}: {error.strerror or error}", err=True)
        ctx.exit(1)
    click.echo(f"{unit} is written. Now: systemctl daemon-reload && systemctl enable --now {unit.name}")


def whydown_program() -> Path:
    """`whydown` as it was called, or the one beside this interpreter."""
    beside = Path(sys.executable).with_name("whydown")
    called = shutil.which(sys.argv[0])
    return Path(called).absolute() if called and Path(called).name == "whydown" else beside
