"""The history's overview for a terminal: a table for each section, and plain words where there is nothing.

All text goes in as `rich.text.Text`, which knows no markup, after `one_line` made it printable: host names,
issuers and answers are written by whoever is at the other end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import groupby

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from monitor.history.answers import (
    CertificateChange,
    DnsAnswer,
    DnsChange,
    Failures,
    Gap,
    Identity,
    Latency,
    PathChange,
    RouteSummary,
)
from monitor.history.overview import Overview, Question
from monitor.model import Incident
from monitor.report.incident_table import incident_table
from monitor.report.moment import as_datetime
from monitor.report.safe_text import listed, one_line
from monitor.report.sparkline import sparkline

# Rows of one section that are shown; what is left out is counted. JSON has all of it.
_ROWS = 40
_ADDRESSES = 8
_NAME = 40
_WHO = ("first", "times", "target", "vantage")

_Row = tuple[str, ...]


def history_report(found: Overview, *, zone: tzinfo, now: float, buckets: bool) -> Iterator[RenderableType]:
    """The parts to print, in order. `buckets`: also latency over time, a row a bucket. `now`: Unix seconds."""
    yield Text(_heading(found.question, zone), style="bold")
    sections: tuple[tuple[Sequence[object] | None, str], ...] = (
        (found.latency, "HTTP measurements"),
        (found.failures, "failures"),
        (found.paths, "path changes"),
        (found.dns, "changes of DNS answers"),
        (found.certificates, "changes of certificates"),
        (found.routes, "route events"),
        (found.incidents, "incidents"),
    )
    yield from _tables(found, zone, now, buckets=buckets)
    nothing = [name for answers, name in sections if answers is not None and not answers]
    if nothing:
        yield Text(f"Nothing in this window: {', '.join(nothing)}.")


def incident_report(
    incidents: Sequence[Incident], window: tuple[float, float], *, zone: tzinfo, now: float
) -> RenderableType:
    """The table of incidents, or that there was none in the window."""
    if not incidents:
        return Text(f"No incidents {window_text(*window, zone)}.")
    return incident_table(incidents, zone=zone, now=now)


def _tables(found: Overview, zone: tzinfo, now: float, *, buckets: bool) -> Iterator[RenderableType]:
    if found.latency:
        yield _latency(found.latency, found.question)
        if buckets:
            yield from _over_time(found.latency, zone)
    yield from _failures(found.failures or (), zone)
    yield from _gaps(found.gaps or (), zone)
    yield from _paths(found.paths or (), zone)
    yield from _dns(found.dns or (), zone)
    yield from _certificates(found.certificates or (), zone)
    yield from _routes(found.routes or (), zone)
    if found.incidents:
        yield incident_table(found.incidents, zone=zone, now=now)


def _failures(failures: Sequence[Failures], zone: tzinfo) -> Iterator[RenderableType]:
    rows: list[_Row] = []
    for one in failures:
        count = f"{one.count} of {one.of}"
        rows.append((one.target, one.vantage, one.kind, one.failure.value, count, *_span(one, zone)))
    return section_table("Failures", ("target", "vantage", "probe", "failure", "count", "first", "last"), rows)


def _gaps(gaps: Sequence[Gap], zone: tzinfo) -> Iterator[RenderableType]:
    rows: list[_Row] = [
        (one.target, one.vantage, one.probe, one.reason, str(one.count), *_span(one, zone)) for one in gaps
    ]
    return section_table("Not measured", ("target", "vantage", "probe", "reason", "rounds", "first", "last"), rows)


def _paths(changes: Sequence[PathChange], zone: tzinfo) -> Iterator[RenderableType]:
    rows: list[_Row] = [
        (*_who(one, zone), f"{one.method} {one.address or '?'}", *_path_difference(one.old, one.new))
        for one in changes
    ]
    return section_table("Path changes", (*_WHO, "to", "old hops", "new hops"), rows)


def _dns(changes: Sequence[DnsChange], zone: tzinfo) -> Iterator[RenderableType]:
    rows: list[_Row] = []
    for one in changes:
        question = f"{one.name} {one.rrtype} @{one.server} ({one.role})"
        rows.append((*_who(one, zone), question, _answer(one.old), _answer(one.new)))
    return section_table("DNS answers", (*_WHO, "question", "old", "new"), rows)


def _certificates(changes: Sequence[CertificateChange], zone: tzinfo) -> Iterator[RenderableType]:
    rows: list[_Row] = []
    for one in changes:
        key = "other key" if one.new_key else "same key"
        rows.append((*_who(one, zone), key, _identity(one.old), _identity(one.new)))
    return section_table("Certificates", (*_WHO, "key", "old", "new"), rows)


def _routes(routes: Sequence[RouteSummary], zone: tzinfo) -> Iterator[RenderableType]:
    rows: list[_Row] = []
    for one in routes:
        origin = listed((f"AS{asn}" for asn in one.origins), 4) or "-"
        counts = (str(one.announcements or "-"), str(one.withdrawals or "-"), str(one.peers))
        rows.append((one.prefix, origin, *counts, *_span(one, zone)))
    return section_table(
        "Route events", ("prefix", "origin", "announced", "withdrawn", "peers", "first", "last"), rows
    )


def _latency(latency: Sequence[Latency], question: Question) -> RenderableType:
    heads = ("target", "vantage", "phase", "count", "p50", "p95", "p99", "max", "p95 over time")
    table = _empty_table("Latency (ms)", heads, right=frozenset({"count", "p50", "p95", "p99", "max"}))
    before: tuple[str | None, str | None] = ("", "")
    for series in latency:
        who = (series.target, series.vantage)
        names = ("", "") if who == before else (series.target or "all", series.vantage or "all")
        before = who
        figures = (series.p50_s, series.p95_s, series.p99_s, series.max_s)
        table.add_row(
            *(Text(one_line(name, _NAME)) for name in names),
            Text(series.phase, style="bold" if series.phase == "total" else ""),
            Text(str(series.count)),
            *(Text(millis(figure)) for figure in figures),
            Text(_sparkline(series, question)),
        )
    return table


def _sparkline(series: Latency, question: Question) -> str:
    places = -int(-(question.until - question.since) // series.bucket_s)
    bars: list[float | None] = [None] * places
    for point in series.points:
        place = round((point.at - question.since) / series.bucket_s)
        if 0 <= place < places:
            bars[place] = point.p95_s
    return sparkline(_narrowed(bars))


def _narrowed(bars: list[float | None]) -> list[float | None]:
    """At most 60 bars: of neighbours the largest, because peaks are what one looks for."""
    share = -(-len(bars) // 60)
    groups = [bars[start : start + share] for start in range(0, len(bars), share)]
    return [max((bar for bar in group if bar is not None), default=None) for group in groups]


def _over_time(latency: Sequence[Latency], zone: tzinfo) -> Iterator[RenderableType]:
    """For each target and vantage a table with a row a bucket: the phases' medians, and the total's tail."""
    for (target, vantage), group in groupby(latency, key=lambda series: (series.target, series.vantage)):
        series = list(group)
        points = {(one.phase, point.at): point for one in series for point in one.points}
        phases = [one.phase for one in series if one.phase != "total"]
        rows: list[_Row] = []
        for at in sorted({at for _, at in points}):
            total = points.get(("total", at))
            medians = (points.get((phase, at)) for phase in phases)
            rows.append((
                _at(at, zone),
                str(total.count) if total else "",
                *(millis(point.p50_s) if point else "" for point in medians),
                *((millis(total.p50_s), millis(total.p95_s), millis(total.p99_s)) if total else ("", "", "")),
            ))  # fmt: skip
        title = f"Latency over time (ms, medians): {one_line(target or 'all', _NAME)} from " + one_line(
            vantage or "all", _NAME
        )
        heads = ("from", "count", *phases, "total", "p95", "p99")
        yield from section_table(title, heads, rows, right=frozenset(heads[1:]), limit=len(rows))


def section_table(
    title: str,
    heads: tuple[str, ...],
    rows: Sequence[_Row],
    *,
    right: frozenset[str] = frozenset({"count", "rounds", "times", "announced", "withdrawn", "peers"}),
    limit: int = _ROWS,
) -> Iterator[RenderableType]:
    """A table with that title, or nothing when there are no rows; rows beyond `limit` are counted."""
    if not rows:
        return
    table = _empty_table(title, heads, right=right)
    for row in rows[:limit]:
        table.add_row(*(Text(one_line(cell, 400)) for cell in row))
    yield table
    if len(rows) > limit:
        yield Text(f"  … and {len(rows) - limit} more; --json has all of them.")


def _empty_table(title: str, heads: tuple[str, ...], *, right: frozenset[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=Text(title, style="bold"), title_justify="left")
    for head in heads:
        table.add_column(head, justify="right" if head in right else "left", overflow="fold")
    return table


def _path_difference(old: tuple[str | None, ...], new: tuple[str | None, ...]) -> tuple[str, str]:
    """The two paths from the first hop that differs on; `ttl:` says where that is."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    return _hops(old, same), _hops(new, same)


