"""Latency over time for a terminal: for each target and vantage the total's median and 95th percentile. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from rich.console import RenderableType
from rich.text import Text

from monitor.history.answers import Latency
from monitor.history.overview import Question
from monitor.report.braille_plot import Point, braille_plot
from monitor.report.moment import as_datetime
from monitor.report.safe_text import one_line

HEIGHT = 6
# What stands left of a plot: `12345 ms `, and the axis.
_MARGIN = 10
_LEAST_WIDTH = 20


def latency_plots(
    latency: Sequence[Latency], question: Question, *, zone: tzinfo, width: int
) -> Iterator[RenderableType]:
    """A plot for each series of totals; `width` is the terminal's, in characters."""
    columns = max(width - _MARGIN - 1, _LEAST_WIDTH)
    totals = [series for series in latency if series.phase == "total"]
    if not totals:
        yield Text("No HTTP measurements to plot in this window.")
    for series in totals:
        yield _heading(series)
        yield _plot(series, question, columns)
        yield Text(" " * _MARGIN + _axis(question, zone, columns))


def _heading(series: Latency) -> Text:
    who = f"{one_line(series.target or 'all targets', 40)} from {one_line(series.vantage or 'all vantages', 40)}"
    return Text.assemble(
        (f"\n{who}: ", "bold"), "total, ", ("p50", "green"), " and ", ("p95", "yellow"),
        f" of {series.count} requests, {series.bucket_s:.0f} s a step",
    )  # fmt: skip


def _plot(series: Latency, question: Question, columns: int) -> Text:
    top = max((point.p95_s or 0.0 for point in series.points), default=0.0) or 1.0
    span = question.until - question.since
    medians: list[Point] = []
    tails: list[Point] = []
    for point in series.points:
        # A bucket's point stands in its middle.
        right = (point.at + series.bucket_s / 2 - question.since) / span
        for value, points in ((point.p50_s, medians), (point.p95_s, tails)):
            if value is not None:
                points.append((right, value / top))
    below = braille_plot(_bridged(medians, series, question, columns), columns, HEIGHT)
    above = braille_plot(_bridged(tails, series, question, columns), columns, HEIGHT)
    text = Text()
    for row in range(HEIGHT):
        label = {0: f"{top * 1e3:.0f} ms", HEIGHT - 1: "0"}.get(row, "")
        text.append(f"{label:>{_MARGIN - 2}} ▏")
        for median, tail in zip(below[row], above[row], strict=True):
            # One character has one colour; both sets of dots are shown, in the median's where it has any.
            dots = chr(ord(median) | ord(tail))
            text.append(dots, style="green" if median != "\u2800" else "yellow")
        text.append("\n" if row < HEIGHT - 1 else "")
    return text


def _bridged(points: list[Point], series: Latency, question: Question, columns: int) -> list[Point]:
    """Between neighbouring buckets, points as close as the dots are, so that a line is drawn and gaps are not."""
    step = series.bucket_s / (question.until - question.since)
    found: list[Point] = []
    for index, (right, up) in enumerate(points):
        found.append((right, up))
        following = points[index + 1] if index + 1 < len(points) else None
        if following is None or following[0] - right > step * 1.5:
            continue
        pieces = int(step * columns * 2)
        found += [
            (right + step * piece / pieces, up + (following[1] - up) * piece / pieces)
            for piece in range(1, pieces)
        ]
    return found


def _axis(question: Question, zone: tzinfo, columns: int) -> str:
    form = "%H:%M" if question.until - question.since <= 86_400.0 else "%m-%d %H:%M"
    labels = [
        f"{as_datetime(question.since + (question.until - question.since) * share, zone):{form}}"
        for share in (0.0, 0.5, 1.0)
    ]
    room = columns - sum(map(len, labels))
    return labels[0] + " " * max(room // 2, 1) + labels[1] + " " * max(room - room // 2, 1) + labels[2]
