"""A test of every way on which people are told: a made-up incident, marked as such. Composing is pure."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.alert.hooks import hook_notices
from monitor.alert.mail import Foreword, notices
from monitor.history import Notice
from monitor.model import (
    Cause,
    ChangeKind,
    Detail,
    Evidence,
    HijackEffect,
    HijackKind,
    Incident,
    IncidentChange,
    RunnerUp,
)
from monitor.model.settings import AlertSettings
from monitor.report.circumstances import NOTHING
from monitor.report.words import trial as words

_LASTED_S = 60.0


def trial_notices(settings: AlertSettings, now: float) -> Sequence[Notice]:
    """One for each recipient, webhook and command. Each call is a thread of its own."""
    incident = _made_up(now)
    change = IncidentChange(kind=ChangeKind.OPENED, at=now, sequence=1, incident=incident)
    foreword = Foreword(
        text=words.FOREWORD.text(settings.language), mark=words.MARK.text(settings.language), thread="test"
    )
    return [
        *notices(change, settings, foreword=foreword),
        *hook_notices(change, settings, foreword=foreword, circumstances=NOTHING),
    ]


def _made_up(now: float) -> Incident:
    """A hijack of addresses and networks that are for documentation alone (RFC 5737, RFC 5398)."""
    began = now - _LASTED_S
    return Incident(
        id=f"test-{now:.0f}",
        target="example",
        cause=Cause.ROUTE_HIJACK,
        detail=Detail(
            kind=HijackKind.SUBPREFIX,
            effect=HijackEffect.IMPOSTOR,
            prefix="203.0.113.0/24",
            origin=64511,
            expected_origins=(64500,),
            old_path=(64502, 64500),
            new_path=(64502, 64511),
        ),
        confidence=0.98,
        suspected=False,
        opened_at=began,
        named_at=began,
        closed_at=None,
        affected=("seoul-1",),
        vantages=2,
        evidence=(
            Evidence(
                rule="identity.new_key", group="identity", weight=2.5, seen=1, of=1, at=began,
                text="a key never seen before answers 1 of 1 (issuer CN=Example)",
            ),
        ),
        runner_up=RunnerUp(cause=Cause.ROUTE_MOVED, confidence=0.01),
        missing=None,
        started_at=began,
        updated_at=now,
    )  # fmt: skip
