"""Which history a verb works on: `--database`, or what the configuration file says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from monitor.config import ConfigError, load_config
from monitor.history import HistoryError

Command = TypeVar("Command", bound=Callable[..., Any])


def history_options(function: Command) -> Command:
    """Add `--config` and `--database` to a verb."""
    function = click.option(
        "--database", type=click.Path(path_type=Path), help="The history's file; default: what --config says."
    )(function)
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        default=Path("config.toml"),
        show_default=True,
        help="The configuration file that names the history.",
    )(function)


def history_path(database: Path | None, config: Path) -> Path:
    """The history's file.

    :raises click.ClickException: no file was given and the configuration is of no help (exit 2)
    """
    if database is not None:
        return database
    if not config.exists():
        raise click.UsageError(f"no --database was given, and there is no {config} that would name it")
    try:
        return load_config(config).history.path
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def plain_errors() -> Iterator[None]:
    """Show a history's error as one line (exit 1), not as a traceback."""
    try:
        yield
    except HistoryError as error:
        raise click.ClickException(str(error)) from error
