"""What an agent says when its hubs are away and it has to tell by itself: that it is alone, and what that means.

Composing is pure, like that of every mail. When to tell is not decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

from monitor.alert.mail import CHANNEL, Foreword, message_id, wire_form
from monitor.history import Notice
from monitor.model.settings import AlertSettings
from monitor.report.moment import as_datetime, length, moment, zone
from monitor.report.safe_text import listed, one_line

HEARD_AGAIN = "heard-again"
"""The beginning of what the outbox takes for the incident of a closing mail."""

_SUBJECT_LIMIT = 150
_MOST_LISTED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """Who is alone: an agent at `vantage` that has heard none of `hubs` since `since`, Unix seconds."""

    vantage: str
    hubs: tuple[str, ...]
    since: float

    def foreword(self, at: float, timezone: str) -> Foreword:
        """What stands before an incident that this agent tells of at `at`."""
        vantage = one_line(self.vantage, 64)
        return Foreword(
            mark=f"alone: {vantage}",
            thread=self.vantage,
            text=(
                f"This is the agent at {vantage}, and it is alone: it has not heard {listed(self.hubs, 2)} since"
                f" {moment(self.since, zone(timezone))} ({length(at - self.since)}), so it tells this by itself."
                " It knows only what it measures. Whether other vantages see the same, it cannot know; nor what"
                " BGP says, but for feeds of its own; so it can hardly tell a far server's trouble from that of"
                f" a network near {vantage}, nor a hijack from either. When a hub is heard again, this agent says"
                " so and falls silent; the hub then judges anew, and may tell of the same."
            ),
        )


def heard_again(alone: Alone, told: Sequence[str], at: float, settings: AlertSettings) -> tuple[Notice, ...]:
    """The closing mail of a time alone in which mails with the subjects `told` went out; one a recipient."""
    mail = settings.mail
    if mail is None:
        return ()
    vantage = one_line(alone.vantage, 64)
    incident = f"{HEARD_AGAIN}-{at:.3f}"
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = one_line(
        f"[no longer alone: {vantage}] a hub is heard again, and tells from here on", _SUBJECT_LIMIT
    )
    message["Date"] = format_datetime(as_datetime(at))
    message["Message-ID"] = message_id(f"{incident}.{alone.vantage}", 1, mail.sender)
    message["Auto-Submitted"] = "auto-generated"
    text = (
        f"The agent at {vantage} hears a hub again ({listed(alone.hubs, 2)}), at"
        f" {moment(at, zone(settings.timezone))}. It brings there what it measured meanwhile, and tells no more by"
        " itself. How that goes on which it told of, the hub says if it sees it too.\n\n"
        "Told while alone:\n"
        + "".join(f"- {one_line(subject, _SUBJECT_LIMIT)}\n" for subject in told[-_MOST_LISTED:])
    )
    message.set_content(text, cte="quoted-printable" if text.isascii() else "base64")
    return tuple(
        Notice(
            key=f"{incident}:{CHANNEL}:{hashlib.sha256(recipient.encode()).hexdigest()[:16]}",
            channel=CHANNEL,
            created_at=at,
            subject=str(message["Subject"]),
            payload=wire_form(message),
            recipients=(recipient,),
            incident_id=incident,
            sequence=1,
            message_id=str(message["Message-ID"]),
            next_try_at=at,
        )
        for recipient in mail.to
    )
