"""Latency over time as a file: a plot, or its figures as a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import click
import msgspec

from monitor.commands.output_file import write_output
from monitor.files import write_csv, write_json_lines, write_parquet
from monitor.history.overview import Overview
from monitor.report.latency_figure import FORMS, latency_figure

_PLOTS = tuple(f".{form}" for form in FORMS)
_TABLES = (".csv", ".parquet", ".jsonl")


class LatencyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of one phase of one series: `at` is where it begins, percentiles are seconds."""

    at: float
    bucket_s: float
    target: str | None
    vantage: str | None
    phase: str
    count: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


class SaveFile(click.ParamType[Path]):
    """The click type of `--save`."""

    name = "file"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """A path with one of the endings that say what to write."""
        path = Path(str(value))
        if path.suffix not in (*_PLOTS, *_TABLES):
            self.fail(f"{path.name[:60]!r} ends in none of {', '.join((*_PLOTS, *_TABLES))}", param, ctx)
        return path


def save_latency(path: Path, found: Overview, zone: ZoneInfo) -> None:
    """Write the overview's latency as what the ending of `path` says.

    :raises click.ClickException: it cannot be written, or a library for it is missing
    """
    write_output(path, lambda file: _write(file, path.suffix, found, zone))


def _write(file: IO[bytes], form: str, found: Overview, zone: ZoneInfo) -> None:
    if form in _PLOTS:
        picture = latency_figure(
            found.latency or (), found.incidents or (), found.question, zone=zone, form=form[1:]
        )
        file.write(picture)
    elif form == ".csv":
        write_csv(file, LatencyRow, _rows(found))
    elif form == ".parquet":
        write_parquet(file, LatencyRow, _rows(found))
    else:
        write_json_lines(file, _rows(found))


def _rows(found: Overview) -> Iterator[LatencyRow]:
    for series in found.latency or ():
        for point in series.points:
            yield LatencyRow(
                at=point.at, bucket_s=series.bucket_s, target=series.target, vantage=series.vantage,
                phase=series.phase, count=point.count, p50_s=point.p50_s, p95_s=point.p95_s, p99_s=point.p99_s,
            )  # fmt: skip
