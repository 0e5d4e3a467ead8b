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
from monitor.report.moment import as_datetime
from monitor.report.safe_text import one_line
from probes.observation import DnsObservation

_ANSWERS: Final = 8
_NARROW: Final = 15  # an IPv4 address
_ROLES: Final = {"recursive": "resolver", "authoritative": "authority"}


def dns_view(seen: Sequence[DnsObservation]) -> Iterator[RenderableType]:
    """A table for each question, a row for each server that was asked."""
    for (name, rrtype), asked in groupby(seen, key=lambda one: (one.name, one.rrtype)):
        yield Text(f"{one_line(name, 253)} {one_line(rrtype, 20)}", style="bold")
        yield _table(list(asked))


def _table(asked: list[DnsObservation]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1))
    table.add_column("server", overflow="fold", min_width=_NARROW)
    for heading in ("role", "by", "time", "code", "TTL"):
        table.add_column(heading, justify="right" if heading in ("time", "TTL") else "left", no_wrap=True)
    table.add_column("answer", overflow="fold", min_width=_NARROW)
    for one in asked:
        cells = (
            one_line(one.server, 64),
            _ROLES.get(one.role, one_line(one.role, 20)),
            one_line(one.transport, 10),
            milliseconds(one.elapsed_s),
            one_line(one.rcode or "–", 20),
            "–" if one.ttl_s is None else f"{one.ttl_s:.0f} s",
        )
        table.add_row(*(Text(cell) for cell in cells), _answer(one))
    return table


def _answer(one: DnsObservation) -> Text:
    """A record a line, then what else the server said."""
    lines = [Text(f"{one_line(alias, 253)} →") for alias in one.cnames[:_ANSWERS]]
    lines += [Text(one_line(answer, 120)) for answer in one.answers[:_ANSWERS]]
    if len(one.answers) > _ANSWERS:
        lines.append(Text(f"and {len(one.answers) - _ANSWERS} more"))
    if one.failure is not None:
        lines.append(Text(f"{one.failure}: {one_line(one.error or 'no detail', 200)}", style="red"))
    if remarks := _remarks(one):
        lines.append(Text(remarks, style="dim"))
    return Text("\n").join(lines)


def _remarks(one: DnsObservation) -> str:
    """Whether it is validated, which instance answered for whom, from which version of the zone."""
    said = []
    if one.dnssec:
        said.append(f"DNSSEC {one_line(one.dnssec, 20)}")
    if one.dnssec_reason:
        said.append(one_line(one.dnssec_reason, 120))
    if one.nsid:
        said.append(f"instance {one_line(one.nsid, 60)}")
    if one.ecs or one.subnet:
        said.append(f"for {one_line(one.ecs or one.subnet or '', 60)}")
    if one.soa_serial is not None:
        said.append(f"zone {one.soa_serial}")
    if one.signatures_expire_at is not None:
        said.append(f"signed until {as_datetime(one.signatures_expire_at):%Y-%m-%d}")
    return ", ".join(said)
