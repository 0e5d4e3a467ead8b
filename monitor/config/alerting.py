"""Reads [alert]: who is told, in which language, when, and when not."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from monitor.config import address, value
from monitor.config.duration import DAY, MINUTE, duration
from monitor.config.secret import secret_file
from monitor.config.table import Table, UnfitError
from monitor.model.alert_policy import EVERY_DAY, AlertPolicy, Flapping, Hours, Maintenance, Once
from monitor.model.language import Language
from monitor.model.settings import AlertSettings, CommandSettings, MailSettings, WebhookForm, WebhookSettings

MAX_WINDOWS = 1_000
MAX_TARGETS = 10_000
MAX_HOOKS = 100
MAX_WORDS = 100

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_HOURS = re.compile(rf"({_CLOCK.pattern}) ?- ?({_CLOCK.pattern})")


class _Day(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


def read_alert(table: Table, folder: Path) -> AlertSettings:
    """[alert] and what is under it; nobody is told without a mail, a webhook or a command."""
    zone = table.get("timezone", _timezone, AlertSettings().timezone)
    language = table.get("language", value.choice(Language), Language.EN)
    rdap = table.get("rdap", address.url(("https", "http")), None)
    policy = _read_policy(table, zone)
    webhooks = _read_webhooks(table.tables("webhook", MAX_HOOKS), folder)
    commands = _read_commands(table.tables("command", MAX_HOOKS))
    mail_table = table.table("mail")
    mail = _read_mail(mail_table, folder) if table.has("mail") else None
    table.close()
    return AlertSettings(
        mail=mail,
        webhooks=webhooks,
        commands=commands,
        language=language,
        rdap=rdap,
        timezone=zone,
        policy=policy,
    )


def _read_policy(table: Table, zone: str) -> AlertPolicy:
    defaults = AlertPolicy()
    return AlertPolicy(
        remind_s=table.get("remind", _duration_or_never, defaults.remind_s),
        quiet=table.get("quiet", _hours, None),
        digest=table.get("digest", _minute, None),
        maintenance=tuple(
            window
            for one in table.tables("maintenance", MAX_WINDOWS)
            if (window := _read_maintenance(one, zone)) is not None
        ),
        flapping=_read_flapping(table.table("flapping")),
    )


def _read_flapping(table: Table) -> Flapping:
    defaults = Flapping()
    flapping = Flapping(
        times=table.get("times", value.integer(1, 1_000), defaults.times),
        within_s=table.get("within", duration(MINUTE, DAY), defaults.within_s),
        settle_s=table.get("settle", duration(1.0, DAY), defaults.settle_s),
    )
    table.close()
    return flapping


def _read_maintenance(table: Table, zone: str) -> Maintenance | None:
    """One [[alert.maintenance]]: hours that recur, or once from one moment to another."""
    hours: Hours | None = table.get("hours", _hours, None)
    days = table.get("days", value.list_of(value.choice(_Day), 7, least=1), tuple(_Day))
    begin: float | None = table.get("from", _moment, None)
    end: float | None = table.get("to", _moment, None)
    targets: tuple[str, ...] = table.get("targets", value.list_of(value.name, MAX_TARGETS, least=1), ())
    own_zone = table.get("timezone", _timezone, zone)
    when = _when(table, hours, frozenset(map(list(_Day).index, days)), begin, end)
    table.close()
    return None if when is None else Maintenance(when=when, targets=frozenset(targets), timezone=own_zone)


def _when(
    table: Table, hours: Hours | None, days: frozenset[int], begin: float | None, end: float | None
) -> Hours | Once | None:
    """What the keys together say; None after a mistake was reported."""
    once = [key for key in ("from", "to") if table.has(key)]
    if table.has("hours"):
        if once:
            table.reject(once[0], "does not go with hours, which recur")
        return None if hours is None else Hours(begin=hours.begin, end=hours.end, days=days or EVERY_DAY)
    if len(once) < 2:
        table.reject("hours", 'is missing, such as "02:00-04:00"; or from and to, for once')
        return None
    if table.has("days"):
        table.reject("days", "goes with hours; from and to are once")
    if begin is None or end is None:
        return None
    if end <= begin:
        table.reject("to", "must be later than from")
    return Once(begin=begin, end=end)


def _read_webhooks(tables: tuple[Table, ...], folder: Path) -> tuple[WebhookSettings, ...]:
    """Every [[alert.webhook]]; one without a name is called by its place."""
    hooks: list[WebhookSettings] = []
    for table in tables:
        hook = WebhookSettings(
            name=_hook_name(table, "webhook", [one.name for one in hooks]),
            url=table.get("url", address.url(("https", "http")), ""),
            url_file=table.get("url_file", secret_file(folder), None),
            form=table.get("format", value.choice(WebhookForm), WebhookForm.JSON),
        )
        if not (table.has("url") or table.has("url_file")):
            table.reject("url", "is missing; it, or url_file, says where to post")
        if table.has("url") and table.has("url_file"):
            table.reject("url_file", "does not go with url; one of them says where to post")
        table.close()
        hooks.append(hook)
    return tuple(hooks)


def _read_commands(tables: tuple[Table, ...]) -> tuple[CommandSettings, ...]:
    """Every [[alert.command]]; one without a name is called by its place."""
    hooks: list[CommandSettings] = []
    for table in tables:
        hook = CommandSettings(
            name=_hook_name(table, "command", [one.name for one in hooks]),
            run=table.require("run", _words, ()),
            timeout_s=table.get("timeout", duration(1.0, 10 * MINUTE), 30.0),
        )
        table.close()
        hooks.append(hook)
    return tuple(hooks)


def _hook_name(table: Table, kind: str, taken: list[str]) -> str:
    """What the outbox knows it by: notices of a hook wait under its name."""
    name = table.get("name", value.name, f"{kind}-{len(taken) + 1}")
    if name in taken:
        table.reject("name", f'must differ from those of the other {kind}s; "{name}" is taken')
    return name


def _words(found: object) -> tuple[str, ...]:
    """A command and its arguments, of which several may be the same."""
    if not isinstance(found, list) or not 0 < len(found) <= MAX_WORDS:
        raise UnfitError(f'a list of 1 to {MAX_WORDS} texts, such as ["/usr/local/bin/page", "--urgent"]')
    if not all(isinstance(word, str) and word and "\0" not in word for word in found):
        raise UnfitError("a list of texts, none of them empty")
    return tuple(found)


def _read_mail(table: Table, folder: Path) -> MailSettings:
    defaults = MailSettings(to=())
    server = address.url(("smtp", "smtps", "smtp+starttls"), user=True, path=False)
    mail = MailSettings(
        to=table.require("to", value.list_of(address.mail_address, 100, least=1), ()),
        smtp=table.get("smtp", server, defaults.smtp),
        sender=table.get("sender", address.mail_address, defaults.sender),
        password_file=table.get("password_file", secret_file(folder), defaults.password_file),
    )
    has_user = urlsplit(mail.smtp).username is not None
    if has_user and not table.has("password_file"):
        table.reject("smtp", "has a user, so password_file must name the file with the password")
    if table.has("password_file") and not has_user:
        table.reject("password_file", "goes with a user in smtp, such as smtp+starttls://USER@HOST:587")
    table.close()
    return mail


def _timezone(found: object) -> str:
    allowed = 'an IANA time zone such as "Europe/Amsterdam"'
    if not isinstance(found, str) or len(found) > 64:
        raise UnfitError(allowed)
    try:
        zoneinfo.ZoneInfo(found)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise UnfitError(allowed) from error
    return found


def _duration_or_never(found: object) -> float | None:
    if found == "never":
        return None
    try:
        return duration(MINUTE, 30 * DAY)(found)
    except UnfitError as unfit:
        raise UnfitError(f'{unfit}; or "never"') from unfit


def _minute(found: object) -> int:
    match = _CLOCK.fullmatch(found) if isinstance(found, str) else None
    if match is None:
        raise UnfitError('a time of the day such as "08:00"')
    return int(match[1]) * 60 + int(match[2])


def _hours(found: object) -> Hours:
    match = _HOURS.fullmatch(found) if isinstance(found, str) else None
    if match is None or match[1] == match[4]:
        raise UnfitError('two times of the day such as "22:00-07:00"')
    return Hours(begin=_minute(match[1]), end=_minute(match[4]))


def _moment(found: object) -> float:
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise UnfitError("a time with its offset, such as 2026-12-01T02:00:00+09:00, without quotes")
    return found.timestamp()