def _hops(path: tuple[str | None, ...], start: int) -> str:
    if start >= len(path):
        return f"{start + 1}: (ends)"
    return f"{start + 1}: " + " ".join(one_line(address, _NAME) if address else "*" for address in path[start:])


def _answer(answer: DnsAnswer) -> str:
    said = listed(answer.answers, _ADDRESSES) or "no answers"
    return said if answer.rcode in (None, "NOERROR") else f"{answer.rcode} {said}"


def _identity(identity: Identity) -> str:
    parts = [f"key {identity.spki_sha256[:12]}" if identity.spki_sha256 else "key ?"]
    if identity.issuer:
        parts.append(identity.issuer)
    if identity.not_after is not None:
        parts.append(f"until {as_datetime(identity.not_after):%Y-%m-%d}")
    return ", ".join(parts)


def _heading(question: Question, zone: tzinfo) -> str:
    target = one_line(question.target, _NAME) if question.target else "All targets"
    vantage = f" from {one_line(question.vantage, _NAME)}" if question.vantage else ""
    return f"{target}{vantage}, {window_text(question.since, question.until, zone)}"


def window_text(since: float, until: float, zone: tzinfo) -> str:
    """Both ends of a window, and the zone."""
    return f"{_at(since, zone)} to {_at(until, zone)} {as_datetime(until, zone):%Z}"


def _who(change: PathChange | DnsChange | CertificateChange, zone: tzinfo) -> _Row:
    return (_at(change.first_at, zone), str(change.count), change.target, change.vantage)


def _span(seen: Failures | Gap | RouteSummary, zone: tzinfo) -> _Row:
    return _at(seen.first_at, zone), _at(seen.last_at, zone)


def _at(at: float, zone: tzinfo) -> str:
    return f"{as_datetime(at, zone):%Y-%m-%d %H:%M:%S}"


def millis(seconds: float | None) -> str:
    """Milliseconds with as many places as matter."""
    if seconds is None:
        return ""
    millis = seconds * 1e3
    return f"{millis:.2f}" if millis < 10 else f"{millis:.1f}" if millis < 100 else f"{millis:.0f}"
