"""Which engine keeps a history at a place. The only module that knows all of them.

The client of PostgreSQL is an extra (`whydown[postgres]`), because most histories are a file; so its engine is
imported when a place asks for it.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from monitor.history.engine import ReadEngine, WriteEngine
from monitor.history.errors import HistoryError
from monitor.history.server_health import ServerHealth
from monitor.history.sqlite.reading import SqliteReading
from monitor.history.sqlite.writing import SqliteWriting
from monitor.model.history_place import DatabaseUrl, HistoryPlace


def open_writing(place: HistoryPlace) -> WriteEngine:
    """The engine for the writer.

    :raises HistoryError: see the engines' `open`, or its client is not installed
    """
    if isinstance(place, Path):
        return SqliteWriting.open(place)
    _check_client(place)
    from monitor.history.postgres.writing import PostgresWriting

    return PostgresWriting.open(place)


def open_reading(place: HistoryPlace) -> ReadEngine:
    """The engine for a reader.

    :raises HistoryError: see the engines' `open`, or its client is not installed
    """
    if isinstance(place, Path):
        return SqliteReading.open(place)
    _check_client(place)
    from monitor.history.postgres.reading import PostgresReading

    return PostgresReading.open(place)


def examine_server(place: DatabaseUrl, within_s: float) -> ServerHealth:
    """What is to be known of a history's server.

    :raises HistoryError: see `postgres.health.examine`, or its client is not installed
    """
    _check_client(place)
    from monitor.history.postgres.health import examine

    return examine(place, within_s)


def _check_client(place: DatabaseUrl) -> ModuleType:
    try:
        import psycopg
    except ImportError as error:
        raise HistoryError(
            f'history {place}: the client of PostgreSQL is missing ({error}); pip install "whydown[postgres]"'
        ) from error
    return psycopg
