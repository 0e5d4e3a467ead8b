"""An incident told once: everything a mail or a report says, in order, safe to show and bounded.

Text and HTML only lay this out, so that they cannot tell different stories. Pure; the time is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.model import Cause, Evidence, Incident
from monitor.report.cause_name import percent, short_name
from monitor.report.first_steps import first_steps
from monitor.report.headline import began_at, phrase, sentence, share_witnesses, subject_of, witnesses
from monitor.report.moment import length, moment, zone
from monitor.report.safe_text import listed, one_line

# Bounds on what others can make a report hold; the whole mail stays far below 200 kB.
MOST_EVIDENCE = 30
MOST_NAMES = 30
MOST_HOPS = 30
TEXT_LIMIT = 300
# A name of 64 characters and ` (500 of 500 vantages)`.
MEMBER_LIMIT = 90
# Log-odds that round to 0.0 decide nothing; `explain` lists them.
LEAST_WEIGHT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One evidence rule as a reader sees it. `weight`: log-odds against the runner-up; `seen`: `5 of 7`."""

    weight: float
    seen: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The parts of a report, in reading order. `path`: (before, now) or None when a path is not known."""

    title: str
    badge: str
    cause: str
    sentence: str
    closed: str | None
    steps: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    path: tuple[str, str] | None
    in_favour: tuple[Claim, ...]
    against: tuple[Claim, ...]
    left_out: int
    runner_up: str | None
    missing: str | None
    command: str
    identity: str


def account_of(incident: Incident, *, timezone: str, now: float) -> Account:
    """Tell `incident` as of `now` (Unix seconds), with times in the IANA zone `timezone` and in UTC."""
    telling = [item for item in incident.evidence if abs(item.weight) >= LEAST_WEIGHT]
    shown = sorted(telling, key=lambda item: -abs(item.weight))[:MOST_EVIDENCE]
    identity = one_line(incident.id, 128)
    end = incident.closed_at if incident.closed_at is not None else now
    lasted = length(end - began_at(incident))
    return Account(
        title=f"{subject_of(incident)}: {phrase(incident)}",
        badge=badge(incident),
        cause=incident.cause.value,
        sentence=sentence(incident),
        closed=_closed(incident, lasted),
        steps=() if incident.closed_at is not None else first_steps(incident),
        facts=_facts(incident, timezone, lasted),
        path=_path(incident),
        in_favour=tuple(_claim(item) for item in shown if item.weight > 0),
        against=tuple(_claim(item) for item in shown if item.weight < 0),
        left_out=len(incident.evidence) - len(shown),
        runner_up=_runner_up(incident),
        missing=one_line(incident.missing, TEXT_LIMIT) if incident.missing else None,
        command=f"whydown explain {identity}",
        identity=identity,
    )


def badge(incident: Incident) -> str:
    """`hijack 98%`, `suspected hijack 60%`, `vantage fault`: the cause as a subject line has it."""
    name = short_name(incident.cause, suspected=incident.suspected)
    # A sick vantage and an unnamed cause are states, not one cause chosen among others.
    if incident.cause in (Cause.VANTAGE_FAULT, Cause.INSUFFICIENT):
        return name
    return f"{name} {percent(incident.confidence)}"


def _closed(incident: Incident, lasted: str) -> str | None:
    if incident.joined is not None:
        return f"It is not over: it is a share of {one_line(incident.joined, 128)} and is told on there. It was:"
    return f"It is over, after {lasted}. The verdict was:" if incident.closed_at is not None else None


def _facts(incident: Incident, timezone: str, lasted: str) -> tuple[tuple[str, str], ...]:
    where = zone(timezone)
    names = listed(incident.affected, MOST_NAMES)
    rows = [("Affected", witnesses(incident) + (f": {names}" if names else ""))]
    if len(incident.members) > 1:
        rows.append(("Targets", listed(_members(incident), MOST_NAMES, limit=MEMBER_LIMIT)))
    if incident.started_at is not None:
        rows.append(("First bad fact", moment(incident.started_at, where)))
    rows.append(("Opened", moment(incident.opened_at, where)))
    rows.append(("Cause named", moment(incident.named_at, where)))
    if incident.closed_at is not None:
        rows += [("Closed", moment(incident.closed_at, where)), ("Lasted", lasted)]
    else:
        rows.append(("Lasts", f"{lasted}, still open"))
    return (*rows, *_route_facts(incident))


def _members(incident: Incident) -> Iterable[str]:
    """Each member, with who saw the trouble there; only its name where that is not known."""
    return [share_witnesses(share) for share in incident.shares] or incident.members


def _route_facts(incident: Incident) -> list[tuple[str, str]]:
    detail = incident.detail
    rows = []
    if detail.prefix:
        origin = f" from AS{detail.origin}" if detail.origin is not None else ""
        by = f", by way of AS{detail.offender}" if detail.offender is not None else ""
        rows.append(("Route", one_line(detail.prefix, 43) + origin + by))
    if detail.expected_origins:
        rows.append(("Expected origin", listed((f"AS{asn}" for asn in detail.expected_origins), 8)))
    if detail.peers is not None:
        of = f" of {detail.peers_of}" if detail.peers_of is not None else ""
        rows.append(("Seen by BGP peers", f"{detail.peers}{of}"))
    if detail.rpki:
        rows.append(("RPKI", one_line(detail.rpki, 40)))
    if detail.server:
        rows.append(("Name server", one_line(detail.server, 64)))
    return rows


def _path(incident: Incident) -> tuple[str, str] | None:
    old, new = incident.detail.old_path, incident.detail.new_path
    if not (old or new):
        return None
    return _hops(old), _hops(new)


def _hops(path: tuple[int, ...]) -> str:
    if not path:
        return "not known"
    shown = " ".join(f"AS{asn}" for asn in path[:MOST_HOPS])
    return f"{shown} and {len(path) - MOST_HOPS} more" if len(path) > MOST_HOPS else shown


def _claim(item: Evidence) -> Claim:
    return Claim(
        weight=item.weight,
        seen=f"{item.seen} of {item.of}",
        rule=one_line(item.rule, 80),
        text=one_line(item.text, TEXT_LIMIT),
    )


def _runner_up(incident: Incident) -> str | None:
    second = incident.runner_up
    return f"{second.cause.value} {percent(second.confidence)}" if second else None
