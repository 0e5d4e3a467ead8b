"""Forgetting what is older than it should be kept, and what only that referred to.

Facts go by target, each in a transaction of its own, so that the write-ahead log stays small. An incident
goes with its changes when it was closed before the limit; an open one stays, however old. Dictionary
entries that nothing refers to any more go last: the schema's foreign keys say who refers to what.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict

from sqlite_utils import Database

from monitor.history import intake, outbox
from monitor.history.glossary import DICTIONARIES
from monitor.history.observation_rows import SHELVES
from monitor.history.resolution import bound_micros
from monitor.history.route_rows import ROUTE_SHELVES


def prune(database: Database, before: float) -> int:
    """Delete facts, closed incidents and ended notices from before `before` (Unix seconds); how many rows."""
    deleted = _delete_facts(database, bound_micros(before))
    with database.atomic():
        deleted += _delete_incidents(database.conn, before)
        deleted += outbox.delete_ended(database.conn, before)
        intake.forget(database.conn, before)
    if deleted:
        with database.atomic():
            _delete_unreferenced(database.conn)
    return deleted


def _delete_facts(database: Database, before_us: int) -> int:
    deleted = 0
    targets = [target for (target,) in database.conn.execute("SELECT id FROM target")]
    for shelf in SHELVES.values():
        for target in targets:
            with database.atomic():
                deleted += database.conn.execute(
                    f"DELETE FROM {shelf.table} WHERE target = ? AND done < ?",  # noqa: S608
                    (target, before_us),
                ).rowcount
    for table in (shelf.table for shelf in ROUTE_SHELVES.values()):
        with database.atomic():
            deleted += database.conn.execute(
                f"DELETE FROM {table} WHERE at < ?",  # noqa: S608
                (before_us,),
            ).rowcount
    return deleted


def _delete_incidents(connection: sqlite3.Connection, before: float) -> int:
    deleted = connection.execute(
        "DELETE FROM incident_change WHERE incident IN (SELECT id FROM incident WHERE closed_at < ?)", (before,)
    ).rowcount
    return deleted + connection.execute("DELETE FROM incident WHERE closed_at < ?", (before,)).rowcount


def _delete_unreferenced(connection: sqlite3.Connection) -> None:
    uses: dict[str, list[str]] = defaultdict(list)
    facts = (shelf.table for shelves in (SHELVES, ROUTE_SHELVES) for shelf in shelves.values())
    # A vantage whose facts are all gone may still send again what it sent before.
    tables = [*facts, "contact", "settled"]
    for table in tables:
        for row in connection.execute(f"PRAGMA foreign_key_list({table})"):
            dictionary, column = row[2], row[3]
            uses[dictionary].append(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")  # noqa: S608
    for dictionary in DICTIONARIES:
        used = " UNION ".join(uses[dictionary])
        connection.execute(f"DELETE FROM {dictionary} WHERE id NOT IN ({used})")  # noqa: S608
    connection.execute("DELETE FROM fact_number WHERE vantage NOT IN (SELECT id FROM vantage)")
