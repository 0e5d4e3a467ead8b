"""Statements beside the store, on any engine: what people with sqlite3 and psql do."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg

from monitor.model.history_place import DatabaseUrl, HistoryPlace


def ask(place: HistoryPlace, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Run a statement, committed at once; its rows. A value stands where `?` is."""
    if isinstance(place, DatabaseUrl):
        with psycopg.connect(place.text, autocommit=True) as session:
            cursor = session.execute(statement.replace("%", "%%").replace("?", "%s"), values)
            return cursor.fetchall() if cursor.description is not None else []
    with closing(sqlite3.connect(place)) as connection, connection:
        return connection.execute(statement, tuple(values)).fetchall()
