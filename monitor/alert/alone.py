"""What an agent says when its hubs are away and it has to tell by itself: that it is alone, and what that means.

Composing is pure, like that of every mail. When to tell is not decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

from monitor.alert.hooks import word_notices
from monitor.alert.mail import CHANNEL, Foreword, message_id, wire_form
from monitor.history import Notice
from monitor.model.settings import AlertSettings, MailSettings
from monitor.report.moment import as_datetime, length, moment, zone
from monitor.report.safe_text import listed, one_line
from monitor.report.words import alone as words

HEARD_AGAIN = "heard-again"
"""The beginning of what the outbox takes for the incident of a closing word."""

_SUBJECT_LIMIT = 150
_MOST_LISTED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """Who is alone: an agent at `vantage` that has heard none of `hubs` since `since`, Unix seconds."""

    vantage: str
    hubs: tuple[str, ...]
    since: float

    def foreword(self, settings: AlertSettings, at: float) -> Foreword:
        """What stands before an incident that this agent tells of at `at`."""
        vantage, language = one_line(self.vantage, 64), settings.language
        return Foreword(
            mark=words.MARK.text(language, vantage=vantage),
            thread=self.vantage,
            text=words.FOREWORD.text(
                language,
                vantage=vantage,
                hubs=listed(self.hubs, 2),
                since=moment(self.since, zone(settings.timezone)),
                unheard=length(at - self.since, language),
            ),
        )


def heard_again(alone: Alone, told: Sequence[str], at: float, settings: AlertSettings) -> tuple[Notice, ...]:
    """The closing word of a time alone in which messages with the subjects `told` went out, on every way."""
    vantage = one_line(alone.vantage, 64)
    line = one_line(words.HEARD_SUBJECT.text(settings.language, vantage=vantage), _SUBJECT_LIMIT)
    heard = words.HEARD.text(
        settings.language, vantage=vantage, hubs=listed(alone.hubs, 2), at=moment(at, zone(settings.timezone))
    )
    subjects = "".join(f"- {one_line(subject, _SUBJECT_LIMIT)}\n" for subject in told[-_MOST_LISTED:])
    text = f"{heard}\n\n{words.TOLD_ALONE.text(settings.language)}\n{subjects}"
    identity = f"{HEARD_AGAIN}-{at:.3f}"
    by_mail = () if settings.mail is None else _mails(identity, alone.vantage, line, text, settings.mail, at)
    return (*by_mail, *word_notices(identity, "heard_again", line, text, settings, at))


def _mails(identity: str, vantage: str, line: str, text: str, mail: MailSettings, at: float) -> tuple[Notice, ...]:
    """One a recipient."""
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = line
    message["Date"] = format_datetime(as_datetime(at))
    message["Message-ID"] = message_id(f"{identity}.{vantage}", "1", mail.sender)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable" if text.isascii() else "base64")
    return tuple(
        Notice(
            key=f"{identity}:{CHANNEL}:{hashlib.sha256(recipient.encode()).hexdigest()[:16]}",
            channel=CHANNEL,
            created_at=at,
            subject=line,
            payload=wire_form(message),
            recipients=(recipient,),
            incident_id=identity,
            sequence=1,
            message_id=str(message["Message-ID"]),
            next_try_at=at,
        )
        for recipient in mail.to
    )
