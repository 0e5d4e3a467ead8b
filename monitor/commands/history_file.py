"""Which history a verb works on: `--database`, or what the configuration file says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from monitor.config import ConfigError, load_config
from monitor.config.history_place import database_url
from monitor.config.table import UnfitError
from monitor.history import HistoryError
from monitor.model.history_place import SCHEMES, HistoryPlace

Command = TypeVar("Command", bound=Callable[..., Any])


class Place(click.ParamType[HistoryPlace]):
    """Where a history is: a file, or the URL of a database."""

    name = "place"

    def convert(
        self, value: str | HistoryPlace, param: click.Parameter | None, ctx: click.Context | None
    ) -> HistoryPlace:
        """The place; a text with one of the schemes is a URL."""
        if not isinstance(value, str):
            return value
        if not value.startswith(SCHEMES):
            return Path(value)
        try:
            return database_url(value)
        except UnfitError as error:
            self.fail(f"must be {error}", param, ctx)


def history_options(function: Command) -> Command:
    """Add `--config` and `--database` to a verb."""
    function = click.option(
        "--database", type=Place(), help="The history's file or postgresql:// URL; default: what --config says."
    )(function)
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        default=Path("config.toml"),
        show_default=True,
        help="The configuration file that names the history.",
    )(function)


def history_place(database: HistoryPlace | None, config: Path) -> HistoryPlace:
    """Where the history is.

    :raises click.ClickException: no place was given and the configuration is of no help (exit 2)
    """
    if database is not None:
        return database
    if not config.exists():
        raise click.UsageError(f"no --database was given, and there is no {config} that would name it")
    try:
        return load_config(config).history.place
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show a history's error as one line (exit 1), not as a traceback."""
    try:
        yield
    except HistoryError as error:
        raise click.ClickException(str(error)) from error
