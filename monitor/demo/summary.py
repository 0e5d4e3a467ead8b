"""The demo's end: what the monitor named, against what the demo did; and whether that was right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from monitor.demo import setting
from monitor.demo.board import Board
from monitor.demo.scene import Diversion
from monitor.demo.story import Act, Story
from monitor.model.incident import Incident
from monitor.model.verdict import Cause, HijackEffect, HijackKind
from monitor.report.moment import as_datetime
from monitor.report.safe_text import one_line

# An incident may be opened this long after its act has ended and still be about it.
_GRACE_S = 5.0

# Before the end of an act nothing is mended yet.
_EARLY_S = 2.0


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """One trouble that the demo caused, and what the monitor said of it.

    `after_s`: from the deed to the moment when the final cause was first given; None: never named.
    """

    truth: Cause
    named: Cause | None
    after_s: float | None
    opened_after_s: float | None
    confidence: float | None
    incident: str | None
    right: bool
    wrong_because: str | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole demo in one value. `other_incidents`: opened without a cause in the story.

    `height_at`: Unix seconds, when the last trouble was at its height; None: it was not reached.
    """

    right: bool
    mode: str
    told: str
    seconds: float
    named: tuple[Named, ...]
    other_incidents: tuple[str, ...]
    mails: tuple[str, ...]
    http_probes: int
    traceroutes: int
    traceroutes_replayed: bool
    route_messages: int
    rounds_not_measured: int
    crowd: dict[str, int] = {}
    height_at: float | None = None


def summarise(
    board: Board,
    story: Story,
    diversion: Diversion,
    *,
    mode: str,
    told: str,
    seconds: float,
    crowd: dict[str, int],
) -> Summary:
    """Compare the incidents on the board with the story's deeds."""
    whole = [incident for incident in board.incidents.values() if incident.joined is None]
    incidents = sorted(whole, key=lambda incident: incident.opened_at)
    named = []
    matched: set[str] = set()
    for at, act in board.acts:
        if act.truth is None:
            continue
        until = at + story.length_s(act) + _GRACE_S
        mine = [one for one in incidents if at <= one.opened_at <= until and one.target == setting.TARGET]
        matched.update(one.id for one in mine[:1])
        named.append(_named(act, at, mine[:1], diversion))
    others = tuple(
        f"{one.cause} {one.target or ', '.join(one.affected)}" for one in incidents if one.id not in matched
    )
    return Summary(
        right=bool(named) and all(one.right for one in named) and not others,
        mode=mode,
        told=told,
        seconds=round(seconds, 1),
        named=tuple(named),
        other_incidents=others,
        mails=tuple(mail.subject for _, mail in board.mails),
        http_probes=board.counts.http,
        traceroutes=board.counts.traces,
        traceroutes_replayed=any(row.replayed_path for row in board.rows.values()),
        route_messages=board.counts.route_events,
        rounds_not_measured=board.counts.not_measured,
        crowd=crowd,
        height_at=max((at + story.length_s(act) - _EARLY_S for at, act in board.acts if act.truth), default=None),
    )


def _named(act: Act, at: float, mine: Sequence[Incident], diversion: Diversion) -> Named:
    truth = act.truth or Cause.OK
    if not mine:
        return Named(
            truth=truth, named=None, after_s=None, opened_after_s=None, confidence=None, incident=None,
            right=False, wrong_because="no incident was opened",
        )  # fmt: skip
    incident = mine[0]
    wrong = wrong_because(incident, truth, diversion)
    return Named(
        truth=truth,
        named=incident.cause,
        after_s=round(incident.named_at - at, 1),
        opened_after_s=round(incident.opened_at - at, 1),
        confidence=round(incident.confidence, 4),
        incident=incident.id,
        right=wrong is None,
        wrong_because=wrong,
    )


def wrong_because(incident: Incident, truth: Cause, diversion: Diversion) -> str | None:
    """Why this incident does not name the truth; None when it does, with all that the truth implies."""
    if incident.cause is not truth:
        return f"named {incident.cause}"
    if truth is not Cause.ROUTE_HIJACK:
        return None
    expected = {
        "kind": HijackKind.SUBPREFIX,
        "effect": HijackEffect.IMPOSTOR,
        "prefix": diversion.prefix,
        "origin": diversion.origin,
    }
    for name, value in expected.items():
        found = getattr(incident.detail, name)
        if found != value:
            return f"{name} is {found}, not {value}"
    return "it stayed suspected" if incident.suspected else None


def ways_to_look(summary: Summary, program: str, history: Path, config: Path | None) -> list[str]:
    """What a person can do with the history that was kept, a command a line; `program`: how whydown is called.

    `config`: of the monitor that wrote it, by which networks have their names.
    """
    if summary.height_at is None:
        return []
    at = f"{as_datetime(summary.height_at):%Y-%m-%dT%H:%M:%SZ}"
    return [
        "Look at it yourself: the dashboard in the middle of the hijack (http://127.0.0.1:8080), and its verdict:",
        f"  {program} web{'' if config is None else f' --config {config}'} --database {history} --at {at}",
        f"  {program} explain last --database {history}",
    ]


def lines(summary: Summary) -> list[str]:
    """The summary for a person, a line each."""
    told = [f"Demo ended after {summary.seconds:.0f} s, mode {summary.mode}. {summary.told}"]
    for one in summary.named:
        verdict = f"named {one.named} after {one.after_s:.1f} s" if one.after_s is not None else "was never named"
        sure = f", confidence {one.confidence:.1%}" if one.confidence is not None else ""
        mark = "right" if one.right else f"WRONG: {one.wrong_because}"
        told.append(f"  {one.truth}: {verdict}{sure} - {mark}")
    told.extend(f"  WRONG: an incident without a cause in the story: {other}" for other in summary.other_incidents)
    told.append(f"  {len(summary.mails)} mails:")
    told.extend(f"    {one_line(subject, 150)}" for subject in summary.mails)
    replayed = " (replayed)" if summary.traceroutes_replayed else ""
    told.append(
        f"  {summary.http_probes} HTTP probes, {summary.traceroutes} traceroutes{replayed},"
        f" {summary.route_messages} route messages, {summary.rounds_not_measured} rounds not measured"
    )
    if summary.crowd:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(summary.crowd.items()))
        told.append(f"  The crowd was answered {answers}")
    told.append("Both causes were named rightly." if summary.right else "The demo did NOT end as it should.")
    return told
