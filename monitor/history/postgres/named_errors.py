"""What psycopg raises, as errors of the history that name the database and say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from monitor.history.errors import (
    DamagedValueError,
    HistoryDamagedError,
    HistoryError,
    HistoryForeignError,
    HistoryFullError,
    HistoryMissingError,
    HistoryUnreachableError,
)
from monitor.model.history_place import DatabaseUrl

# The last: a day that this process knows was dropped by another one; our own tables check nothing.
_PASSING = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable, errors.CheckViolation)
_CORRUPT = (errors.DataCorrupted, errors.IndexCorrupted)
# A refused connection has its reason in words only, which are English unless the server was told otherwise.
_NO_DATABASE = re.compile(r'FATAL:  ?database ".*" does not exist', re.DOTALL)
_DENIED = (errors.InsufficientPrivilege, errors.InvalidPassword, errors.InvalidAuthorizationSpecification)


def is_lost(error: BaseException, connection: psycopg.Connection[object]) -> bool:
    """Whether the connection went with the error: the server ended, or cannot be reached."""
    return isinstance(error, psycopg.Error) and (connection.closed or connection.broken)


def may_pass(error: BaseException) -> bool:
    """Whether the transaction may succeed when it is run again."""
    return isinstance(error, _PASSING)


def named_error(place: DatabaseUrl, error: psycopg.Error) -> HistoryError:
    """The HistoryError for what psycopg raised."""
    said = f"history {place}: {' '.join(str(error).split())}"
    if isinstance(error, errors.DiskFull):
        return HistoryFullError(f"{said}: no room is left there; what was acknowledged is kept")
    if isinstance(error, _CORRUPT):
        return HistoryDamagedError(f"{said}: the database is damaged; a backup has to take its place")
    if isinstance(error, errors.UndefinedTable | errors.UndefinedColumn | errors.InvalidSchemaName):
        return HistoryForeignError(
            f"{said}: not a history of this version; `whydown run` brings an older one up to date"
        )
    if isinstance(error, _DENIED):
        return HistoryError(f"{said}; the user of the URL needs the right to it")
    if isinstance(error, psycopg.OperationalError) and _NO_DATABASE.search(str(error)):
        return HistoryMissingError(f"{said}; make it: createdb whydown")
    if isinstance(error, psycopg.OperationalError):
        return HistoryUnreachableError(said)
    return HistoryError(said)


@contextmanager
def named_errors(place: DatabaseUrl) -> Iterator[None]:
    """Turn what psycopg raises, and what we find, into a HistoryError that names the database."""
    try:
        yield
    except psycopg.Error as error:
        raise named_error(place, error) from error
    except DamagedValueError as error:
        raise HistoryDamagedError(f"history {place}: {error}: rows were deleted that others need") from error
