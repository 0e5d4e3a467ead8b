"""Looking at a history's server: reads only, and ends in time."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.history.postgres import days
from monitor.history.postgres.named_errors import named_errors
from monitor.history.postgres.reading import PostgresReading
from monitor.history.server_health import ServerHealth
from monitor.model.history_place import DatabaseUrl
from probes import clock

_NEEDED = ("fsync", "full_page_writes", "synchronous_commit")


@dataclass(frozen=True, slots=True)
class _Clock:
    ahead_s: float
    round_trip_s: float


def examine(place: DatabaseUrl, within_s: float) -> ServerHealth:
    """Ask the server for its version, its clock, its settings, and the history's days.

    :raises HistoryMissingError: there is none yet
    :raises HistoryError: the server cannot be reached within `within_s`, or it is not a history of this version
    """
    engine = PostgresReading.open(place)
    try:
        with named_errors(place):
            ask = engine.connection.execute
            ask("SELECT set_config('statement_timeout', ?, false)", (str(round(within_s * 1000)),))
            offset = _clock(engine)
            found = days.partitions(engine.connection, "request")
            settings = ask("SELECT name FROM pg_settings WHERE name = ANY (?::text::text[]) AND setting = 'off'",
                           ("{" + ",".join(_NEEDED) + "}",)).fetchall()  # fmt: skip
            ((size, version),) = ask(
                "SELECT pg_database_size(current_database()), current_setting('server_version')"
            ).fetchall()
    finally:
        engine.close()
    return ServerHealth(
        version=version.split()[0],
        round_trip_s=offset.round_trip_s,
        clock_ahead_s=offset.ahead_s,
        days=len(found),
        last_day=found[-1][0] if found else None,
        unsafe=tuple(sorted(name for (name,) in settings)),
        bytes_there=size,
    )


def _clock(engine: PostgresReading) -> _Clock:
    """How far the server's clock is ahead, by the quickest of some questions."""
    best = _Clock(0.0, float("inf"))
    for _ in range(5):
        asked_at, asked = clock.wall(), clock.monotonic()
        ((said,),) = engine.connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchall()
        took = clock.monotonic() - asked
        if took < best.round_trip_s:
            best = _Clock(said - asked_at - took / 2, took)
    return best
