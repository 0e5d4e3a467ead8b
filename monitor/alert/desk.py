"""The desk between what the diagnosis concludes and what people read: looks around, and has the mails written.

    change -> what is worth telling -> what else is known of it (history, ROAs) -> notices

What cannot be looked up costs a mail nothing but that part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from monitor.alert.mail import notices
from monitor.alert.policy import worth_telling
from monitor.history import HistoryError, Notice, Reader
from monitor.model import Asn, Incident, IncidentChange, Prefix, ValidityResult, Vrp, parse_prefix
from monitor.model.settings import Config
from monitor.report.circumstances import Circumstances, Picture, incident_page, picture_of

_log = structlog.get_logger("desk")

Validate = Callable[[Prefix, Asn | None], ValidityResult]


class Desk:
    """Writes from the history at `path`. `validate`: asks the VRPs in force; None: there are none."""

    def __init__(self, path: Path, validate: Callable[[], Validate | None] = lambda: None) -> None:
        self._path = path
        self._validate = validate

    def told(self, change: IncidentChange, config: Config) -> Sequence[Notice]:
        """The messages that `change` is worth."""
        if config.alert.mail is None or not worth_telling(change):
            return ()
        return notices(change, config.alert, circumstances=self.circumstances(change.incident, change.at, config))

    def circumstances(self, incident: Incident, now: float, config: Config) -> Circumstances:
        """What is known of an incident beside its verdict."""
        base = config.web.url if config.web is not None else None
        return Circumstances(
            picture=self._picture(incident, now),
            roas=self._roas(incident),
            page=None if base is None else incident_page(base, incident.id),
        )

    def _picture(self, incident: Incident, now: float) -> Picture | None:
        try:
            with Reader.open(self._path) as reader:
                return picture_of(incident, reader, now)
        except HistoryError as error:
            _log.warning("picture_not_drawn", incident=incident.id, error=str(error))
            return None

    def _roas(self, incident: Incident) -> tuple[Vrp, ...] | None:
        """The ROAs around the route at fault; None: not known, or no route is at fault."""
        validate, detail = self._validate(), incident.detail
        if validate is None or detail.prefix is None:
            return None
        try:
            found = validate(parse_prefix(detail.prefix), next(map(Asn, detail.expected_origins), None))
        except ValueError:
            return None
        return (*found.matched, *found.wrong_length, *found.wrong_origin)
