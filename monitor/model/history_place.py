"""Where a history is: a file on this machine, or a database on a PostgreSQL server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SCHEMES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A connection string `postgresql://…` without a password, so that it may be shown and logged.

    `password_file`: whose first line is the password; None: libpq looks where it always does, if one is asked.
    """

    text: str
    password_file: Path | None = None

    def __str__(self) -> str:
        return self.text


HistoryPlace = Path | DatabaseUrl
