"""Whether a moment is inside of hours that recur, by the wall clock of a time zone. Pure.

A wall clock is what people plan by: hours that the change to summer time leaves out do not come that day, those
that it repeats come twice.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

from monitor.model.alert_policy import Hours, Maintenance, Once
from monitor.report.moment import as_datetime, zone


def is_during(hours: Hours, at: float, where: tzinfo) -> bool:
    """Whether `at` (Unix seconds) is in these hours; their begin is, their end is not."""
    local = as_datetime(at, where)
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if hours.begin < hours.end:
        return today in hours.days and hours.begin <= minute < hours.end
    began_today = today in hours.days and minute >= hours.begin
    return began_today or ((today - 1) % 7 in hours.days and minute < hours.end)


def is_maintained(windows: tuple[Maintenance, ...], targets: tuple[str, ...], at: float) -> bool:
    """Whether each of `targets` is being worked at; what concerns no target never is."""
    return bool(targets) and all(any(_covers(window, target, at) for window in windows) for target in targets)


def last_time(minute: int, at: float, where: tzinfo) -> tuple[date, float]:
    """The last time that it was this minute of the day, not after `at`: its day, and Unix seconds."""
    day = as_datetime(at, where).date()
    moment = _moment(day, minute, where)
    if moment > at:
        day -= timedelta(days=1)
        moment = _moment(day, minute, where)
    return day, moment


def _moment(day: date, minute: int, where: tzinfo) -> float:
    return datetime.combine(day, time(minute // 60, minute % 60), where).timestamp()


def _covers(window: Maintenance, target: str, at: float) -> bool:
    if window.targets and target not in window.targets:
        return False
    if isinstance(window.when, Once):
        return window.when.begin <= at < window.when.end
    return is_during(window.when, at, zone(window.timezone))
