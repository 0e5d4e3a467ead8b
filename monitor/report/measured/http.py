"""One HTTP exchange: its phases one below the other on a common time axis, who answered, what was expected. Pure.

Each phase begins where the one before it ended, so that the eye sees where the time went without colours. A
phase that the exchange did not survive is drawn hollow, up to the moment at which it was given up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from monitor.report.measured.duration import milliseconds
from monitor.report.moment import as_datetime
from monitor.report.safe_text import listed, one_line
from probes.expectation import Expect
from probes.failure_word import Layer
from probes.observation import HttpObservation

_WIDTH: Final = 48
_DAY_S: Final = 86400.0
_COLORS: Final = {"dns": "cyan", "connect": "blue", "tls": "magenta", "wait": "yellow", "receive": "green"}
_TEXT: Final = 200

# The phase in which a failure of this layer shows; in an exchange it is the wait, unless that is over.
_PHASE_OF: Final = {Layer.DNS: "dns", Layer.CONNECT: "connect", Layer.TLS: "tls", Layer.EXCHANGE: "wait"}


@dataclass(frozen=True, slots=True)
class _Phase:
    """`begin_s` since the exchange began; `lasted_s` None: not reached. `failed`: it was not completed."""

    name: str
    begin_s: float
    lasted_s: float | None
    failed: bool = False


def http_view(seen: HttpObservation, expect: Expect) -> Iterator[RenderableType]:
    """The parts to print, in order."""
    yield Text(_heading(seen), style="bold")
    yield Text(_answer(seen), style="" if seen.failure is None else "red")
    yield _bars(seen)
    yield _facts(seen, expect)


def _heading(seen: HttpObservation) -> str:
    where = f" at {one_line(seen.address, 64)}" if seen.address else ""
    return f"{one_line(seen.target, _TEXT)}{where}"


def _answer(seen: HttpObservation) -> str:
    said = [f"status {seen.status}" if seen.status is not None else "no answer"]
    if seen.http_version:
        said.append(one_line(seen.http_version, 20))
    if seen.body_bytes is not None:
        said.append(f"{seen.body_bytes} bytes")
    said.append(f"{milliseconds(seen.total_s)} in all")
    if seen.failure is not None:
        said.append(f"{seen.failure}: {one_line(seen.error or 'no detail', _TEXT)}")
    return ", ".join(said)


def _phases(seen: HttpObservation) -> Iterator[_Phase]:
    failed = None if seen.failure is None else _PHASE_OF.get(seen.failure.layer)
    if failed == "wait" and seen.wait_s is not None:
        failed = "receive"
    begin = 0.0
    for name in _COLORS:
        lasted: float | None = getattr(seen, f"{name}_s")
        if lasted is None and name == failed and seen.total_s is not None:
            yield _Phase(name, begin, max(seen.total_s - begin, 0.0), failed=True)
        else:
            yield _Phase(name, begin, lasted)
        begin += lasted or 0.0


def _bars(seen: HttpObservation) -> Table:
    phases = list(_phases(seen))
    whole = max([seen.total_s or 0.0, *(phase.begin_s + (phase.lasted_s or 0.0) for phase in phases)])
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(no_wrap=True)
    for phase in phases:
        if phase.lasted_s is None and phase.name == "tls":
            continue  # plain HTTP
        bar = Text(_bar(phase, whole), style=_COLORS[phase.name])
        table.add_row(Text(f"  {phase.name}"), Text(milliseconds(phase.lasted_s)), bar)
    return table


def _bar(phase: _Phase, whole_s: float) -> str:
    if phase.lasted_s is None or whole_s <= 0:
        return ""
    begin = min(round(phase.begin_s / whole_s * _WIDTH), _WIDTH - 1)
    end = min(max(round((phase.begin_s + phase.lasted_s) / whole_s * _WIDTH), begin + 1), _WIDTH)
    return " " * begin + ("░" if phase.failed else "█") * (end - begin)


def _facts(seen: HttpObservation, expect: Expect) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    if seen.kernel_rtt_s is not None:
        table.add_row(Text("  network"), Text(_network(seen)))
    if seen.tls_version is not None or seen.certificate_sha256 is not None:
        table.add_row(Text("  TLS"), Text(_tls(seen)))
    if seen.spki_sha256 is not None:
        table.add_row(Text("  key"), Text(one_line(seen.spki_sha256, 64)))
    if seen.redirects:
        table.add_row(Text("  redirects"), Text(listed(seen.redirects, 10, limit=_TEXT)))
    for name, wanted in _expected(expect):
        table.add_row(Text("  expected"), _judged(seen, name, wanted))
    return table


def _network(seen: HttpObservation) -> str:
    least = "" if seen.kernel_min_rtt_s is None else f" (least {milliseconds(seen.kernel_min_rtt_s)})"
    return (
        f"round trip {milliseconds(seen.kernel_rtt_s)}{least} by the kernel, "
        f"{seen.retransmits or 0} packets sent again"
    )


def _tls(seen: HttpObservation) -> str:
    said = [one_line(part, 20) for part in (seen.tls_version, seen.alpn) if part]
    if seen.issuer:
        said.append(f"issued by {one_line(seen.issuer, _TEXT)}")
    if seen.not_after is not None:
        days = (seen.not_after - seen.at) / _DAY_S
        when = f"{as_datetime(seen.not_after):%Y-%m-%d}"
        said.append(
            f"valid until {when} ({days:.0f} days)" if days >= 0 else f"expired {when} ({-days:.0f} days ago)"
        )
    if seen.certificate_names:
        said.append(f"for {listed(seen.certificate_names, 4)}")
    return ", ".join(said)


def _expected(expect: Expect) -> Iterator[tuple[str, object]]:
    """Each expectation by its name in `checks_failed`, and what it asks for."""
    for one in fields(expect):
        wanted = getattr(expect, one.name)
        if wanted is not None and wanted != ():
            yield one.name, wanted


def _judged(seen: HttpObservation, name: str, wanted: object) -> Text:
    asked = wanted if isinstance(wanted, tuple) else (wanted,)
    text = f"{name} {listed((str(one) for one in asked), 5)}"
    if name in seen.checks_failed:
        return Text(f"✗ {text}", style="red")
    if seen.status is None:
        return Text(f"? {text}: not answered", style="dim")
    return Text(f"✓ {text}", style="green")
