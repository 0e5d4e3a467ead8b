"""Where a verb's output goes that is not for a terminal: a file that is there as a whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import click

from monitor.files import MissingLibraryError

STANDARD_OUTPUT = Path("-")


def write_output(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Have `write` fill a file beside `path`, which then takes its place; `-` is standard output.

    :raises click.ClickException: it cannot be written, or a library for it is missing (exit 1)
    """
    try:
        if path == STANDARD_OUTPUT:
            write(sys.stdout.buffer)
            return
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with unfinished.open("xb") as file:
                write(file)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except MissingLibraryError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from error
