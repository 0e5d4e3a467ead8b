"""`whydown import history`: a whole history from one place to another, whatever engines keep them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from monitor.commands.history_file import Place, history_options, history_place, plain_errors
from monitor.history.transfer import Copied, transfer
from monitor.model.history_place import HistoryPlace

_SHOWN_DIGITS = 12


@click.command(short_help="All of another history into an empty one.")
@click.argument("source", type=Place())
@history_options
@click.pass_context
def history(ctx: click.Context, source: HistoryPlace, config: Path, database: HistoryPlace | None) -> None:
    """All of the history at SOURCE, a file or a postgresql:// URL, into an empty one: facts, roll-ups, incidents,
    notices, seals, and which shipments are settled.

    No monitor may be running on either. Ended half way, the same command goes on. At the end both sides are read
    again and compared, table by table. Exit 1: they differ, or one cannot be used.

    \b
    whydown import history data/whydown.db --database "postgresql://whydown@/whydown"
    whydown import history "postgresql://whydown@/whydown" --database copy.db
    """
    with plain_errors():
        found = transfer(source, history_place(database, config), _Progress())
    for one in found:
        if one.rows or one.rows_there:
            click.echo(_line(one))
    different = [one.table for one in found if not one.is_equal]
    if different:
        raise click.ClickException(f"these differ: {', '.join(different)}; make the target anew and try again")
    click.echo(f"{sum(one.rows for one in found):,} rows, the same on both sides")


def _line(one: Copied) -> str:
    said = f"{one.table:18} {one.rows:12,} rows  {one.digest[:_SHOWN_DIGITS]}"
    if one.is_equal:
        return f"{said}  as there"
    return f"{said}  there {one.rows_there:,} rows  {one.digest_there[:_SHOWN_DIGITS]}"


class _Progress:
    """A line that is written over on a terminal; a line a table elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()

    def __call__(self, table: str, rows: int, of: int) -> None:
        if self._is_terminal:
            click.echo(f"\r{table}: {rows:,} of {of:,} rows\x1b[K", err=True, nl=rows >= of)
        elif rows >= of:
            click.echo(f"{table}: {rows:,} rows copied", err=True)
