"""`whydown alert test`: whether everybody who is to be told can be."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from monitor.alert.channels import Channels
from monitor.alert.delivery import DeliveryError
from monitor.alert.trial import trial_notices
from monitor.commands.daemon import read_config
from monitor.history import Notice
from monitor.report.safe_text import one_line
from probes import clock


@click.group(short_help="Send a test on every way on which people are told.")
def command() -> None:
    """Ways on which people are told: mail, webhooks, commands.

    \b
    whydown alert test
    """


@command.command("test", short_help="Send a made-up incident by mail and every hook.")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True,
    help="Configuration file.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="A JSON object for each, one a line.")
@click.pass_context
def test(ctx: click.Context, path: Path, as_json: bool) -> None:
    """Send a made-up incident, marked as a test, by mail and every hook; say who took it.

    It goes out at once and once, beside the outbox of a running monitor. Exit 0: all took it. Exit 1: one did not,
    or there is nobody to tell. Exit 2: bad configuration.

    \b
    whydown alert test
    whydown alert test --config /etc/whydown/config.toml --json
    """
    alert = read_config(ctx, path).alert
    if not alert.tells_somebody:
        click.echo(
            f"{path}: nobody is told; [alert.mail], [[alert.webhook]] or [[alert.command]] says who", err=True
        )
        ctx.exit(1)
    channels, failed = Channels(alert), False
    for notice in trial_notices(alert, clock.wall()):
        error = _error(channels, notice)
        failed |= error is not None
        click.echo(_line(notice, error, as_json=as_json))
    ctx.exit(1 if failed else 0)


def _error(channels: Channels, notice: Notice) -> str | None:
    """Why it was not taken; None: it was."""
    try:
        channels(notice, lambda: None)
    except DeliveryError as error:
        return one_line(str(error), 300)
    return None


def _line(notice: Notice, error: str | None, *, as_json: bool) -> str:
    (who,) = notice.recipients
    if as_json:
        found = {"channel": notice.channel, "recipient": who, "taken": error is None, "error": error}
        return msgspec.json.encode(found).decode()
    return f"{'✓' if error is None else '✗'} {notice.channel:<8} {who}" + ("" if error is None else f": {error}")
