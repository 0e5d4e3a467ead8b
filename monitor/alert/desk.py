"""The desk between what the diagnosis concludes and what people read: asks the ledger, looks around.

    change, time -> ledger (what to tell now) -> what else is known of it (history, ROAs) -> notices

What cannot be looked up costs a mail nothing but that part of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import structlog

from monitor.alert.calendar import last_time
from monitor.alert.contact_book import ContactBook
from monitor.alert.digest import digest_notices, summary_of
from monitor.alert.hooks import hook_notices
from monitor.alert.ledger import Ledger, Page, Telling, Wishes
from monitor.alert.mail import Foreword, notices
from monitor.alert.past_tellings import pages_of
from monitor.history import HistoryError, Notice, Reader
from monitor.model import Asn, Cause, Incident, IncidentChange, Prefix, ValidityResult, Vrp, parse_prefix
from monitor.model.history_place import HistoryPlace
from monitor.model.settings import AlertSettings, Config
from monitor.report.circumstances import Circumstances, Picture, incident_page, picture_of
from monitor.report.moment import length, zone
from monitor.report.words import labels

DIGEST_LATE_S = 6 * 3600.0
"""A digest that is later than this is left out: the next one is nearer."""

_ROUTE_FAULTS = frozenset({Cause.ROUTE_HIJACK, Cause.ROUTE_LEAK})

_log = structlog.get_logger("desk")

Validate = Callable[[Prefix, Asn | None], ValidityResult]
Voice = Callable[[AlertSettings, float], Foreword]
"""What stands before all that one tells who is not the only one to tell."""


class Desk:
    """Writes from the history at `place`. `validate`: asks the VRPs in force; None: there are none.

    What was told before its time it reads there too, when it is first asked. `voice`: of one who tells beside
    others; such a desk takes up only what was told from here, and sends no digest. Safe to share between threads.
    """

    def __init__(
        self,
        place: HistoryPlace,
        validate: Callable[[], Validate | None] = lambda: None,
        voice: Voice | None = None,
    ) -> None:
        self._place = place
        self._validate = validate
        self._voice = voice
        self._ledger: Ledger | None = None
        self._digested: date | None = None
        self._book: ContactBook | None = None
        self._turn = threading.Lock()

    def told(self, change: IncidentChange, config: Config) -> Sequence[Notice]:
        """The messages that are due with `change`."""
        with self._turn:
            ledger = self._opened(change.at)
            ledger.enter(change)
            return self._written(ledger, config, change.at)

    def enter(self, changes: Sequence[IncidentChange]) -> None:
        """Note changes, all before any of them is told (`due`): what is over already is no news."""
        with self._turn:
            for change in changes:
                self._opened(change.at).enter(change)

    def stand_down(self) -> None:
        """Forget what was kept: somebody else tells it from here on."""
        with self._turn:
            self._ledger = None

    def due(self, now: float, config: Config) -> Sequence[Notice]:
        """The messages that are due because time went on: what was kept, reminders, the daily digest."""
        with self._turn:
            found = [*self._written(self._opened(now), config, now)]
            found += self._digest(now, config)
            return found

    def _opened(self, now: float) -> Ledger:
        if self._ledger is None:
            try:
                with Reader.open(self._place) as reader:
                    self._ledger = Ledger(filter(self._is_ours, pages_of(reader, now)))
            except HistoryError as error:
                # Perhaps something is told twice now; asked again with each change, it would be told each time.
                _log.warning("told_before_not_known", error=str(error))
                self._ledger = Ledger()
        return self._ledger

    def _is_ours(self, page: Page) -> bool:
        return self._voice is None or (page.told is not None and page.incident.closed_at is None)

    def _written(self, ledger: Ledger, config: Config, now: float) -> list[Notice]:
        if not config.alert.tells_somebody:
            return []
        tellings = ledger.tell(wishes_of(config), now)
        found: list[Notice] = []
        for telling in tellings:
            try:
                found += self._messages(telling, now, config)
            except Exception:
                # A defect in how one message is written must not cost the others, nor end the monitor.
                incident = telling.change.incident.id
                _log.exception("notice_not_written", incident=incident, sequence=telling.change.sequence)
        return found

    def _messages(self, telling: Telling, now: float, config: Config) -> list[Notice]:
        """By mail, webhooks and commands."""
        change, foreword = telling.change, self._foreword(telling, config, now)
        around = self.circumstances(change.incident, now, config)
        found = list(
            notices(change, config.alert, foreword=foreword, circumstances=around, reminder=telling.reminder)
        )
        found += hook_notices(
            change, config.alert, foreword=foreword, circumstances=around, reminder=telling.reminder
        )
        return found

    def _foreword(self, telling: Telling, config: Config, now: float) -> Foreword | None:
        often = _comes_and_goes(telling, config)
        if self._voice is None:
            return often
        own = self._voice(config.alert, now)
        return own if often is None else replace(own, text=f"{own.text}\n\n{often.text}")

    def _digest(self, now: float, config: Config) -> Sequence[Notice]:
        """The digest of the day, at its hour or when the monitor is back a little later."""
        minute = config.alert.policy.digest
        if minute is None or config.alert.mail is None or self._voice is not None:
            return ()
        day, at = last_time(minute, now, zone(config.alert.timezone))
        if day == self._digested or now - at > DIGEST_LATE_S:
            return ()
        self._digested = day
        try:
            with Reader.open(self._place) as reader:
                return digest_notices(summary_of(reader, at), day, config)
        except HistoryError as error:
            _log.warning("digest_not_written", error=str(error))
            return ()

    def circumstances(self, incident: Incident, now: float, config: Config) -> Circumstances:
        """What is known of an incident beside its verdict."""
        base = config.web.url if config.web is not None else None
        return Circumstances(
            picture=self._picture(incident, now),
            roas=self._roas(incident),
            page=None if base is None else incident_page(base, incident.id),
            contacts=self._contacts(incident, config.alert.rdap),
        )

    def _contacts(self, incident: Incident, rdap: str | None) -> tuple[str, ...]:
        """How the network at fault is reached, and the one that passes its route on."""
        if rdap is None or incident.closed_at is not None or incident.cause not in _ROUTE_FAULTS:
            return ()
        if self._book is None or self._book.base != rdap:
            self._book = ContactBook(rdap)
        found = self._book.find(networks_at_fault(incident))
        return tuple(f"AS{asn} {contact}" for asn, contact in found.items())

    def _picture(self, incident: Incident, now: float) -> Picture | None:
        try:
            with Reader.open(self._place) as reader:
                return picture_of(incident, reader, now)
        except HistoryError as error:
            _log.warning("picture_not_drawn", incident=incident.id, error=str(error))
            return None

    def _roas(self, incident: Incident) -> tuple[Vrp, ...] | None:
        """The ROAs around the route at fault; None: not known, or no route is at fault."""
        detail = incident.detail
        if detail.prefix is None or (validate := self._validate()) is None:
            return None
        try:
            found = validate(parse_prefix(detail.prefix), next(map(Asn, detail.expected_origins), None))
        except ValueError:
            return None
        return (*found.matched, *found.wrong_length, *found.wrong_origin)


def networks_at_fault(incident: Incident) -> tuple[int, ...]:
    """Whom to call about a route: the culprit, and the neighbour on the new path that accepts it from there."""
    culprit, path = incident.detail.culprit, incident.detail.new_path
    if culprit is None:
        return ()
    place = path.index(culprit) if culprit in path else 0
    return (culprit, path[place - 1]) if place > 0 else (culprit,)


def wishes_of(config: Config) -> Wishes:
    """What the configuration says of when to tell."""
    return Wishes(
        policy=config.alert.policy,
        timezone=config.alert.timezone,
        severities={target.name: target.severity for target in config.targets},
        quorums={target.name: target.quorum for target in config.targets if target.quorum > 1},
    )


def _comes_and_goes(telling: Telling, config: Config) -> Foreword | None:
    """That a trouble comes and goes, where that is why the reader hears less of it."""
    if telling.times is None:
        return None
    language, flapping = config.alert.language, config.alert.policy.flapping
    text = labels.COMES_AND_GOES.text(
        language,
        times=telling.times,
        within=length(flapping.within_s, language),
        settle=length(flapping.settle_s, language),
    )
    return Foreword(text=text)
