"""Latency over time as a picture: a panel for each target and vantage, phases stacked, incidents behind them.

Drawn by matplotlib, an optional extra, without its window systems; what comes out is bytes. Nothing of the
network's is interpreted: text is drawn as it is, made printable, with no markup (a `$` would begin a formula).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import tzinfo
from itertools import groupby
from math import nan
from typing import Any

from monitor.files import MissingLibraryError
from monitor.history.answers import Latency
from monitor.history.overview import Question
from monitor.history.rollup_block import PHASES
from monitor.model import Incident
from monitor.report.moment import as_datetime
from monitor.report.safe_text import one_line

FORMS = ("png", "svg")
MOST_PANELS = 24
_PANEL_INCHES = (10.0, 2.2)
# Okabe and Ito's colours, which people who do not see red or green can tell apart.
_COLOURS = {
    "dns": "#CC79A7",
    "connect": "#56B4E9",
    "tls": "#0072B2",
    "wait": "#E69F00",
    "receive": "#009E73",
}


def latency_figure(
    latency: Sequence[Latency], incidents: Sequence[Incident], question: Question, *, zone: tzinfo, form: str
) -> bytes:
    """A PNG or SVG (`form`). More than 24 panels are not drawn; the title says how many are missing.

    :raises MissingLibraryError: matplotlib is not installed
    """
    try:
        from matplotlib import rc_context
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingLibraryError("a plot needs matplotlib: pip install 'whydown[plot]'") from error
    panels = [
        (who, list(group)) for who, group in groupby(latency, key=lambda series: (series.target, series.vantage))
    ]
    shown = panels[:MOST_PANELS]
    width, height = _PANEL_INCHES
    # The same figures make the same file: no random identifiers, no date of making.
    with rc_context({"svg.hashsalt": "whydown", "text.parse_math": False}):
        figure = Figure(figsize=(width, height * max(len(shown), 1) + 1.0), layout="constrained")
        figure.suptitle(_title(question, zone, len(panels)))
        axes = figure.subplots(max(len(shown), 1), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (who, series) in zip(axes, shown, strict=False):
            _panel(axis, who, series, zone)
            _bands(axis, [one for one in incidents if who[0] in (None, one.target, *one.members)], question, zone)
        # Panels share the axis: times with minutes, and a date where another day begins.
        locator = AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
        axes[0].xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator, tz=zone, show_offset=False)  # type: ignore[no-untyped-call]
        axes[0].xaxis.set_major_formatter(formatter)
        axes[0].set_xlim(as_datetime(question.since, zone), as_datetime(question.until, zone))
        if shown:
            entries = axes[0].get_legend_handles_labels()
            figure.legend(*entries, loc="outside lower center", ncols=len(_COLOURS) + 1, fontsize="small")
        file = io.BytesIO()
        figure.savefig(
            file, format=form, dpi=110, metadata={"Date": None} if form == "svg" else {"Software": None}
        )
    return file.getvalue()


def _title(question: Question, zone: tzinfo, panels: int) -> str:
    target = one_line(question.target or "All targets", 40)
    since, until = as_datetime(question.since, zone), as_datetime(question.until, zone)
    left = f" ({panels - MOST_PANELS} series left out)" if panels > MOST_PANELS else ""
    return f"{target}, {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M %Z}{left}"


def _panel(axis: Any, who: tuple[str | None, str | None], series: Sequence[Latency], zone: tzinfo) -> None:
    """The medians of the phases stacked, the total's 95th percentile as a line above them."""
    points = {(one.phase, point.at): point for one in series for point in one.points}
    times = sorted({at for _, at in points})
    # A bucket is drawn around its middle.
    moments = [as_datetime(at + series[0].bucket_s / 2, zone) for at in times]
    present = [phase for phase in PHASES if phase in _COLOURS and any((phase, at) in points for at in times)]
    heights = [[_millis(points.get((phase, at)), "p50_s") for at in times] for phase in present]
    if present:
        axis.stackplot(
            moments, *heights, labels=present, colors=[_COLOURS[phase] for phase in present], step="mid"
        )
    # A line breaks where nothing is known; a stack cannot, and is empty there.
    tails = [_millis(points.get(("total", at)), "p95_s") or nan for at in times]
    axis.plot(moments, tails, color="#000000", linewidth=0.8, drawstyle="steps-mid", label="p95 of the total")
    axis.set_ylim(bottom=0)
    axis.set_ylabel("ms")
    names = (one_line(who[0] or "all targets", 40), one_line(who[1] or "all vantages", 40))
    axis.set_title(" from ".join(names), loc="left", fontsize="medium")


def _millis(point: object, name: str) -> float:
    value = getattr(point, name, None)
    return 0.0 if value is None else float(value) * 1e3


def _bands(axis: Any, incidents: Sequence[Incident], question: Question, zone: tzinfo) -> None:
    for incident in incidents:
        start = incident.started_at if incident.started_at is not None else incident.opened_at
        end = incident.closed_at if incident.closed_at is not None else question.until
        left, right = max(start, question.since), min(end, question.until)
        if left < right:
            axis.axvspan(as_datetime(left, zone), as_datetime(right, zone), color="#D55E00", alpha=0.15, zorder=0)
            axis.annotate(
                one_line(incident.cause.value, 40), (as_datetime(left, zone), 1.0), xytext=(3, -10),
                xycoords=("data", "axes fraction"), textcoords="offset points", fontsize="small", color="#8A3C00",
            )  # fmt: skip
