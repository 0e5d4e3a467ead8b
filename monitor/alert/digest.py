"""The daily digest: what was, worst first, and that the monitor lives. Pure but for reading the history.

It is sent on a day without trouble too: who misses it knows that the monitor, or the way of its mails, is down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from email.utils import format_datetime

from monitor.alert.mail import CHANNEL, message_id, wire_form
from monitor.history import Notice, Reader
from monitor.model import Incident
from monitor.model.settings import Config, MailSettings
from monitor.report.account import badge
from monitor.report.circumstances import incident_page
from monitor.report.headline import began_at, phrase, subject_of, witnesses
from monitor.report.moment import as_datetime, clock, length, zone
from monitor.report.safe_text import one_line
from monitor.report.words import Language
from monitor.report.words import digest as words

DAY_S = 86_400.0
MOST_LISTED = 30
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


def _message(summary: Summary, day: date, config: Config, mail: MailSettings) -> EmailMessage:
    language = config.alert.language
    still = sum(incident.closed_at is None for incident in summary.incidents)
    said = words.SUBJECT if summary.incidents else words.QUIET_SUBJECT
    line = said.text(language, day=day.isoformat(), count=len(summary.incidents), open=still)
    text = "\n".join(_lines(summary, config, language)) + "\n"
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = one_line(line, _SUBJECT_LIMIT)
    message["Date"] = format_datetime(as_datetime(summary.at))
    message["Message-ID"] = message_id(f"{DIGEST}-{config.vantage}", day.isoformat(), mail.sender)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable" if text.isascii() else "base64")
    return message


def _lines(summary: Summary, config: Config, language: Language) -> Sequence[str]:
    lines = [words.NOTHING.text(language)] if not summary.incidents else []
    for number, incident in enumerate(summary.incidents[:MOST_LISTED], 1):
        first, *others = _told_of(incident, summary, config, language)
        lines += [f"{number}. {first}", *(f"   {line}" for line in others)]
    if len(summary.incidents) > MOST_LISTED:
        lines.append(words.MORE.text(language, count=len(summary.incidents) - MOST_LISTED))
    alive = words.ALIVE.text(
        language, monitor=one_line(config.vantage, 64), targets=len(config.targets), vantages=len(summary.vantages)
    )
    return [*lines, "", alive, words.DEAD_MAN.text(language)]


def _told_of(incident: Incident, summary: Summary, config: Config, language: Language) -> Sequence[str]:
    where = zone(config.alert.timezone)
    end = incident.closed_at if incident.closed_at is not None else summary.at
    lasted = length(end - began_at(incident), language)
    state = words.OPEN if incident.closed_at is None else words.OVER
    lines = [
        f"[{badge(incident, language)}] {subject_of(incident, language)}: {phrase(incident, language)}",
        state.text(language, since=clock(began_at(incident), where), lasted=lasted)
        + ", "
        + witnesses(incident, language),
    ]
    if incident.id not in summary.told:
        lines.append(words.NOT_TOLD.text(language))
    if config.web is not None and config.web.url is not None:
        lines.append(incident_page(config.web.url, incident.id))
    else:
        lines.append(f"whydown explain {one_line(incident.id, 128)}")
    return lines


def _badness(incident: Incident, at: float) -> tuple[bool, float, float]:
    """What is open comes first, then by how many vantages saw it times how long it lasted."""
    end = incident.closed_at if incident.closed_at is not None else at
    share = len(incident.affected) / max(incident.vantages, 1)
    members = max(len(incident.members), 1)
    return incident.closed_at is not None, -share * members * (end - began_at(incident)), incident.opened_at
