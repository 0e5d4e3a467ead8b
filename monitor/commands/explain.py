"""`whydown explain`: every term of an incident's verdict."""

from __future__ import annotations

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console

from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.commands.incident_choice import chosen
from monitor.commands.moment import Moment
from monitor.commands.zone import Zone
from monitor.history import Reader
from monitor.model.history_place import HistoryPlace
from monitor.report.explain import explain
from monitor.report.rule_table import rule_lines, rule_set
from monitor.report.sums import sums_of

_PIPE_WIDTH = 110


@click.command(short_help="Every term of an incident's verdict.")
@click.argument("name", metavar="INCIDENT", required=False)
@click.option("--rules", "list_rules", is_flag=True, help="List all rules, priors and discounts instead.")
@click.option(
    "--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown: Europe/Berlin."
)
@click.option("--at", type=Moment(), default=None, help="As it was known then: 20m, or an ISO time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: incident, changes, sums.")
@history_options
def command(
    name: str | None,
    list_rules: bool,
    timezone: ZoneInfo,
    at: float | None,
    as_json: bool,
    config: Path,
    database: HistoryPlace | None,
) -> None:
    """Why INCIDENT got its cause: each rule with its witnesses and weight, and the sums of all causes.

    INCIDENT is an id, the first letters of one, or `last`. `whydown incidents` lists them. Exit 1 when
    there is no such incident. With --rules no incident is looked at: it lists what every rule is worth for each
    cause, which is all that is needed to do a verdict's sum again.

    \b
    whydown explain last
    whydown explain last --at 2026-06-16T09:05Z
    whydown explain shop-2026 --timezone Europe/Berlin
    whydown explain --rules
    """
    if list_rules:
        found = rule_set()
        click.echo(msgspec.json.encode(found) if as_json else "\n".join(rule_lines(found)))
        return
    if name is None:
        raise click.UsageError("which INCIDENT? An id, the first letters of one, or last; or --rules")
    with plain_errors(), Reader.open(history_place(database, config)) as reader:
        incident = chosen(reader, name, as_of=at)
        changes = reader.changes(incident.id, as_of=at)
    if as_json:
        click.echo(msgspec.json.encode({"incident": incident, "changes": changes, "sums": sums_of(incident)}))
        return
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    console.print(explain(incident, changes, timezone=timezone.key))
