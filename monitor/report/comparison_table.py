"""Two windows beside each other, for a terminal: the larger change first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from rich.console import RenderableType
from rich.text import Text

from monitor.history.answers import FailuresCompared, Figures, LatencyCompared, SightCompared
from monitor.history.comparison import Comparison
from monitor.report.history_table import millis, section_table, window_text
from monitor.report.moment import as_datetime
from monitor.report.safe_text import listed

# A change of less than these, in either direction, is not told; JSON has it.
LEAST_CHANGE = {"p50_s": (1.1, 0.001), "p95_s": (1.25, 0.005)}
"""By percentile: the ratio, and the seconds. The tail of few measurements is anywhere."""
LEAST_SHARE = 0.005


def comparison_report(found: Comparison, *, zone: tzinfo) -> Iterator[RenderableType]:
    """The parts to print, in order."""
    target = listed([found.now.target], 1) if found.now.target else "All targets"
    yield Text(f"{target}, {window_text(found.now.since, found.now.until, zone)},", style="bold")
    yield Text(f"beside {window_text(found.then.since, found.then.until, zone)}", style="bold")
    parts = [*_latency(found.latency), *_failures(found.failures), *_sights(found.sights, zone)]
    yield from parts
    if not parts:
        yield Text("Nothing that is worth telling differs between the two windows; --json has all figures.")


def _latency(compared: list[LatencyCompared]) -> Iterator[RenderableType]:
    told = sorted((one for one in compared if _is_told(one)), key=_difference, reverse=True)
    rows = [
        (one.target or "all", one.vantage or "all", one.phase, *_beside(one, "p50_s"), *_beside(one, "p95_s"),
         str(one.then.count if one.then else "-"), str(one.now.count if one.now else "-"))
        for one in told
    ]  # fmt: skip
    heads = (
        "target", "vantage", "phase", "p50 then", "p50 now", "p95 then", "p95 now", "count then", "count now",
    )  # fmt: skip
    yield from section_table("Latency that differs (ms)", heads, rows, right=frozenset(heads[3:]))


def _is_told(one: LatencyCompared) -> bool:
    if one.then is None or one.now is None:
        return one.phase == "total"
    for name, (ratio, seconds) in LEAST_CHANGE.items():
        old, new = getattr(one.then, name), getattr(one.now, name)
        if max(old, new) >= ratio * min(old, new) and abs(old - new) >= seconds:
            return True
    return False


def _difference(one: LatencyCompared) -> float:
    if one.then is None or one.now is None:
        return float("inf")
    return max(abs(one.now.p50_s - one.then.p50_s), abs(one.now.p95_s - one.then.p95_s))


def _beside(one: LatencyCompared, name: str) -> tuple[str, str]:
    return _figure(one.then, name), _figure(one.now, name)


def _figure(figures: Figures | None, name: str) -> str:
    return "-" if figures is None else millis(getattr(figures, name))


def _failures(compared: list[FailuresCompared]) -> Iterator[RenderableType]:
    told = [one for one in compared if abs(_share_now(one) - _share_then(one)) >= LEAST_SHARE]
    told.sort(key=lambda one: -abs(_share_now(one) - _share_then(one)))
    rows = [
        (one.target, one.vantage, one.kind, one.failure.value, f"{one.then_count} ({_share_then(one):.1%})",
         f"{one.now_count} ({_share_now(one):.1%})")
        for one in told
    ]  # fmt: skip
    yield from section_table(
        "Failures that differ", ("target", "vantage", "probe", "failure", "then", "now"), rows,
        right=frozenset({"then", "now"}),
    )  # fmt: skip


def _share_then(one: FailuresCompared) -> float:
    return one.then_count / one.then_of if one.then_of else 0.0


def _share_now(one: FailuresCompared) -> float:
    return one.now_count / one.now_of if one.now_of else 0.0


def _sights(compared: list[SightCompared], zone: tzinfo) -> Iterator[RenderableType]:
    rows = [
        (one.change, one.seen.what.value, one.seen.subject, one.seen.value, str(one.seen.count),
         listed(one.seen.vantages, 5), f"{as_datetime(one.seen.first_at, zone):%Y-%m-%d %H:%M:%S}")
        for one in compared
    ]  # fmt: skip
    yield from section_table(
        "Seen in one of them only", ("change", "what", "of", "value", "times", "vantages", "first"), rows
    )
