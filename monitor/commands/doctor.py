"""`whydown doctor`: would a monitor with this configuration work on this machine, now?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import msgspec

from monitor.config import ConfigError, load_config
from monitor.doctor.bus import look_at_bus
from monitor.doctor.dashboard import look_at_web
from monitor.doctor.database import look_at_database
from monitor.doctor.finding import Check, Finding, examine
from monitor.doctor.keeping import look_at_disk, look_at_history
from monitor.doctor.machine import look_at_clock, look_at_privileges
from monitor.doctor.reach import look_at_hubs, look_at_mail, look_at_resolvers
from monitor.doctor.sources import look_at_feeds, look_at_vrps
from monitor.doctor.tracing import look_at_tracing
from monitor.model.settings import Config
from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State, worst

_MARK = {
    State.OK: ("✓", "green"),
    State.WARNING: ("!", "yellow"),
    State.CRITICAL: ("✗", "red"),
    State.UNKNOWN: ("?", "yellow"),
}


@click.command(short_help="Check machine, resolvers, hub, feeds, mail server, history and dashboard.")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True,
    help="Configuration file.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding instead of text.")
@click.pass_context
def command(ctx: click.Context, path: Path, as_json: bool) -> None:
    """Check all that a monitor with this configuration needs: rights, clock, resolvers, hub, feeds, mail, history,
    dashboard.

    They are asked as the monitor would ask them, side by side, each for 20 s at most; no mail is sent and no fact
    stored. Run it as the monitor's user. Exit 0: all is well. Exit 1: it will work, but not as well as it could.
    Exit 2: something will not work. Exit 3: something could not be found out.

    \b
    whydown doctor --config /etc/whydown/config.toml
    whydown doctor --json | jq 'select(.state != "ok")'
    """
    try:
        config = load_config(path)
    except ConfigError as error:
        findings = [Finding(check="config", state=State.CRITICAL, text=str(error), todo="whydown check-config")]
    else:
        well = Finding(check="config", state=State.OK, text=f"{path}: no mistakes")
        findings = [well, *asyncio.run(examine(checks_of(config)))]
    for finding in findings:
        _say_json(finding) if as_json else _say(finding)
    ctx.exit(worst(finding.state for finding in findings))


def checks_of(config: Config) -> Sequence[Check]:
    """What this configuration depends on. One that names a hub is an agent's, unless it listens itself."""
    checks = [
        Check("traceroute", partial(look_at_privileges, config)),
        Check("traceroute", partial(look_at_tracing, config)),
        Check("clock", look_at_clock),
        Check("dns", partial(look_at_resolvers, config)),
    ]
    if config.hub is not None:
        checks.append(Check("hub", partial(look_at_hubs, config.hub, config.vantage)))
        checks.append(Check("spool", partial(_look_at_spool, config)))
    if config.hub is None or config.intake is not None:
        checks.append(Check("routes", partial(look_at_feeds, config.bgp)))
        checks.append(Check("rpki", partial(look_at_vrps, config.rpki)))
        place = config.history.place
        look = partial(look_at_history, place) if isinstance(place, Path) else partial(look_at_database, place)
        checks.append(Check("history", look))
        if config.bus is not None:
            checks.append(Check("bus", partial(look_at_bus, config, config.bus)))
        if config.alert.mail is not None:
            checks.append(Check("mail", partial(look_at_mail, config.alert.mail)))
        if config.web is not None:
            checks.append(Check("web", partial(look_at_web, config.web)))
    return checks


async def _look_at_spool(config: Config) -> Sequence[Finding]:
    return [look_at_disk("spool", config.spool.path)]


def _say(finding: Finding) -> None:
    mark, colour = _MARK[finding.state]
    lines = [one_line(line, 400) for line in finding.text.splitlines()]
    click.echo(f"{click.style(mark, fg=colour)} {finding.check:<10} {lines[0]}")
    for line in lines[1:]:
        click.echo(f"{'':13}{line}")
    if finding.todo is not None:
        click.echo(f"{'':13}→ {finding.todo}")


def _say_json(finding: Finding) -> None:
    fields = msgspec.structs.asdict(finding) | {"state": finding.state.name.lower()}
    click.echo(msgspec.json.encode(fields).decode())
