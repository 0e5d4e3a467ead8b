"""`whydown report`: an incident as text, HTML or JSON, to keep or to send on."""

from __future__ import annotations

import time
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec

from monitor.commands.history_file import history_options, history_path, plain_errors
from monitor.commands.incident_choice import chosen
from monitor.commands.zone import Zone
from monitor.history import Reader
from monitor.report.html import incident_html
from monitor.report.text import incident_text


@click.command(short_help="An incident as text, HTML or JSON.")
@click.argument("name", metavar="INCIDENT")
@click.option(
    "--format", "form", type=click.Choice(("text", "html", "json")), default="text", show_default=True,
    help="What to write to standard output.",
)  # fmt: skip
@click.option(
    "--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown: Europe/Berlin."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@history_options
def command(name: str, form: str, timezone: ZoneInfo, as_json: bool, config: Path, database: Path | None) -> None:
    """INCIDENT in full: the verdict, what to do first, times, paths, evidence for and against.

    INCIDENT is an id, the first letters of one, or `last`. `whydown incidents` lists them. The HTML page
    needs nothing from elsewhere; the JSON is the line that `whydown replay --json` prints. Exit 1 when
    there is no such incident.

    \b
    whydown report last
    whydown report last --format html > incident.html
    """
    with plain_errors(), Reader.open(history_path(database, config)) as reader:
        incident = chosen(reader, name)
    if as_json or form == "json":
        click.echo(msgspec.json.encode(incident))
    elif form == "html":
        click.echo(incident_html(incident, timezone=timezone.key, now=time.time()))
    else:
        click.echo(incident_text(incident, timezone=timezone.key, now=time.time()), nl=False)
