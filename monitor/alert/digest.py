"""The daily digest: what was, worst first, and that the monitor lives. Pure but for reading the history.

It is sent on a day without trouble too: who misses it knows that the monitor, or the way of its mails, is down.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from email.utils import format_datetime

from monitor.alert.mail import CHANNEL, FOLDED, message_id, set_texts, wire_form
from monitor.history import Notice, Reader
from monitor.model import Incident
from monitor.model.settings import Config, MailSettings
from monitor.report.digest import Setting, day_of, digest_html, digest_text
from monitor.report.headline import began_at
from monitor.report.moment import as_datetime, zone
from monitor.report.safe_text import one_line

DAY_S = 86_400.0
DIGEST = "digest"
"""What the outbox takes for the incident of a digest begins so."""

_SUBJECT_LIMIT = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The day that ended at `at`: its incidents, worst first; ids of those told of; the vantages known."""

    at: float
    incidents: tuple[Incident, ...]
    told: frozenset[str]
    vantages: tuple[str, ...]


def summary_of(reader: Reader, at: float) -> Summary:
    """Read the day before `at`.

    :raises HistoryError: the history cannot be read
    """
    found = reader.incidents(at - DAY_S, at)
    return Summary(
        at=at,
        incidents=tuple(sorted(found, key=lambda incident: _badness(incident, at))),
        told=frozenset(incident for incident, _, _ in reader.told(at - 30 * DAY_S)),
        vantages=tuple(reader.vantages()),
    )


def digest_notices(summary: Summary, day: date, config: Config) -> tuple[Notice, ...]:
    """The digest of `day`, one a recipient; none when there is nobody to write to."""
    mail = config.alert.mail
    if mail is None:
        return ()
    message = _message(summary, day, config, mail)
    identity = f"{DIGEST}-{day.isoformat()}"
    return tuple(
        Notice(
            key=f"{identity}:{CHANNEL}:{hashlib.sha256(recipient.encode()).hexdigest()[:16]}",
            channel=CHANNEL,
            created_at=summary.at,
            subject=str(message["Subject"]),
            payload=wire_form(message),
            recipients=(recipient,),
            incident_id=identity,
            sequence=1,
            message_id=str(message["Message-ID"]),
            next_try_at=summary.at,
        )
        for recipient in mail.to
    )


def _message(summary: Summary, date: date, config: Config, mail: MailSettings) -> EmailMessage:
    setting = Setting(
        monitor=config.vantage, targets=len(config.targets), vantages=len(summary.vantages),
        language=config.alert.language, where=zone(config.alert.timezone),
        dashboard=config.web.url if config.web is not None else None,
    )  # fmt: skip
    day = day_of(summary.incidents, summary.told, date.isoformat(), summary.at, setting)
    message = EmailMessage(policy=FOLDED)
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = one_line(day.title, _SUBJECT_LIMIT)
    message["Date"] = format_datetime(as_datetime(summary.at))
    message["Message-ID"] = message_id(f"{DIGEST}-{config.vantage}", date.isoformat(), mail.sender)
    message["Auto-Submitted"] = "auto-generated"
    set_texts(message, digest_text(day), digest_html(day))
    return message


def _badness(incident: Incident, at: float) -> tuple[bool, float, float]:
    """What is open comes first, then by how many vantages saw it times how long it lasted."""
    end = incident.closed_at if incident.closed_at is not None else at
    share = len(incident.affected) / max(incident.vantages, 1)
    members = max(len(incident.members), 1)
    return incident.closed_at is not None, -share * members * (end - began_at(incident)), incident.opened_at
