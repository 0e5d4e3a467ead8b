"""`whydown recover`: make a damaged history usable again."""

from __future__ import annotations

import time
from pathlib import Path

import click

from monitor.commands.history_file import history_options, history_path, plain_errors
from monitor.history.recovery import recover


@click.command(short_help="Make a damaged history usable again.")
@history_options
def command(config: Path, database: Path | None) -> None:
    """Copy what can be read of a damaged history into a new file, which takes its place.

    The damaged file is kept beside it, under a name that says when; nothing is lost by trying. The monitor must
    not be running, and the disk needs room for a second file. A sound file is left as it is.

    \b
    whydown recover
    whydown recover --database /var/lib/whydown/whydown.db
    """
    path = history_path(database, config)
    with plain_errors():
        done = recover(path, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    if done.damaged is None:
        click.echo(f"{path}: sound, left as it is")
        return
    for table in done.tables:
        lost = [f"{table.holes} unreadable places"] * bool(table.holes)
        lost += [f"{table.useless} rows without what they refer to"] * bool(table.useless)
        if table.rows or lost:
            click.echo(f"{table.table:18} {table.rows:12,} rows{'; ' if lost else ''}{', '.join(lost)}")
    click.echo(f"{path}: recovered; the damaged file is {done.damaged}")
