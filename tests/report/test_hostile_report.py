"""Reports of an incident whose every string was written by an attacker, at full length."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC

import msgspec
import pytest
from rich.console import Console

from monitor.model import Detail, Evidence, Incident, IncidentChange
from monitor.report import explain, incident_html, incident_text
from monitor.report.digest import MOST_LISTED, Setting, day_of, digest_html, digest_text
from monitor.report.words import Language

ATTACK = "<script>alert('1')</script>&\"[red]\x1b]0;owned\x07\r\nBcc: x@example.com\u202e{{ 7*7 }}{% raw %}"


@pytest.fixture
def hostile(change_of: Callable[[str], IncidentChange]) -> Incident:
    """Too much of everything, with markup, control and bidi characters in it."""
    long = ATTACK * 500
    evidence = Evidence(
        rule=long, group=long, weight=1.0, seen=1, of=1, text=long, at=0.0, likelihoods={long: 1.0},
        witnesses=(long,) * 500,
    )  # fmt: skip
    detail = Detail(
        prefix=long, origin=1, rpki=long, failure=long, server=long, upstream=long,
        expected_origins=(1,) * 5000, old_path=(1,) * 5000, new_path=(2,) * 5000,
    )  # fmt: skip
    return msgspec.structs.replace(
        change_of("hijack").incident, id=long, target=long, members=(long,) * 500, affected=(long,) * 500,
        detail=detail, evidence=(evidence,) * 500, missing=long, rules_version=long,
    )  # fmt: skip


def test_html_shows_markup_instead_of_obeying_it(hostile: Incident) -> None:
    """No tag, attribute or template expression of the attacker's survives, and the size is bounded."""
    page = incident_html(hostile, timezone="UTC", now=0.0)

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7*7 }}" in page
    assert len(page.encode()) < 100_000


def test_text_has_no_control_characters(hostile: Incident) -> None:
    """Only line ends are left, and the size is bounded."""
    text = incident_text(hostile, timezone="UTC", now=0.0)

    assert {character for character in text if not character.isprintable()} == {"\n"}
    assert len(text.encode()) < 60_000


def test_explanation_neither_drives_the_terminal_nor_reads_markup(hostile: Incident) -> None:
    """Escapes are shown as text and `[red]` stays four letters in brackets."""
    few = msgspec.structs.replace(hostile, evidence=hostile.evidence[:2])
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="standard")
    console.print(explain(few, []))
    output = console.file.getvalue()  # type: ignore[attr-defined]

    assert "\x1b]0" not in output
    assert "\\x1b]0;owned\\x07" in output
    assert "[red]" in output


def test_a_digest_is_neither_markup_nor_an_escape(hostile: Incident) -> None:
    """Both forms of it, bounded, with many of them in one day; a link stays inside its attribute."""
    setting = Setting(
        monitor=ATTACK, targets=1, vantages=1, language=Language.KO, where=UTC, dashboard="https://whydown.example"
    )
    day = day_of([hostile] * 100, {hostile.id}, "2022-02-03", 0.0, setting)
    text, page = digest_text(day), digest_html(day)

    assert {character for character in text if not character.isprintable()} == {"\n"}
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not {"\x1b", "\x07", "\u202e"} & set(page)
    assert page.count('href="https://whydown.example/incidents/') == MOST_LISTED
    assert len(text.encode()) < 60_000
    assert len(page.encode()) < 120_000
