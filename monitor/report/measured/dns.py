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
    remarks = [_remarks(one) for one in asked]
    if any(remarks):
        table.add_column("remarks", overflow="fold")
    for one, remark in zip(asked, remarks, strict=True):
        cells = (
            one_line(one.server, 64),
            _ROLES.get(one.role, one_line(one.role, 20)),
            one_line(one.transport, 10),
            milliseconds(one.elapsed_s),
            one_line(one.rcode or "–", 20),
            "–" if one.ttl_s is None else f"{one.ttl_s:.0f} s",
            one_line(one.dnssec or "–", 20),
        )
        last = (Text(remark, style="dim"),) if any(remarks) else ()
        table.add_row(*(Text(cell) for cell in cells), _answer(one), *last)
    return table


def _remarks(one: DnsObservation) -> str:
    """Which instance answered for whom, from which version of the zone, and what our own validation found."""
    said = []
    if one.nsid:
        said.append(f"instance {one_line(one.nsid, 60)}")
    if one.ecs or one.subnet:
        said.append(f"for {one_line(one.ecs or one.subnet or '', 60)}")
    if one.soa_serial is not None:
        said.append(f"zone {one.soa_serial}")
    if one.dnssec_reason:
        said.append(f"chain: {one_line(one.dnssec_reason, 120)}")
    if one.signatures_expire_at is not None:
        said.append(f"signed until {as_datetime(one.signatures_expire_at):%Y-%m-%d}")
    return ", ".join(said)


def _answer(one: DnsObservation) -> Text:
    if one.failure is not None:
        return Text(f"{one.failure}: {one_line(one.error or 'no detail', 200)}", style="red")
    aliases = [f"{one_line(alias, 253)} →" for alias in one.cnames[:_ANSWERS]]
    return Text(" ".join([*aliases, listed(one.answers, _ANSWERS, limit=120)]))
