"""`whydown report`: an incident as text, as a page, on paper, as data, or as a bundle that can be judged again."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec

from monitor.bundle import BundleError, MadeBundle, make_bundle
from monitor.bundle.archive import write_archive
from monitor.bundle.made import Sources, incident_dossier
from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.commands.incident_choice import chosen
from monitor.commands.output_file import STANDARD_OUTPUT, write_output
from monitor.commands.zone import Zone
from monitor.config import ConfigError, load_config
from monitor.diagnose import Knowledge
from monitor.files import MissingLibraryError
from monitor.history import Reader
from monitor.hub.tables import TableLoader, Tables
from monitor.model import Incident
from monitor.model.history_place import HistoryPlace
from monitor.replay import ReplayError
from monitor.report.circumstances import Circumstances, picture_of
from monitor.report.dossier import Dossier
from monitor.report.dossier_page import dossier_html
from monitor.report.headline import began_at
from monitor.report.pdf import pdf_of
from monitor.report.text import incident_text
from monitor.station import logs


@click.command(short_help="An incident as text, page, PDF, data or bundle.")
@click.argument("name", metavar="INCIDENT")
@click.option("--html", "form", flag_value="html", help="A page that needs nothing from elsewhere.")
@click.option("--pdf", "form", flag_value="pdf", help="The same on paper; needs WeasyPrint.")
@click.option("--json", "form", flag_value="json", help="The same as one JSON object.")
@click.option("--bundle", "form", flag_value="bundle", help="An archive of report, facts and hashes, for replay.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), default=STANDARD_OUTPUT, show_default=True,
    help="The file to write; - is standard output.",
)  # fmt: skip
@click.option(
    "--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown: Europe/Berlin."
)
@history_options
def command(
    name: str,
    form: str | None,
    output: Path,
    timezone: ZoneInfo,
    config: Path,
    database: HistoryPlace | None,
) -> None:
    """INCIDENT in full. Without an option, as the mail has it: the verdict, what to do first, vantages, evidence.

    With one, the account for people who were not there: summary, timeline, what each vantage saw, who answered
    with which certificate, the ways of the packets, route messages, the raw facts behind the evidence, method and
    limits. A bundle has besides every fact that was judged, so that `whydown replay FILE` judges again elsewhere,
    with the same verdict; it has no header fields, bodies or keys of the configuration.

    INCIDENT is an id, the first letters of one, or `last`. `whydown incidents` lists them. Exit 1 when there is no
    such incident.

    \b
    whydown report last
    whydown report last --html > incident.html
    whydown report last --pdf --output incident.pdf --timezone Asia/Seoul
    whydown report last --bundle --output incident.zip
    """
    if form in ("pdf", "bundle") and output == STANDARD_OUTPUT and sys.stdout.isatty():
        raise click.UsageError(f"--{form} is nothing for a terminal: name an --output")
    now = time.time()
    with plain_errors(), Reader.open(history_place(database, config)) as reader:
        incident = chosen(reader, name)
        if form is None:
            around = Circumstances(picture=picture_of(incident, reader, now))
            click.echo(incident_text(incident, timezone=timezone.key, now=now, circumstances=around), nl=False)
        elif form == "bundle":
            _write_bundle(reader, incident, config, output, timezone, now)
        else:
            content = _rendered(incident_dossier(reader, incident, now), form, timezone)
            write_output(output, lambda file: file.write(content))


def _rendered(dossier: Dossier, form: str, timezone: ZoneInfo) -> bytes:
    if form == "json":
        return msgspec.json.encode(dossier) + b"\n"
    page = dossier_html(dossier, timezone=timezone.key)
    if form == "html":
        return page.encode()
    try:
        return pdf_of(page)
    except MissingLibraryError as error:
        raise click.ClickException(str(error)) from error


def _write_bundle(
    reader: Reader, incident: Incident, config: Path, output: Path, timezone: ZoneInfo, now: float
) -> None:
    """Make the bundle beside nothing: its parts live in a temporary folder until the archive is whole."""
    sources = _sources(reader, config, began_at(incident))
    with tempfile.TemporaryDirectory(prefix="whydown-bundle-") as folder:
        try:
            made = make_bundle(sources, incident, Path(folder), now=now, timezone=timezone.key)
        except (BundleError, ReplayError, OSError) as error:
            raise click.ClickException(f"no bundle can be made: {error}") from error
        write_output(output, lambda file: write_archive(file, made.contents))
    _tell(made)


def _sources(reader: Reader, config: Path, at: float) -> Sources:
    try:
        loaded = load_config(config)
        document: Mapping[str, object] = tomllib.loads(config.read_text(encoding="utf-8"))
    except ConfigError as error:
        raise click.UsageError(f"a bundle needs the configuration: {error}") from error
    logs.configure()
    tables = asyncio.run(TableLoader().load(loaded, Tables(), at=at))
    knowledge = Knowledge.from_config(
        loaded, prefix_table=tables.prefixes, vrps=tables.vrps, relationships=tables.relationships
    )
    return Sources(reader=reader, config=loaded, document=document, knowledge=knowledge)


def _tell(made: MadeBundle) -> None:
    """On standard error: the fingerprint, and whether its facts give what was recorded."""
    click.echo(f"fingerprint (SHA-256 of its manifest): {made.fingerprint}", err=True)
    if made.manifest.as_recorded:
        click.echo("its facts give the very verdict that was recorded", err=True)
    else:
        click.echo(
            f"its facts give a verdict that differs from the recorded one in: {made.manifest.differs}", err=True
        )
    for kind, count in sorted(made.manifest.left_out.items()):
        click.echo(f"left out, for which there is no form: {count} {kind}", err=True)
