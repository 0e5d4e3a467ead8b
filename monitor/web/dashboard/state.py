"""The state of a target at a vantage in a few words, from its newest request. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.history.answers import Newest
from monitor.model import Cause, Incident
from monitor.report.account import badge
from monitor.report.headline import failure_name
from monitor.report.moment import milliseconds
from monitor.report.words import Language, pages


class Level(StrEnum):
    """How bad something is: a colour and a sign on the page."""

    GOOD = "good"
    WATCH = "watch"
    BAD = "bad"
    NONE = "none"


_SIGN = {Level.GOOD: "✓", Level.WATCH: "!", Level.BAD: "✕", Level.NONE: "–"}

# Causes that do not say that users suffer from somebody's malice or failure right now.
_MILD = frozenset({Cause.ROUTE_MOVED, Cause.ROUTE_CHANGE, Cause.VANTAGE_FAULT, Cause.INSUFFICIENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One target at one vantage. `text`: the time it took or the failure; `detail`: for who looks closer."""

    vantage: str
    level: Level
    text: str
    detail: str

    @property
    def sign(self) -> str:
        """The level without colour."""
        return _SIGN[self.level]


def cell_of(vantage: str, newest: Newest | None, language: Language) -> Cell:
    """The cell of a vantage; `newest` None: it has not measured the target lately."""
    if newest is None:
        return Cell(
            vantage=vantage,
            level=Level.NONE,
            text=pages.NO_DATA.text(language),
            detail=pages.NOT_LATELY.text(language),
        )
    seen = newest.observation
    rounds = pages.ROUNDS.text(language, failed=newest.failed, rounds=newest.rounds)
    if seen.failure is not None:
        status = f" {seen.status}" if seen.status is not None else ""
        name = failure_name(seen.failure.value, language)
        return Cell(
            vantage=vantage, level=Level.BAD, text=status.strip() or name, detail=f"{name}{status}; {rounds}"
        )
    level = Level.WATCH if newest.failed else Level.GOOD
    status = f"{pages.STATUS.text(language, status=seen.status)}; " if seen.status is not None else ""
    return Cell(vantage=vantage, level=level, text=milliseconds(seen.total_s), detail=status + rounds)


def level_of(incident: Incident) -> Level:
    """How bad an open incident is."""
    return Level.WATCH if incident.suspected or incident.cause in _MILD else Level.BAD


def concerns(incident: Incident, target: str) -> bool:
    """Whether an incident is of this target."""
    return target in (incident.target, *incident.members)


def verdict_of(
    target: str, open_incidents: Sequence[Incident], cells: Collection[Cell], language: Language
) -> tuple[Level, str]:
    """What is concluded of a target now."""
    mine = next((one for one in open_incidents if concerns(one, target)), None)
    if mine is not None:
        return level_of(mine), badge(mine, language)
    if all(cell.level is Level.NONE for cell in cells):
        return Level.NONE, pages.NO_DATA.text(language)
    return Level.GOOD, pages.OK.text(language)
