"""The demo's own judgement of the monitor: only the whole truth passes."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace as _changed
from rich.console import Console

from monitor.demo import setting
from monitor.demo.board import Board
from monitor.demo.mailbox import Mail
from monitor.demo.plain import PlainTeller
from monitor.demo.registry import prefix_table
from monitor.demo.scene import Diversion
from monitor.demo.screen import picture
from monitor.demo.story import STORY, Deed
from monitor.demo.summary import Summary, lines, summarise, ways_to_look
from monitor.demo.topology import demo_topology
from monitor.model import Cause, ChangeKind, Detail, Evidence, HijackEffect, HijackKind, Incident, IncidentChange
from monitor.model.asn import Asn
from probes.observation import Hop, HopReply, HttpObservation, TraceObservation

START = 1_643_850_258.0
TOPOLOGY = demo_topology()
DIVERSION = Diversion(prefix="198.18.3.0/24", origin=Asn(64511))
HIJACK = Detail(kind=HijackKind.SUBPREFIX, effect=HijackEffect.IMPOSTOR, prefix="198.18.3.0/24", origin=64511)


def _incident(cause: Cause, opened_at: float, **changed: Any) -> Incident:
    usual: dict[str, Any] = {
        "id": f"{cause}-{opened_at:.0f}", "target": setting.TARGET, "cause": cause, "detail": Detail(),
        "confidence": 0.97, "suspected": False, "opened_at": opened_at, "named_at": opened_at, "closed_at": None,
        "affected": ("seoul-1",), "vantages": 4, "evidence": (), "runner_up": None, "missing": None,
        "updated_at": opened_at,
    }  # fmt: skip
    return Incident(**(usual | changed))


def _board(*incidents: Incident) -> Board:
    board = Board(("seoul-1", "saopaulo-1"), prefix_table(TOPOLOGY))
    for act in STORY.acts:
        board.begin(START + act.starts_s, act)
    for incident in incidents:
        change = IncidentChange(kind=ChangeKind.OPENED, at=incident.opened_at, sequence=1, incident=incident)
        board.change(change)
    return board


def _summary(*incidents: Incident) -> Summary:
    return summarise(
        _board(*incidents), STORY, DIVERSION, mode="namespaces", told="All real.", seconds=142.0, crowd={"503": 9}
    )


OVERLOAD = _incident(Cause.SERVER_OVERLOAD, START + 29)
TAKEN = _incident(Cause.ROUTE_HIJACK, START + 80, detail=HIJACK)


def test_both_causes_named_rightly_is_right() -> None:
    """The time to the verdict is counted from the deed, not from the opening."""
    summary = _summary(OVERLOAD, TAKEN)

    assert summary.right
    assert [(one.truth, one.after_s) for one in summary.named] == [
        (Cause.SERVER_OVERLOAD, 4.0),
        (Cause.ROUTE_HIJACK, 2.0),
    ]
    assert lines(summary)[-1] == "Both causes were named rightly."


def test_the_end_says_how_to_look_at_the_middle_of_the_hijack() -> None:
    """A command of each, with the moment and the file; nothing when the story broke off before any trouble."""
    summary = _summary(OVERLOAD, TAKEN)
    _, web, explain = ways_to_look(summary, "whydown", Path("demo/history.db"), Path("demo/config.toml"))

    assert summary.height_at == START + 106
    assert web.split() == [
        "whydown", "web", "--config", "demo/config.toml", "--database", "demo/history.db", "--at",
        f"{datetime.fromtimestamp(START + 106, UTC):%Y-%m-%dT%H:%M:%SZ}",
    ]  # fmt: skip
    assert explain.split() == ["whydown", "explain", "last", "--database", "demo/history.db"]
    assert ways_to_look(msgspec.structs.replace(summary, height_at=None), "whydown", Path("x"), None) == []


@pytest.mark.parametrize(
    ("incidents", "because"),
    [
        ((), "no incident was opened"),
        ((OVERLOAD,), "no incident was opened"),
        ((TAKEN,), "no incident was opened"),
        ((OVERLOAD, _incident(Cause.SERVER_OVERLOAD, START + 80)), "named server.overload"),
        ((_incident(Cause.ROUTE_HIJACK, START + 29, detail=HIJACK), TAKEN), "named route.hijack"),
        (
            (OVERLOAD, _incident(Cause.ROUTE_HIJACK, START + 80, detail=HIJACK, suspected=True)),
            "it stayed suspected",
        ),
        (
            (OVERLOAD, _changed(TAKEN, detail=_changed(HIJACK, effect=HijackEffect.UNKNOWN))),
            "effect is unknown, not impostor",
        ),
        ((OVERLOAD, _changed(TAKEN, opened_at=START + 126)), "no incident was opened"),
    ],
)
def test_anything_less_is_wrong_and_says_why(incidents: tuple[Incident, ...], because: str) -> None:
    """A missing, wrong, half-right, suspected or late verdict fails the demo."""
    summary = _summary(*incidents)

    assert not summary.right
    assert because in [one.wrong_because for one in summary.named]


@pytest.mark.parametrize(
    "extra",
    [
        _incident(Cause.VANTAGE_FAULT, START + 40, target=None),
        _incident(Cause.SERVER_DOWN, START + 65),
        _incident(Cause.SERVER_OVERLOAD, START + 34),
        _incident(Cause.INSUFFICIENT, START + 10),
    ],
)
def test_an_incident_too_many_is_wrong(extra: Incident) -> None:
    """The monitor must not cry wolf: whatever else it opened is named and fails the demo."""
    summary = _summary(OVERLOAD, TAKEN, extra)

    assert not summary.right
    assert len(summary.other_incidents) == 1
    assert summary.other_incidents[0].startswith(extra.cause)


def test_the_story_causes_each_trouble_once_and_ends_it() -> None:
    """Two deeds have a truth, the diversion is restored, and acts are in order with time to recover."""
    starts = [act.starts_s for act in STORY.acts]

    assert starts == sorted(starts)
    assert [act.truth for act in STORY.acts if act.truth] == [Cause.SERVER_OVERLOAD, Cause.ROUTE_HIJACK]
    assert [act.deed for act in STORY.acts if act.deed is not Deed.NOTHING] == [
        Deed.LET_CROWD_IN, Deed.DIVERT, Deed.RESTORE,
    ]  # fmt: skip
    assert all(STORY.length_s(act) >= 20.0 for act in STORY.acts)


def _seen(**changed: Any) -> HttpObservation:
    usual: dict[str, Any] = {
        "at": START, "vantage": "seoul-1", "target": setting.TARGET, "status": 200, "connect_s": 0.0004,
        "tls_s": 0.0021, "wait_s": 0.104, "spki_sha256": "aa" * 32,
    }  # fmt: skip
    return HttpObservation(**(usual | changed))


def test_the_plain_teller_says_each_event_and_marks_a_new_key() -> None:
    """A pulse shows the vantage's phases, AS path and whether the key is the one that was first seen."""
    board = _board()
    said: list[str] = []
    teller = PlainTeller(board, START, said.append)
    board.fact(_seen())
    hops = (
        Hop(ttl=1, address="198.19.6.1", rtt_s=0.0001, reply=HopReply.TIME_EXCEEDED),
        Hop(ttl=2, address="198.18.0.2", rtt_s=0.0001, reply=HopReply.TIME_EXCEEDED),
    )
    board.fact(TraceObservation(at=START, vantage="seoul-1", target=setting.TARGET, hops=hops))
    teller.tick(START + 5)
    board.fact(_seen(status=500, failure="status_unexpected", spki_sha256="bb" * 32))
    board.mail(START + 7, Mail("[hijack 98%] check-in"))
    teller.tick(START + 10)

    assert any("seoul-1      200 connect 0.4 ms tls 2.1 ms wait 104 ms key known" in line for line in said)
    assert any("path 64496 64510" in line for line in said)
    assert any("500" in line and "key NEW" in line for line in said)
    assert "   7.0s mail      [hijack 98%] check-in" in said


def test_hostile_text_reaches_neither_terminal_nor_markup() -> None:
    """Escape sequences and markup in evidence, subjects and names are shown as text."""
    hostile = "\x1b[2J[red]boo[/red]\r\n"
    evidence = Evidence(
        rule="identity.new_key", group="identity", weight=2.5, seen=1, of=1, text=hostile, at=START
    )
    board = _board(_incident(Cause.SERVER_DOWN, START + 30, evidence=(evidence,), target=hostile))
    board.mail(START, Mail(hostile))
    board.fact(_seen())
    drawn = io.StringIO()
    console = Console(file=drawn, width=120, force_terminal=False)
    console.print(picture(board, STORY, told="All real.", start=START, now=START + 31))
    said: list[str] = []
    PlainTeller(board, START, said.append)
    board.mail(START, Mail(hostile))

    assert "\x1b" not in drawn.getvalue()
    assert "[red]boo[/red]" in drawn.getvalue()
    assert said == ["   0.0s mail      \\x1b[2J[red]boo[/red]"]
