"""Times and durations as people read them. Pure; the time zone is an argument."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from monitor.report.words import Language, labels

_LATEST = datetime(9999, 12, 30, tzinfo=UTC).timestamp()  # a day below the maximum: room for any zone


def zone(name: str) -> tzinfo:
    """The zone of that IANA name; UTC when this machine does not know it.

    A mail with the wrong zone is better than no mail; `check-config` is where a wrong name is refused.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown (ZoneInfoNotFoundError), malformed, a folder's name
        return UTC


def as_datetime(at: float, where: tzinfo = UTC) -> datetime:
    """Unix seconds as an aware datetime; what a datetime cannot hold is brought to the nearest it can."""
    held = min(max(at, 0.0), _LATEST) if at == at else 0.0
    return datetime.fromtimestamp(held, where)


def moment(at: float, where: tzinfo) -> str:
    """`2022-02-03 11:20:05 KST (02:20:05 UTC)`; the UTC part has its date when it is another day."""
    local = as_datetime(at, where)
    utc = as_datetime(at)
    if local.utcoffset() == utc.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    form = "%H:%M:%S" if local.date() == utc.date() else "%Y-%m-%d %H:%M:%S"
    return f"{local:%Y-%m-%d %H:%M:%S %Z} ({utc.strftime(form)} UTC)"


def clock(at: float, where: tzinfo) -> str:
    """`02-03 11:20:05 KST`: for tables, where the year is plain."""
    return f"{as_datetime(at, where):%m-%d %H:%M:%S %Z}"


def length(seconds: float, language: Language = Language.EN) -> str:
    """`45 s`, `12 min 5 s`, `2 h 08 min`, `3 d 4 h`."""
    whole = 0 if seconds != seconds or seconds <= 0 else round(min(seconds, 1e12))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return labels.DAYS.text(language, days=days, hours=hour)
    if hours:
        return labels.HOURS.text(language, hours=hours, minutes=minute)
    if minutes:
        return labels.MINUTES.text(language, minutes=minutes, seconds=second)
    return labels.SECONDS.text(language, seconds=second)


def milliseconds(seconds: float | None) -> str:
    """`84 ms`, `4.2 ms`, `1.25 s`: what a request takes; a dash where it was not measured."""
    if seconds is None:
        return "–"
    if seconds >= 1.0:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
