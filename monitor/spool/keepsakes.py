"""What hubs have taken and may ask for again: copies of acknowledged facts, for a while.

A hub behind brokers answers when these hold a fact. Should all of them lose power together, their last seconds are
gone; then the hub's word for its epoch changes, and the agent owes it again what it had taken lately.

Works on the connection of `Spool`, inside its transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

TABLE = """CREATE TABLE IF NOT EXISTS keepsake (hub INTEGER NOT NULL, sequence INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (hub, sequence)) STRICT,
    WITHOUT ROWID"""
"""`acknowledged`: when, Unix milliseconds; the rest as in `fact`."""


def keep(connection: sqlite3.Connection, bit: int, sequences: Sequence[int], now: int) -> None:
    """Copy facts that a hub has just taken; before they leave the spool."""
    connection.executemany(
        "INSERT OR REPLACE INTO keepsake SELECT ?, sequence, ?, at, body FROM fact WHERE sequence = ?",
        [(bit, now, sequence) for sequence in sequences],
    )


def owe_again(connection: sqlite3.Connection, bit: int) -> int:
    """Owe a hub what is kept of what it took; how many facts."""
    owed = connection.execute(
        "INSERT INTO fact SELECT sequence, ?1, at, body FROM keepsake WHERE hub = ?1"
        " ON CONFLICT (sequence) DO UPDATE SET owed = owed | excluded.owed",
        (bit,),
    )
    connection.execute("DELETE FROM keepsake WHERE hub = ?", (bit,))
    return owed.rowcount


def forget(connection: sqlite3.Connection, before: int) -> None:
    """Forget what was acknowledged before `before`, Unix milliseconds."""
    connection.execute("DELETE FROM keepsake WHERE acknowledged < ?", (before,))


def lowest(connection: sqlite3.Connection, bit: int) -> int | None:
    """The lowest number that a hub may yet be owed again; None: nothing is kept for it."""
    (found,) = connection.execute("SELECT min(sequence) FROM keepsake WHERE hub = ?", (bit,)).fetchone()
    return None if found is None else int(found)
