"""The kinds of observations and their tables: which rows a fact becomes, which fact a row was."""

from __future__ import annotations

from monitor.history import dns_rows, http_rows, trace_rows
from monitor.history.glossary import ReadingGlossary, WritingGlossary
from monitor.history.resolution import wall_millis
from monitor.history.shelf import Row, Shelf
from probes.observation import (
    DnsObservation,
    HttpObservation,
    NotMeasured,
    Observation,
    TraceObservation,
)


def _missed_to_row(fact: NotMeasured, seq: int, glossary: WritingGlossary) -> Row:
    return (
        glossary.number("target", (fact.target,)),
        wall_millis(fact.at) * 1000,
        glossary.number("vantage", (fact.vantage,)),
        seq,
        glossary.word(fact.probe),
        glossary.word(fact.reason),
    )


def _missed_from_row(row: Row, glossary: ReadingGlossary) -> NotMeasured:
    target, done, vantage, _, probe, reason = row
    return NotMeasured(
        at=done // 1000 / 1e3,
        vantage=glossary.text("vantage", vantage),
        target=glossary.text("target", target),
        probe=glossary.text("word", probe),
        reason=glossary.text("word", reason),
    )


_MISSED_COLUMNS = ("target", "done", "vantage", "seq", "probe", "reason")

SHELVES: dict[type[Observation], Shelf[Observation]] = {
    HttpObservation: Shelf(
        "http",
        http_rows.COLUMNS,
        http_rows.to_row,
        http_rows.from_row,
        rows="request",
        written=http_rows.WRITTEN,
    ),
    DnsObservation: Shelf("dns", dns_rows.COLUMNS, dns_rows.to_row, dns_rows.from_row),
    TraceObservation: Shelf("trace", trace_rows.COLUMNS, trace_rows.to_row, trace_rows.from_row),
    NotMeasured: Shelf("not_measured", _MISSED_COLUMNS, _missed_to_row, _missed_from_row),
}
"""By class; a shelf's table (or view) is also the fact's `kind`."""
