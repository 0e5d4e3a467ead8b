"""Answers of name servers, side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from monitor.report.measured.duration import milliseconds
from monitor.report.safe_text import listed, one_line
from probes.observation import DnsObservation

_ANSWERS: Final = 8
_ROLES: Final = {"recursive": "resolver", "authoritative": "authority"}


def dns_view(seen: Sequence[DnsObservation]) -> Iterator[RenderableType]:
    """A table for each question, a row for each server that was asked."""
    for (name, rrtype), asked in groupby(seen, key=lambda one: (one.name, one.rrtype)):
        yield Text(f"{one_line(name, 253)} {one_line(rrtype, 20)}", style="bold")
        yield _table(list(asked))


def _table(asked: list[DnsObservation]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("server", "role", "by", "time", "code", "TTL", "DNSSEC", "answer"):
        table.add_column(heading, justify="right" if heading in ("time", "TTL") else "left", overflow="fold")
    for one in asked:
        cells = (
            one_line(one.server, 64),
            _ROLES.get(one.role, one_line(one.role, 20)),
            one_line(one.transport, 10),
            milliseconds(one.elapsed_s),
            one_line(one.rcode or "–", 20),
            "–" if one.ttl_s is None else f"{one.ttl_s:.0f} s",
            one_line(one.dnssec or "–", 20),
        )
        table.add_row(*(Text(cell) for cell in cells), _answer(one))
    return table


def _answer(one: DnsObservation) -> Text:
    if one.failure is not None:
        return Text(f"{one.failure}: {one_line(one.error or 'no detail', 200)}", style="red")
    aliases = [f"{one_line(alias, 253)} →" for alias in one.cnames[:_ANSWERS]]
    return Text(" ".join([*aliases, listed(one.answers, _ANSWERS, limit=120)]))
