"""Every term of an incident's verdict for a terminal: nothing summed up that is not also listed.

Builds rich text from plain strings, never from markup, and passes every string through `safe_text`: what an
attacker wrote into a certificate must not drive the reader's terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.diagnose.conclude import MOST
from monitor.diagnose.weigh import TEMPERATURE
from monitor.model import Cause, Incident, IncidentChange, Share
from monitor.report.account import badge
from monitor.report.cause_name import percent
from monitor.report.evidence_list import evidence_list, heading
from monitor.report.headline import sentence, share_witnesses, subject_of, witnesses
from monitor.report.moment import clock, length, moment, zone
from monitor.report.safe_text import listed, one_line
from monitor.report.sums import CauseSum, sums_of
from monitor.report.timeline import timeline

_TEXT_LIMIT = 1000
_MOST_WITNESSES = 30
_MOST_MEMBERS = 100


def explain(incident: Incident, changes: Sequence[IncidentChange], *, timezone: str = "UTC") -> RenderableType:
    """The verdict with all its evidence, the sums, what is missing, and the timeline of `changes`."""
    where = zone(timezone)
    parts: list[RenderableType] = [*_verdict(incident, where), *evidence_list(incident, where)]
    parts += [*_sum_table(incident), *_rest(incident), *_timeline(incident, changes, where)]
    return Group(*parts)


def _verdict(incident: Incident, where: tzinfo) -> Iterator[RenderableType]:
    style = "bold green" if incident.closed_at is not None else "bold red"
    yield Text.assemble((subject_of(incident), "bold"), "  ", (badge(incident), style))
    yield Text(sentence(incident))
    grid = Table.grid(padding=(0, 2))
    grid.add_row("incident", Text(one_line(incident.id, 128)))
    grid.add_row("cause", Text(_cause_line(incident)))
    grid.add_row("affected", Text(f"{witnesses(incident)}  {listed(incident.affected, _MOST_WITNESSES)}"))
    for number, share in enumerate(incident.shares[:_MOST_MEMBERS]):
        grid.add_row("" if number else "targets", Text(_share(share, where)))
    if incident.blames:
        grid.add_row("blames", Text(listed(incident.blames, _MOST_WITNESSES)))
    grid.add_row("opened", Text(moment(incident.opened_at, where)))
    grid.add_row("closed", Text("still open" if incident.closed_at is None else moment(incident.closed_at, where)))
    grid.add_row("rules", Text(one_line(incident.rules_version, 40) or "not recorded"))
    yield grid


def _share(share: Share, where: tzinfo) -> str:
    """A member's own: who saw it there, under which cause if that is another, and whether it is well again."""
    end = "not well yet" if share.closed_at is None else f"well since {clock(share.closed_at, where)}"
    sure = "suspected " if share.suspected else ""
    return f"{share_witnesses(share)}: {sure}{share.cause.value} since {clock(share.named_at, where)}, {end}"


def _cause_line(incident: Incident) -> str:
    detail = incident.detail
    words = [incident.cause.value, detail.kind, detail.effect, detail.prefix]
    words.append(f"AS{detail.culprit}" if detail.culprit is not None else None)
    return " ".join(one_line(word, 64) for word in words if word) + f", confidence {incident.confidence:.3f}"


def _sum_table(incident: Incident) -> Iterator[RenderableType]:
    sums = sums_of(incident)
    if not sums:
        return
    yield heading("Sums of log-likelihoods, term by term")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("cause", "terms (evidence number; p: prior)", "sum", "behind", "share"):
        table.add_column(name, justify="left" if name.startswith(("cause", "terms")) else "right")
    for row in sums:
        share = "" if row.share is None else f"{row.share:.3f}"
        cause = Text(one_line(row.cause, 40))
        table.add_row(cause, Text(_addition(row)), f"{row.total:+.2f}", f"{row.behind:.2f}", share)
    yield table
    yield Text(_how_shares_are_made(incident, sums[0]))


def _how_shares_are_made(incident: Incident, first: CauseSum) -> str:
    if first.share is not None:
        tempered = f"exp(sum / {TEMPERATURE:g})"
        return f"share = {tempered} / all causes' {tempered}; a verdict claims {MOST:g} at most."
    if incident.cause is Cause.VANTAGE_FAULT:
        return "A vantage's health is a gate before the causes, so there are no shares."
    version = one_line(incident.rules_version, 40) or "unknown"
    return f"Judged by rules version {version}, whose priors are not this program's: no shares."


def _addition(row: CauseSum) -> str:
    return "  ".join(f"{term.value:+.2f} ({term.number or 'p'})" for term in row.terms)


def _rest(incident: Incident) -> Iterator[RenderableType]:
    yield heading("What else it could be")
    second = incident.runner_up
    yield Text(f"Runner-up: {second.cause.value}, {percent(second.confidence)}." if second else "No runner-up.")
    if incident.missing:
        yield Text(f"Missing measurement: {one_line(incident.missing, _TEXT_LIMIT)}")


def _timeline(incident: Incident, changes: Sequence[IncidentChange], where: tzinfo) -> Iterator[RenderableType]:
    yield heading("Timeline")
    table = Table.grid(padding=(0, 2))
    begin = incident.started_at if incident.started_at is not None else incident.opened_at
    for at, event in timeline(incident, changes):
        table.add_row(clock(at, where), f"+{length(at - begin)}" if at >= begin else "", Text(event))
    yield table
