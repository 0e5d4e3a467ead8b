"""The same as JSON: the state now, incidents, latency for charts, and every question of `whydown history`.

Times are Unix seconds UTC and durations seconds, as in all our JSON. Lists that grow are bounded by their window.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from monitor.history.answers import Availability, Latency
from monitor.history.overview import Question, Section
from monitor.history.overview import overview as history_overview
from monitor.model import Incident
from monitor.report.words import Language
from monitor.web.dashboard.overview import Row, overview, states
from monitor.web.dashboard.source import Source
from monitor.web.dashboard.window import Window

STACKED = ("dns", "connect", "tls", "wait", "receive")


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One target or control at one vantage now."""

    target: str
    vantage: str
    control: bool
    level: str
    text: str
    detail: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The first screen."""

    at: float
    notices: tuple[str, ...]
    states: tuple[State, ...]
    open_incidents: tuple[Incident, ...]


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of equal length: `at` each bucket's start; None where nothing was measured.

    `phases`: the median of each; `p95_s`: of the whole exchange; `requests`, and `failed` of them.
    """

    since: float
    until: float
    bucket_s: float
    at: tuple[float, ...]
    phases: dict[str, tuple[float | None, ...]]
    p95_s: tuple[float | None, ...]
    requests: tuple[int, ...]
    failed: tuple[int, ...]


def status(source: Source) -> Status:
    """The state now."""
    found = overview(source, Language.EN)
    grid = states(source, found, Language.EN)
    return Status(
        at=found.at,
        notices=tuple(notice.text for notice in found.notices),
        states=(*_states(grid.rows, control=False), *_states(grid.controls, control=True)),
        open_incidents=found.open_incidents,
    )


def _states(rows: Sequence[Row], *, control: bool) -> list[State]:
    return [
        State(
            target=row.name, vantage=cell.vantage, control=control, level=cell.level, text=cell.text,
            detail=cell.detail,
        )
        for row in rows
        for cell in row.cells
    ]  # fmt: skip


def chart(source: Source, target: str, window: Window, vantage: str | None) -> Chart:
    """What the lanes of requests are drawn from."""
    stretch = (window.since, window.until)
    by = frozenset({"target", "phase"} if vantage is None else {"target", "vantage", "phase"})
    series = source.reader.latency(*stretch, target=target, vantage=vantage, by=by, bucket_s=window.bucket_s)
    counts = source.reader.availability(*stretch, target=target, vantage=vantage, bucket_s=window.bucket_s)
    count = int(-(-(window.until - window.since) // window.bucket_s))
    at = tuple(window.since + number * window.bucket_s for number in range(count))
    of_phase = {one.phase: one for one in series}
    return Chart(
        since=window.since,
        until=window.until,
        bucket_s=window.bucket_s,
        at=at,
        phases={phase: _column(at, of_phase.get(phase), "p50_s") for phase in STACKED},
        p95_s=_column(at, of_phase.get("total"), "p95_s"),
        requests=_counts(at, counts, "requests"),
        failed=_counts(at, counts, "failed"),
    )


def _column(at: Sequence[float], series: Latency | None, which: str) -> tuple[float | None, ...]:
    points = {} if series is None else {point.at: getattr(point, which) for point in series.points}
    return tuple(points.get(start) for start in at)


def _counts(at: Sequence[float], counts: Sequence[Availability], which: str) -> tuple[int, ...]:
    found = {one.at: getattr(one, which) for one in counts}
    return tuple(found.get(start, 0) for start in at)


def history(
    source: Source, window: Window, target: str | None, vantage: str | None, sections: frozenset[Section]
) -> bytes:
    """The answers of these sections, an object a line, as `whydown history --json` prints them."""
    question = Question(
        since=window.since, until=window.until, target=target, vantage=vantage, sections=sections,
        bucket_s=window.bucket_s,
    )  # fmt: skip
    found = history_overview(source.reader, question)
    return b"".join(msgspec.json.encode(answer) + b"\n" for answer in found.answers())
