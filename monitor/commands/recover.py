"""`whydown recover`: make a damaged history usable again."""

from __future__ import annotations

import time
from pathlib import Path

import click

from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.history.sqlite.recovery import recover
from monitor.model.history_place import HistoryPlace


@click.command(short_help="Make a damaged history usable again.")
@history_options
def command(config: Path, database: HistoryPlace | None) -> None:
    """Copy what can be read of a damaged history into a new file, which takes its place.

    The damaged file is kept beside it, under a name that says when; nothing is lost by trying. The monitor must
    not be running, and the disk needs room for a second file. A sound file is left as it is.

    \b
    whydown recover
    whydown recover --database /var/lib/whydown/whydown.db
    """
    path = history_place(database, config)
    if not isinstance(path, Path):
        raise click.UsageError(f"{path} is a server's, which recovers by itself or from its backups")
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
