"""What webhooks and commands are given of an incident: one JSON object, or the text that a chat shows. Pure.

The JSON is `version`, `id` (the same when it is sent again), `kind` (opened, cause_changed, closed, reminder;
heard_again of an agent that was alone), `at`, `subject`, `text` (the report as plain text), `page` (of the
dashboard, or null) and `incident`, as `whydown replay --json` prints it (null with heard_again).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from monitor.alert.mail import Foreword, subject, turn_of
from monitor.history import Notice
from monitor.model import IncidentChange
from monitor.model.settings import AlertSettings, WebhookForm
from monitor.report import incident_text
from monitor.report.account import account_of
from monitor.report.circumstances import Circumstances
from monitor.report.safe_text import one_line

WEBHOOK = "webhook"
COMMAND = "command"

_VERSION = 1
_SUBJECT_LIMIT = 150


def hook_notices(
    change: IncidentChange,
    settings: AlertSettings,
    *,
    foreword: Foreword | None,
    circumstances: Circumstances,
    reminder: bool = False,
) -> Iterator[Notice]:
    """One notice for each webhook and command; none where there are none."""
    mark = f"[{foreword.mark}] " if foreword is not None and foreword.mark else ""
    line = one_line(mark + subject(change, settings.language, reminder=reminder), _SUBJECT_LIMIT)
    turn = turn_of(change, reminder=reminder)
    apart = f":{foreword.thread}" if foreword is not None and foreword.thread else ""
    for channel, name, form in _hooks(settings):
        key = f"{change.incident.id}:{turn}:{channel}:{name}{apart}"
        if form is WebhookForm.SLACK:
            payload = _chat(change, line, settings, circumstances)
        else:
            kind = "reminder" if reminder else change.kind.value
            payload = _object(change, key, kind, line, settings, foreword, circumstances)
        yield Notice(
            key=key,
            channel=channel,
            created_at=change.at,
            subject=line,
            payload=payload,
            recipients=(name,),
            incident_id=change.incident.id,
            sequence=change.sequence,
            message_id=key,
            next_try_at=change.at,
        )


def word_notices(
    identity: str, kind: str, line: str, text: str, settings: AlertSettings, at: float
) -> Iterator[Notice]:
    """One notice for each webhook and command of what is no incident; `identity`: its own for ever."""
    for channel, name, form in _hooks(settings):
        key = f"{identity}:{channel}:{name}"
        if form is WebhookForm.SLACK:
            payload = msgspec.json.encode({"text": f"*{_escaped(line)}*\n{_escaped(text)}"})
        else:
            said = {"kind": kind, "at": at, "subject": line, "text": text, "page": None, "incident": None}
            payload = msgspec.json.encode({"version": _VERSION, "id": key, **said})
        yield Notice(
            key=key, channel=channel, created_at=at, subject=line, payload=payload, recipients=(name,),
            incident_id=identity, sequence=1, message_id=key, next_try_at=at,
        )  # fmt: skip


def _hooks(settings: AlertSettings) -> Iterator[tuple[str, str, WebhookForm]]:
    """Channel, name and form of each."""
    yield from ((WEBHOOK, hook.name, hook.form) for hook in settings.webhooks)
    yield from ((COMMAND, hook.name, WebhookForm.JSON) for hook in settings.commands)


def _object(
    change: IncidentChange,
    key: str,
    kind: str,
    line: str,
    settings: AlertSettings,
    foreword: Foreword | None,
    circumstances: Circumstances,
) -> bytes:
    text = incident_text(
        change.incident,
        timezone=settings.timezone,
        now=change.at,
        foreword=foreword.text if foreword is not None else "",
        language=settings.language,
        circumstances=circumstances,
    )
    return msgspec.json.encode({
        "version": _VERSION,
        "id": key,
        "kind": kind,
        "at": change.at,
        "subject": line,
        "text": text,
        "page": circumstances.page,
        "incident": change.incident,
    })  # fmt: skip


def _chat(change: IncidentChange, line: str, settings: AlertSettings, circumstances: Circumstances) -> bytes:
    """Slack's form, which Mattermost and others take too: `text`, in which only & < > mean something."""
    account = account_of(
        change.incident,
        timezone=settings.timezone,
        now=change.at,
        language=settings.language,
        circumstances=circumstances,
    )
    steps = (f"{number}. {step}" for number, step in enumerate(account.steps, 1))
    lines = [f"*{_escaped(line)}*", *map(_escaped, (account.closed or "", account.sentence, *steps))]
    if account.page is not None:
        lines.append(f"<{account.page}>")
    return msgspec.json.encode({"text": "\n".join(filter(None, lines))})


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
