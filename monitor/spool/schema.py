"""The tables of the spool file, and the connection to it.

- `fact`: what was measured, by its number. `owed` has a bit for each hub that has not got it; a fact that is owed
  to nobody is deleted. `at`: when it was complete, Unix milliseconds. `body`: the observation as MessagePack.
- `hub`: which bit is whose.
- `loss`: facts that were given up and that no hub has been told of, by hub.
- `memo`: texts that the agent wants to find again after a restart.
- `keepsake`: what hubs have taken lately (`keepsakes`).
- `counter`: the next number, and the number up to which facts were thinned.

Numbers start at the microseconds of the Unix time at which the spool is opened, or go on from the last one where
that is higher. So a spool that was lost and made anew, or that a power cut took back by a moment, never gives a
number twice: a hub would take the second fact for one that it has.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from monitor.spool import keepsakes
from monitor.spool.errors import SpoolError

# "whys" in ASCII (PRAGMA application_id), and the layout's number (PRAGMA user_version).
APPLICATION_ID = 0x77687973
LAYOUT = 1

MOST_HUBS = 8

_TABLES = (
    """CREATE TABLE fact (sequence INTEGER PRIMARY KEY, owed INTEGER NOT NULL, at INTEGER NOT NULL,
    body BLOB NOT NULL) STRICT""",
    "CREATE INDEX fact_owed ON fact (owed, sequence)",
    "CREATE TABLE hub (bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """CREATE TABLE loss (id INTEGER PRIMARY KEY, hub INTEGER NOT NULL, count INTEGER NOT NULL,
    since INTEGER NOT NULL, until INTEGER NOT NULL, thinned INTEGER NOT NULL) STRICT""",
    "CREATE TABLE memo (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT",
    "CREATE TABLE counter (next INTEGER NOT NULL, thinned INTEGER NOT NULL) STRICT",
    "INSERT INTO counter VALUES (1, 0)",
)

_SETTINGS = (
    "PRAGMA trusted_schema = OFF",
    # A number must not be given twice, so what was committed must outlive a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA journal_size_limit = 16777216",
    "PRAGMA cache_size = -8192",
)


def connect(path: Path, now: float) -> sqlite3.Connection:
    """Open or make the spool at `path`; numbers go on from `now`, Unix seconds, or the last one.

    :raises SpoolError: another agent has it open, it is not a spool, or it cannot be written
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise SpoolError(f"spool {path}: cannot be opened: {error}") from error
    try:
        _prepare(connection, path)
        connection.execute("UPDATE counter SET next = max(next, ?)", (int(now * 1e6),))
    except sqlite3.Error as error:
        connection.close()
        raise SpoolError(f"spool {path}: cannot be used: {error}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # Held until the end: two agents with one spool would give the same numbers, or send each other's facts.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and (application, layout) != (APPLICATION_ID, LAYOUT):
        raise SpoolError(f"spool {path}: another program's database, or of another version; left as it is")
    if not tables:
        # Takes effect only before the first table; a spool that was full gives its space back.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    for setting in _SETTINGS:
        connection.execute(setting)
    connection.execute("BEGIN IMMEDIATE")
    if not tables:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {LAYOUT}")
    connection.execute(keepsakes.TABLE)  # an older spool has none yet
    connection.execute("COMMIT")


def assign_bits(connection: sqlite3.Connection, hubs: tuple[str, ...]) -> dict[str, int]:
    """The bit of each hub; what was owed to a hub that is no longer there is owed no more."""
    known = {str(name): int(bit) for bit, name in connection.execute("SELECT bit, name FROM hub")}
    for name in known.keys() - set(hubs):
        bit = known.pop(name)
        connection.execute("UPDATE fact SET owed = owed & ~? WHERE owed & ?", (bit, bit))
        connection.execute("DELETE FROM loss WHERE hub = ?", (bit,))
        connection.execute("DELETE FROM keepsake WHERE hub = ?", (bit,))
        connection.execute("DELETE FROM hub WHERE bit = ?", (bit,))
    connection.execute("DELETE FROM fact WHERE owed = 0")
    free = (bit for bit in (1 << place for place in range(MOST_HUBS)) if bit not in known.values())
    for name in hubs:
        if name not in known:
            known[name] = next(free)
            connection.execute("INSERT INTO hub VALUES (?, ?)", (known[name], name))
    return known
