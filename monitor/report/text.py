"""An incident as plain text: the mail's first part and `whydown report --format text`. Pure."""

from __future__ import annotations

import textwrap

from monitor.model import Incident
from monitor.report.account import Account, Claim, account_of

# Mail clients on a phone wrap earlier by themselves; on a terminal this reads well.
_WIDTH = 72


def incident_text(
    incident: Incident, *, timezone: str, now: float, terms_by: str | None = None, foreword: str = ""
) -> str:
    """The whole report as text, ending in a line end. `now`: Unix seconds, how long an open one lasts.

    `terms_by`: the command that prints all terms; None: `whydown explain`, for an incident of the history.
    `foreword`: what a reader has to know before it.
    """
    account = account_of(incident, timezone=timezone, now=now)
    blocks = [_filled(foreword), _lead(account), _steps(account), _facts(account), _path(account)]
    blocks += [_claims("EVIDENCE FOR IT", account.in_favour), _claims("EVIDENCE AGAINST IT", account.against)]
    blocks += [_rest(account), f"All terms: {terms_by or account.command}"]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _lead(account: Account) -> str:
    title = f"CLOSED: {account.badge.upper()}" if account.closed else account.badge.upper()
    return f"{title}\n" + _filled(f"{account.closed or ''} {account.sentence}".strip())


def _steps(account: Account) -> str:
    if not account.steps:
        return ""
    lines = (_filled(step, first=f"{number}. ") for number, step in enumerate(account.steps, 1))
    return "\n".join(["DO FIRST", *lines])


def _facts(account: Account) -> str:
    wide = max(len(label) for label, _ in account.facts)
    lines = (_filled(value, first=f"{label:<{wide}}  ") for label, value in account.facts)
    return "\n".join(["FACTS", *lines])


def _path(account: Account) -> str:
    if account.path is None:
        return ""
    before, now = account.path
    return "\n".join(["AS PATH", _filled(before, first="before  "), _filled(now, first="now     ")])


def _claims(title: str, claims: tuple[Claim, ...]) -> str:
    if not claims:
        return ""
    lines = (_filled(f"{item.text} ({item.rule}, {item.seen})", first=f"{item.weight:+5.1f}  ") for item in claims)
    return "\n".join([title, *lines])


def _rest(account: Account) -> str:
    lines = []
    if account.left_out:
        lines.append(f"Evidence that decides less, left out here: {account.left_out}.")
    if account.runner_up:
        lines.append(f"Next likely cause: {account.runner_up}.")
    if account.missing:
        lines.append(f"Missing: {account.missing}")
    return "\n".join(_filled(line) for line in lines)


def _filled(text: str, first: str = "") -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=first, subsequent_indent=" " * len(first))
