"""An incident as plain text: the mail's first part and `whydown report`. Pure."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable

from monitor.model import Incident
from monitor.report.account import Account, Claim, Hop, account_of
from monitor.report.circumstances import NOTHING, Circumstances
from monitor.report.safe_text import one_line
from monitor.report.vantage_table import VantageRow, vantage_table
from monitor.report.words import Language, Said, labels

# Mail clients on a phone wrap earlier by themselves; on a terminal this reads well.
_WIDTH = 72
_NAME_LIMIT = 24


def incident_text(
    incident: Incident,
    *,
    timezone: str,
    now: float,
    terms_by: str | None = None,
    foreword: str = "",
    language: Language = Language.EN,
    circumstances: Circumstances = NOTHING,
) -> str:
    """The whole report as text, ending in a line end. `now`: Unix seconds, how long an open one lasts.

    `terms_by`: the command that prints all terms; None: `whydown explain`, for an incident of the history.
    `foreword`: what a reader has to know before it.
    """
    account = account_of(incident, timezone=timezone, now=now, language=language, circumstances=circumstances)
    blocks = [_filled(foreword), _lead(account), _page(account), _steps(account), _facts(account)]
    blocks += [_vantages(account, timezone), _path(account)]
    blocks += [_claims(account, labels.FOR_IT, account.in_favour)]
    blocks += [_claims(account, labels.AGAINST_IT, account.against)]
    blocks += [_rest(account), _commands(account, terms_by)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _lead(account: Account) -> str:
    badge = account.badge.upper()
    title = account.says(labels.CLOSED_BADGE, badge=badge).upper() if account.closed else badge
    return f"{title}\n" + _filled(f"{account.closed or ''} {account.sentence}".strip())


def _page(account: Account) -> str:
    return f"{account.says(labels.PAGE)}: {account.page}" if account.page else ""


def _steps(account: Account) -> str:
    if not account.steps:
        return ""
    lines = (_filled(step, first=f"{number}. ") for number, step in enumerate(account.steps, 1))
    return "\n".join([_heading(account, labels.DO_FIRST), *lines])


def _facts(account: Account) -> str:
    wide = max(_columns(label) for label, _ in account.facts)
    lines = (_filled(value, first=_padded(label, wide) + "  ") for label, value in account.facts)
    return "\n".join([_heading(account, labels.FACTS), *lines])


def _vantages(account: Account, timezone: str) -> str:
    """A line a vantage, and under it the bars: side by side they would not fit a phone."""
    if account.picture is None:
        return ""
    found = vantage_table(account.picture, timezone)
    heads = (account.says(one) for one in (labels.VANTAGE, labels.FAILED, labels.USUALLY, labels.NOW))
    cells = [(*heads, account.says(labels.SEEN_GOOD)), *(_cells(row) for row in found.rows)]
    wide = [max(_columns(line[place]) for line in cells) for place in range(len(cells[0]))]
    lines = ["  ".join(_padded(cell, width) for cell, width in zip(line, wide, strict=True)) for line in cells]
    shown = [_heading(account, labels.VANTAGES), lines[0].rstrip()]
    for line, row in zip(lines[1:], found.rows, strict=True):
        shown += [line.rstrip(), f"  {row.bars}"]
    if found.left_out:
        shown.append(account.says(labels.AND_VANTAGES, count=found.left_out))
    caption = account.says(labels.LATENCY, since=found.since, until=found.until, top=found.top)
    return "\n".join([*shown, _filled(caption)])


def _cells(row: VantageRow) -> tuple[str, ...]:
    mark = "! " if row.affected else "  "
    return mark + one_line(row.vantage, _NAME_LIMIT), row.failed, row.total.usually, row.total.now, row.last_good


def _path(account: Account) -> str:
    if account.path is None:
        return ""
    names = (account.says(labels.PATH_BEFORE), account.says(labels.PATH_NOW))
    wide = max(map(_columns, names))
    lines = (
        _filled(_hops(account, hops), first=_padded(name, wide) + "  ")
        for name, hops in zip(names, account.path, strict=True)
    )
    return "\n".join([_heading(account, labels.AS_PATH), *lines])


def _hops(account: Account, hops: Iterable[Hop]) -> str:
    return " ".join(hop.name for hop in hops) or account.says(labels.PATH_UNKNOWN)


def _claims(account: Account, title: Said, claims: tuple[Claim, ...]) -> str:
    if not claims:
        return ""
    lines = (_filled(f"{item.text} ({item.rule}, {item.seen})", first=f"{item.weight:+5.1f}  ") for item in claims)
    return "\n".join([_heading(account, title), *lines])


def _rest(account: Account) -> str:
    lines = []
    if account.left_out:
        lines.append(account.says(labels.LEFT_OUT, count=account.left_out))
    if account.runner_up:
        lines.append(account.says(labels.RUNNER_UP, cause=account.runner_up))
    if account.missing:
        lines.append(account.says(labels.MISSING, what=account.missing))
    return "\n".join(_filled(line) for line in lines)


def _commands(account: Account, terms_by: str | None) -> str:
    """Each on a line of its own where it does not fit; one that is longer still goes on as a shell reads it."""
    if terms_by is not None:
        return f"{account.says(labels.ALL_TERMS)}: {terms_by}"
    return "\n".join(
        f"{label}: {command}" if _columns(label) + len(command) + 2 <= _WIDTH else f"{label}:\n{_broken(command)}"
        for label, command in account.commands
    )


def _broken(command: str) -> str:
    """In lines that end in a backslash, broken only before an option."""
    lines = [""]
    for part in command.split(" --"):
        word = part if lines == [""] else f" --{part}"
        if lines[-1] and len(lines[-1]) + len(word) + 2 > _WIDTH:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += word
    return "\n".join(lines)


def _heading(account: Account, said: Said) -> str:
    return account.says(said).upper()


def _filled(text: str, first: str = "") -> str:
    """Lines of at most `_WIDTH` columns. Korean letters are two wide each, so their lines have half as many."""
    indent = " " * _columns(first)
    spare = sum(_columns(letter) - 1 for letter in text) / max(len(text), 1)
    width = int((_WIDTH - len(indent)) / (1.0 + spare))
    lines = textwrap.wrap(text, max(width, 10), break_on_hyphens=not spare)
    return "\n".join((indent if number else first) + line for number, line in enumerate(lines or [""]))


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))
