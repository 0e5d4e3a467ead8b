"""Connecting to the server: what we ask of every session, and what is said when it cannot be had."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from monitor.config.secret import first_line
from monitor.history.errors import HistoryError
from monitor.history.postgres.named_errors import named_errors
from monitor.history.postgres.statements import adapt
from monitor.model.history_place import DatabaseUrl

LEAST_VERSION = 150000
"""PostgreSQL 15: Debian 12's. Nothing older is tested."""

# Where the URL does not say otherwise: a server that is gone without a word (power, cable) is missed within half a
# minute instead of the quarter of an hour that TCP takes.
_USUAL = {
    "application_name": "whydown",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def connect(place: DatabaseUrl) -> psycopg.Connection[Any]:
    """A session in which every statement is its own transaction until BEGIN.

    :raises HistoryError: the server does not answer, or does not let us in
    """
    with named_errors(place):
        given = conninfo_to_dict(place.text)
        usual: dict[str, Any] = {key: value for key, value in _USUAL.items() if key not in given}
        if (password := _password(place)) is not None:
            usual["password"] = password
        connection = psycopg.connect(place.text, autocommit=True, **usual)
        adapt(connection.adapters)
        return connection


def _password(place: DatabaseUrl) -> str | None:
    """The first line of the file; read at each connection, so that a new one is used without a restart."""
    if place.password_file is None:
        return None
    try:
        return first_line(place.password_file)
    except (OSError, UnicodeError) as error:
        said = f"password_file {place.password_file} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise HistoryError(f"history {place}: {said}") from error
