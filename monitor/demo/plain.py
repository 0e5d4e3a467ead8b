"""The demo told line by line, for pipes, logs and `--plain`: every event when it happens, a pulse in between."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from monitor.demo.board import Board, VantageRow
from monitor.demo.mailbox import Mail
from monitor.demo.story import Act
from monitor.model.incident import ChangeKind, IncidentChange
from monitor.model.route import RouteEvent
from monitor.report.headline import began_at, sentence
from monitor.report.safe_text import one_line

PULSE_S = 5.0
_EVIDENCE_SHOWN = 5


class PlainTeller:
    """Writes each event of the board by `write`, one line a call, with seconds since `start`."""

    def __init__(self, board: Board, start: float, write: Callable[[str], None]) -> None:
        self._board = board
        self._start = start
        self._write = write
        self._pulse_due = start + PULSE_S
        board.listeners.append(self._heard)

    def __enter__(self) -> PlainTeller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left open."""

    def tick(self, now: float) -> None:
        """Write what each vantage sees now, every `PULSE_S` seconds."""
        if now < self._pulse_due:
            return
        self._pulse_due = now + PULSE_S
        for name, row in self._board.rows.items():
            self._line(now, "probe", f"{name:12} {_row(row, self._board.genuine_key)}")
        verdict = self._board.verdict
        if verdict is not None:
            self._line(now, "verdict", f"{verdict.cause} {verdict.confidence:.1%}")

    def _heard(self, at: float, event: object) -> None:
        match event:
            case Act():
                self._line(at, "story", f"[{event.title}] {event.told}")
            case RouteEvent():
                self._line(at, "route", route_line(event))
            case IncidentChange():
                self._changed(event)
            case Mail():
                self._line(at, "mail", one_line(event.subject, 150))
            case _:
                pass

    def _changed(self, change: IncidentChange) -> None:
        incident = change.incident
        if change.kind is ChangeKind.CLOSED:
            # Told when it has stayed well for a while, which is no part of it.
            ended_at = change.at if incident.closed_at is None else incident.closed_at
            lasted_s = ended_at - began_at(incident)
            self._line(change.at, "incident", f"closed: {incident.cause}, over after {lasted_s:.0f} s")
            return
        sure = "suspected" if incident.suspected else f"{incident.confidence:.1%}"
        self._line(change.at, "incident", f"{change.kind}: {incident.cause} {sure}: {sentence(incident)}")
        if change.kind in (ChangeKind.OPENED, ChangeKind.CAUSE_CHANGED):
            for item in incident.evidence[:_EVIDENCE_SHOWN]:
                told = f"{item.weight:+.1f} {item.rule} ({item.seen} of {item.of}): {one_line(item.text, 160)}"
                self._line(change.at, "evidence", told)

    def _line(self, at: float, word: str, text: str) -> None:
        self._write(f"{at - self._start:6.1f}s {word:9} {text}")


def route_line(event: RouteEvent) -> str:
    """A route event in a few words."""
    path = f" path {event.path}" if event.path is not None else ""
    return f"{event.kind} {event.prefix} by AS{event.peer_asn} at {one_line(event.collector, 30)}{path}"


def milliseconds(duration_s: float | None) -> str:
    """A duration for a table: `12 ms`, `0.3 ms`, or `-` when it was not measured."""
    if duration_s is None:
        return "-"
    value = duration_s * 1000
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def _row(row: VantageRow, genuine_key: str | None) -> str:
    seen = row.target
    if seen is None:
        return "nothing yet"
    answer = str(seen.status) if seen.status is not None else str(seen.failure)
    key = "-" if seen.spki_sha256 is None else "known" if seen.spki_sha256 == genuine_key else "NEW"
    path = " ".join(str(asn) for asn in row.path) or "-"
    control = "ok" if row.control is not None and row.control.failure is None else "not ok"
    return (
        f"{answer} connect {milliseconds(seen.connect_s)} tls {milliseconds(seen.tls_s)}"
        f" wait {milliseconds(seen.wait_s)} key {key} control {control} path {path}"
        + (" (replayed)" if row.replayed_path else "")
    )
