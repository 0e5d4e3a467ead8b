"""The day in one message: what was, worst first, as text and as HTML. Pure; who gets it is not known here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import chain

from monitor.model import Incident
from monitor.report.account import badge
from monitor.report.circumstances import incident_page
from monitor.report.headline import began_at, phrase, subject_of, witnesses
from monitor.report.moment import clock, length
from monitor.report.page_template import rendered
from monitor.report.safe_text import one_line
from monitor.report.words import Language
from monitor.report.words import digest as words

MOST_LISTED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An incident in three lines. `kept`: that nobody was told, and why. `page` or else `command` tells more."""

    is_open: bool
    badge: str
    whose: str
    what: str
    lasted: str
    seen: str
    kept: str | None
    page: str | None
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The digest. `more`: that further incidents are left out; `calm`: that there was none."""

    language: Language
    title: str
    entries: tuple[Entry, ...]
    more: str | None
    calm: str | None
    alive: str
    dead_man: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Who writes, and for whom. `dashboard`: its URL, None: there is none to link to."""

    monitor: str
    targets: int
    vantages: int
    language: Language
    where: tzinfo
    dashboard: str | None


def day_of(incidents: Sequence[Incident], told: Collection[str], date: str, at: float, setting: Setting) -> Day:
    """The digest of the day `date` that ended at `at`; `incidents` worst first, `told`: ids of those mailed of."""
    language, more = setting.language, len(incidents) - MOST_LISTED
    title = words.SUBJECT if incidents else words.QUIET_SUBJECT
    still = sum(incident.closed_at is None for incident in incidents)
    return Day(
        language=language,
        title=title.text(language, day=date, count=len(incidents), open=still),
        entries=tuple(_entry(one, one.id in told, at, setting) for one in incidents[:MOST_LISTED]),
        more=words.MORE.text(language, count=more) if more > 0 else None,
        calm=None if incidents else words.NOTHING.text(language),
        alive=words.ALIVE.text(
            language, monitor=one_line(setting.monitor, 64), targets=setting.targets, vantages=setting.vantages
        ),
        dead_man=words.DEAD_MAN.text(language),
    )


def digest_text(day: Day) -> str:
    """For a terminal, and for mail programs that show no HTML."""
    entries = chain.from_iterable(_lines(number, one) for number, one in enumerate(day.entries, 1))
    lines = [*filter(None, (day.calm,)), *entries, *filter(None, (day.more,)), "", day.alive, day.dead_man]
    return "\n".join(lines) + "\n"


def digest_html(day: Day) -> str:
    """The same as a page that needs nothing from elsewhere."""
    return rendered("digest.html", day=day)


def _lines(number: int, one: Entry) -> Iterator[str]:
    yield f"{number}. [{one.badge}] {one.whose}: {one.what}"
    yield f"   {one.lasted}, {one.seen}"
    if one.kept is not None:
        yield f"   {one.kept}"
    yield f"   {one.page or one.command}"


def _entry(incident: Incident, is_told: bool, at: float, setting: Setting) -> Entry:
    language, is_open = setting.language, incident.closed_at is None
    end = at if incident.closed_at is None else incident.closed_at
    began = began_at(incident)
    lasted = (words.OPEN if is_open else words.OVER).text(
        language, since=clock(began, setting.where), lasted=length(end - began, language)
    )
    return Entry(
        is_open=is_open,
        badge=badge(incident, language),
        whose=subject_of(incident, language),
        what=phrase(incident, language),
        lasted=lasted,
        seen=witnesses(incident, language),
        kept=None if is_told else words.NOT_TOLD.text(language),
        page=None if setting.dashboard is None else incident_page(setting.dashboard, incident.id),
        command=f"whydown explain {one_line(incident.id, 128)}",
    )
