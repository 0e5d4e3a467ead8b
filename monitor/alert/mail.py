"""An incident's change as a mail: a subject that decides, text and HTML, one thread an incident.

Composing is pure: the same change and settings give the same bytes, so saving a notice twice saves it once.
Headers follow RFC 5322, the marking of automatic mail RFC 3834. Every string from outside was made one
printable line by `report`; the email package refuses a line end in a header besides.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from typing import Protocol

from monitor.history import Notice
from monitor.model import Cause, ChangeKind, Incident, IncidentChange
from monitor.model.settings import AlertSettings, MailSettings
from monitor.report import incident_html, incident_text
from monitor.report.account import badge
from monitor.report.cause_name import short_name
from monitor.report.circumstances import NOTHING, Circumstances
from monitor.report.headline import began_at, phrase, subject_of, witnesses
from monitor.report.moment import as_datetime, length
from monitor.report.safe_text import one_line
from monitor.report.words import Language, labels

CHANNEL = "mail"
# A phone shows some 40 to 80 characters, so what decides stands first; the rest is for the search.
_SUBJECT_LIMIT = 150
_ID_LIMIT = 100
# Quoted-printable lines have at most 76 characters (RFC 2045 section 6.7), encoded words 75 (RFC 2047).
FOLDED = SMTP.clone(max_line_length=76)
# Headers in ASCII stay on one line (RFC 5322 section 2.1.1 allows 998 octets): folded, a long subject would
# begin on the second line, and a Message-ID is one that not every program puts together again.
_UNFOLDED = SMTP.clone(max_line_length=500)
# Without the characters that some mailers mangle although RFC 5322 allows them in a msg-id.
_NOT_IN_MESSAGE_ID = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreword:
    """What stands before the account of an incident: `mark` in the subject, `text` in the body.

    `thread`: keeps the mails of one who tells by himself apart from those of others about the same incident.
    """

    text: str
    mark: str = ""
    thread: str = ""


def notices(
    change: IncidentChange,
    settings: AlertSettings,
    *,
    foreword: Foreword | None = None,
    circumstances: Circumstances = NOTHING,
    reminder: bool = False,
) -> tuple[Notice, ...]:
    """What the outbox owes for `change`: one notice a recipient; none when there is nobody to write to.

    One a recipient, because servers accept and refuse recipients one by one: greylisting of the first must
    neither delay the second nor be forgotten for his sake. All carry the same message with one Message-ID.
    Whether it is worth telling was decided before. `reminder`: it was told, and goes on.
    """
    if settings.mail is None:
        return ()
    message = compose(change, settings, foreword, circumstances, reminder=reminder)
    turn = turn_of(change, reminder=reminder)
    return tuple(_notice(change, turn, message, recipient) for recipient in settings.mail.to)


def compose(
    change: IncidentChange,
    settings: AlertSettings,
    foreword: Foreword | None = None,
    circumstances: Circumstances = NOTHING,
    *,
    reminder: bool = False,
) -> EmailMessage:
    """The message about `change`.

    :raises ValueError: `settings` name nobody to write to
    """
    if settings.mail is None:
        raise ValueError("no mail settings: there is nobody to write to")
    incident = change.incident
    message = EmailMessage(policy=FOLDED)
    line = subject(change, settings.language, reminder=reminder)
    _address(message, change, settings.mail, line, turn_of(change, reminder=reminder), foreword)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Whydown-Incident"] = one_line(incident.id, _ID_LIMIT)
    message["X-Whydown-Cause"] = incident.cause.value
    tell = partial(_told, change, settings, foreword.text if foreword is not None else "", circumstances)
    set_texts(message, tell(incident_text), tell(incident_html))
    return message


def set_texts(message: EmailMessage, text: str, html: str) -> None:
    """The body: both forms of the same. Mail programs show the last that they can."""
    message.set_content(text, cte=_encoding(text))
    message.add_alternative(html, subtype="html", cte=_encoding(html))
    # The part boundary is random otherwise; the same change must give the same bytes.
    message.set_boundary(f"=-whydown-{hashlib.sha256((text + html).encode()).hexdigest()[:32]}")


class _Form(Protocol):
    def __call__(
        self,
        incident: Incident,
        *,
        timezone: str,
        now: float,
        foreword: str,
        language: Language,
        circumstances: Circumstances,
    ) -> str: ...


def _told(
    change: IncidentChange, settings: AlertSettings, foreword: str, circumstances: Circumstances, form: _Form
) -> str:
    return form(
        change.incident, timezone=settings.timezone, now=change.at, foreword=foreword, language=settings.language,
        circumstances=circumstances,
    )  # fmt: skip


def subject(change: IncidentChange, language: Language = Language.EN, *, reminder: bool = False) -> str:
    """`[hijack 98%] qr-checkin: 211.249.221.0/24 now from AS9457, 5 of 7 vantages` and the like."""
    incident = change.incident
    who, shown = subject_of(incident, language), badge(incident, language)
    if incident.joined is not None:
        other = one_line(incident.joined, _ID_LIMIT)
        said = labels.SUBJECT_JOINED.text(language, who=who, badge=shown, other=other)
    elif change.kind is ChangeKind.CLOSED:
        end = incident.closed_at if incident.closed_at is not None else change.at
        lasted = length(end - began_at(incident), language)
        said = labels.SUBJECT_CLOSED.text(language, who=who, badge=shown, lasted=lasted)
    elif reminder:
        lasts = length(change.at - began_at(incident), language)
        said = labels.SUBJECT_REMINDER.text(
            language, badge=shown, who=who, what=phrase(incident, language), lasts=lasts
        )
    else:
        # A faulty vantage is its own only witness, so its number says nothing.
        form = labels.SUBJECT if incident.cause is Cause.VANTAGE_FAULT else labels.SUBJECT_SEEN
        said = form.text(
            language, badge=_with_before(change, shown, language), who=who, what=phrase(incident, language),
            seen=witnesses(incident, language),
        )  # fmt: skip
    return one_line(said, _SUBJECT_LIMIT)


def message_id(incident_id: str, turn: str, sender: str) -> str:
    """The Message-ID of one mail about an incident: the same for ever, so that a mail sent again is known."""
    token = _NOT_IN_MESSAGE_ID.sub("-", incident_id)
    if token != incident_id or len(token) > _ID_LIMIT:
        token = f"{token[:_ID_LIMIT]}-{hashlib.sha256(incident_id.encode(errors='replace')).hexdigest()[:12]}"
    return f"<{token}.{turn}.whydown@{sender.rpartition('@')[2]}>"


def wire_form(message: EmailMessage) -> bytes:
    """The message as an outbox keeps it."""
    return message.as_bytes(policy=_UNFOLDED if str(message["Subject"]).isascii() else FOLDED)


def _address(
    message: EmailMessage,
    change: IncidentChange,
    mail: MailSettings,
    line: str,
    turn: str,
    foreword: Foreword | None,
) -> None:
    """The headers of who, what, when, and the thread.

    Whether or not the incident's first change was mailed, all later mails refer to its Message-ID: mail
    readers join a thread by a common reference, and none has to be looked up.
    """
    apart = "" if foreword is None or not foreword.thread else f".{foreword.thread}"
    first = message_id(change.incident.id + apart, "1", mail.sender)
    own = message_id(change.incident.id + apart, turn, mail.sender)
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    mark = "" if foreword is None or not foreword.mark else f"[{foreword.mark}] "
    message["Subject"] = one_line(mark + line, _SUBJECT_LIMIT)
    message["Date"] = format_datetime(as_datetime(change.at))
    message["Message-ID"] = own
    if own != first:
        message["In-Reply-To"] = first
        message["References"] = first


def _encoding(text: str) -> str:
    """Both need no 8BITMIME of the server; the first can be read as it is, the second is shorter."""
    return "quoted-printable" if text.isascii() else "base64"


def _with_before(change: IncidentChange, shown: str, language: Language) -> str:
    """The badge, `was overload, now hijack 98%` when the readers were told another cause before."""
    before = change.previous_cause
    if change.kind is not ChangeKind.CAUSE_CHANGED or before is None or before is Cause.INSUFFICIENT:
        return shown
    same = before is change.incident.cause
    # The same name again: what changed is whether it is only suspected.
    name = short_name(before, suspected=same and not change.incident.suspected, language=language)
    return labels.WAS_NOW.text(language, before=name, badge=shown)


def turn_of(change: IncidentChange, *, reminder: bool) -> str:
    """Which message of an incident it is: that of a change, or a reminder of one, at its time."""
    return f"{change.sequence}-r{change.at:.0f}" if reminder else str(change.sequence)


def _notice(change: IncidentChange, turn: str, message: EmailMessage, recipient: str) -> Notice:
    reader = hashlib.sha256(recipient.encode()).hexdigest()[:16]
    return Notice(
        key=f"{change.incident.id}:{turn}:{CHANNEL}:{reader}",
        channel=CHANNEL,
        created_at=change.at,
        subject=str(message["Subject"]),
        payload=wire_form(message),
        recipients=(recipient,),
        incident_id=change.incident.id,
        sequence=change.sequence,
        message_id=str(message["Message-ID"]),
        next_try_at=change.at,
    )
