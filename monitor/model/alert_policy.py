"""When people want to be told, as values. What they mean is `monitor.alert`'s to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

EVERY_DAY = frozenset(range(7))
"""Monday is 0, as `datetime.weekday` has it."""


class Severity(StrEnum):
    """How much a target matters: whether its trouble may wake somebody."""

    CRITICAL = "critical"
    NORMAL = "normal"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Hours of the day by a wall clock, on the days on which they begin.

    `begin`, `end`: minutes since midnight; an end that is not after the begin is on the next day.
    """

    begin: int
    end: int
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """One time, [begin, end), Unix seconds."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """When work at `targets` (none: at all of them) is expected to break them; `timezone`: of the hours."""

    when: Hours | Once
    targets: frozenset[str] = frozenset()
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """A target whose trouble began more than `times` within `within_s` is told of only what lasts `settle_s`."""

    times: int = 3
    within_s: float = 3600.0
    settle_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """`remind_s` None: never. `quiet`: hours in which only what is urgent is told. `digest`: minute of the day."""

    remind_s: float | None = 4 * 3600.0
    quiet: Hours | None = None
    digest: int | None = None
    maintenance: tuple[Maintenance, ...] = ()
    flapping: Flapping = field(default_factory=Flapping)
