"""How often something is measured and how long one measurement may take."""

from __future__ import annotations

from monitor.config.duration import DAY, duration
from monitor.config.table import Table

# Below half a second a probe would overlap its own successor on an ordinary intercontinental exchange.
INTERVAL = duration(0.5, DAY)
TIMEOUT = duration(0.1, 120.0)


def read_pace(table: Table, interval_s: float, timeout_s: float) -> tuple[float, float]:
    """`interval` and `timeout` of a table in seconds, with these defaults.

    A measurement must be over before its successor starts, so the timeout ends with the interval; the default
    timeout shrinks to it by itself.
    """
    interval_s = table.get("interval", INTERVAL, interval_s)
    timeout_s = table.get("timeout", TIMEOUT, min(timeout_s, interval_s))
    if timeout_s > interval_s:
        table.reject("timeout", "must not be longer than the interval")
    return interval_s, timeout_s
