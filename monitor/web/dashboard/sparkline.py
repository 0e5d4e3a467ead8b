"""A target's latency as a small picture of its own (SVG), for the grid of small multiples. Pure.

Its colours have a contrast of 3:1 and more to the light page and to the dark one, so one picture serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from monitor.history.answers import Availability, LatencyPoint
from monitor.report.moment import milliseconds

WIDTH, HEIGHT = 240, 56
_TOP = 12
LINE, AREA, FAILED, WORDS = "#4f7fc4", "#4f7fc4", "#d1453b", "#767d88"


def sparkline(
    points: Sequence[LatencyPoint], failed: Sequence[Availability], since: float, until: float, name: str
) -> str:
    """Median (line) and 95th percentile (area) of [since, until); red below: the share of requests that failed."""
    peak = max((point.p95_s or 0.0 for point in points), default=0.0)
    said = f"{name}: 95th percentile at most {milliseconds(peak)}" if points else f"{name}: no measurement"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(said)}</title>",
        f'<line x1="0" y1="{HEIGHT - 4}" x2="{WIDTH}" y2="{HEIGHT - 4}" stroke="{WORDS}" stroke-width="0.5"/>',
    ]
    if points and peak > 0:
        tails = [(_x(point.at, since, until), _y(point.p95_s or 0.0, peak)) for point in points]
        medians = [(_x(point.at, since, until), _y(point.p50_s or 0.0, peak)) for point in points]
        area = [(tails[0][0], HEIGHT - 4.0), *tails, (tails[-1][0], HEIGHT - 4.0)]
        parts += [
            f'<polygon points="{_joined(area)}" fill="{AREA}" fill-opacity="0.3"/>',
            f'<polyline points="{_joined(medians)}" fill="none" stroke="{LINE}" stroke-width="1.5"/>',
            f'<text x="0" y="9" font-size="9" font-family="system-ui, sans-serif" fill="{WORDS}">'
            f"{milliseconds(peak)}</text>",
        ]
    bucket = (until - since) / max(len(points), 1)
    parts += [
        f'<rect x="{_x(one.at, since, until):.1f}" y="{HEIGHT - 4}" height="4" fill="{FAILED}"'
        f' width="{max(_x(one.at + bucket, since, until) - _x(one.at, since, until), 1.0):.1f}"'
        f' fill-opacity="{0.35 + 0.65 * one.failed / one.requests:.2f}"/>'
        for one in failed
        if one.failed
    ]
    return "".join([*parts, "</svg>"])


def _x(at: float, since: float, until: float) -> float:
    return min(max((at - since) / (until - since), 0.0), 1.0) * WIDTH


def _y(value: float, peak: float) -> float:
    return HEIGHT - 4 - min(value / peak, 1.0) * (HEIGHT - 4 - _TOP)


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
