"""Where facts are kept, when that is a database: its server, the tables, the clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.alert.worker_thread import in_own_thread
from monitor.doctor.finding import Finding
from monitor.history import HistoryError, HistoryMissingError
from monitor.history.opening import examine_server
from monitor.history.server_health import ServerHealth
from monitor.model.history_place import DatabaseUrl
from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State
from probes import clock

LOOK_S = 10.0
CLOCK_S = 1.0
"""By how much the clocks may differ: days are dropped by ours and looked at by theirs."""

_DAY_S = 86_400.0
_CHECK = "history"


async def look_at_database(place: DatabaseUrl) -> Sequence[Finding]:
    """Whether it can be reached, has our tables, keeps what it acknowledges, and what time it has."""
    try:
        health: ServerHealth = await in_own_thread(lambda: examine_server(place, LOOK_S), "doctor's look there")
    except HistoryMissingError as error:
        return [Finding(check=_CHECK, state=State.WARNING, text=one_line(str(error), 300))]
    except HistoryError as error:
        return [Finding(check=_CHECK, state=State.CRITICAL, text=one_line(str(error), 300))]
    return list(_findings(place, health, clock.wall()))


def _findings(place: DatabaseUrl, health: ServerHealth, now: float) -> Iterator[Finding]:
    size = f"{health.bytes_there / 2**20:,.0f} MiB, {health.days} days of requests"
    away_ms = health.round_trip_s * 1e3
    yield Finding(
        check=_CHECK, state=State.OK,
        text=one_line(f"{place}: PostgreSQL {health.version}, {away_ms:.1f} ms away; {size}", 300),
    )  # fmt: skip
    if health.unsafe:
        yield Finding(
            check=_CHECK, state=State.CRITICAL,
            text=f"{', '.join(health.unsafe)} off: what was acknowledged may be lost with the server's power",
            todo="switch it on in postgresql.conf",
        )  # fmt: skip
    if health.last_day is not None and health.last_day < int(now // _DAY_S) - 1:
        yield Finding(
            check=_CHECK, state=State.WARNING,
            text=f"no request since {int(now // _DAY_S) - health.last_day} days: is a monitor writing it?",
        )  # fmt: skip
    if abs(health.clock_ahead_s) > CLOCK_S + health.round_trip_s:
        yield Finding(
            check=_CHECK, state=State.WARNING,
            text=f"the server's clock is {health.clock_ahead_s:+.1f} s beside this machine's",
            todo="let both follow NTP",
        )  # fmt: skip
