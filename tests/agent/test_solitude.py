"""When an agent tells by itself: by when a hub was last heard, and what has begun since."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from monitor.agent.solitude import MARGIN_S, Solitude
from monitor.model import Cause, ChangeKind, Incident, IncidentChange
from monitor.model.verdict import Detail

AFTER_S = 180.0


class _Hub:
    """When it was heard, and what time it is."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.heard_at: float | None = None

    def solitude(self, *told: str) -> Solitude:
        return Solitude(lambda: self.heard_at, AFTER_S, told=told, monotonic=lambda: self.now)


def _change(kind: ChangeKind, incident: str = "a") -> IncidentChange:
    return IncidentChange(
        kind=kind, at=1.0, sequence=1,
        incident=Incident(
            id=incident, target="shop", cause=Cause.SERVER_DOWN, detail=Detail(), confidence=0.9, suspected=False,
            opened_at=1.0, named_at=1.0, closed_at=None, affected=("v",), vantages=1, evidence=(), runner_up=None,
            missing=None, updated_at=1.0,
        ),
    )  # fmt: skip


OPENED, CLOSED = _change(ChangeKind.OPENED), _change(ChangeKind.CLOSED)


def test_alone_is_who_has_heard_no_hub_for_long_enough_and_not_before() -> None:
    """Counted from the last word of any, and from the start when there was none."""
    hub = _Hub()
    solitude = hub.solitude()
    assert (solitude.alone, solitude.heard) == (False, False)
    hub.now += AFTER_S
    assert (solitude.alone, solitude.heard) == (True, False)
    hub.heard_at = hub.now
    assert (solitude.alone, solitude.heard) == (False, True)
    hub.now += AFTER_S - 0.1
    assert (solitude.alone, solitude.heard) == (False, True)


def test_while_a_hub_is_heard_nothing_is_told_here_ever() -> None:
    """Nor later, of what the hub had its time to tell."""
    hub = _Hub()
    solitude = hub.solitude()
    hub.heard_at = hub.now
    assert not solitude.passed(OPENED)
    assert solitude.released() == []
    hub.heard_at = hub.now + MARGIN_S + 1.0
    hub.now = hub.heard_at + AFTER_S

    assert solitude.released() == []


def test_what_began_since_the_hub_was_last_heard_is_told_once_when_alone() -> None:
    """And what begins then, at once; the close of each, too."""
    hub = _Hub()
    solitude = hub.solitude()
    hub.heard_at = hub.now
    hub.now += 10.0
    solitude.passed(OPENED)
    assert solitude.released() == []
    hub.now += AFTER_S

    assert solitude.released() == [OPENED]
    assert solitude.released() == []
    assert solitude.passed(_change(ChangeKind.OPENED, "b"))
    assert solitude.passed(CLOSED)
    assert solitude.passed(_change(ChangeKind.CLOSED, "b"))


def test_what_is_over_before_it_is_alone_wakes_nobody() -> None:
    """Opened and closed within the wait; the next one is told."""
    hub = _Hub()
    solitude = hub.solitude()
    later = _change(ChangeKind.OPENED, "later")
    for change in (OPENED, CLOSED, later):
        solitude.passed(change)
    hub.now += AFTER_S

    assert solitude.released() == [later]


@pytest.mark.parametrize(("told", "closes"), [((), False), (("a",), True)])
def test_the_close_of_what_a_hub_told_is_the_hubs_to_tell(told: tuple[str, ...], *, closes: bool) -> None:
    """Here only of what was told from here, also before a restart."""
    hub = _Hub()
    solitude = hub.solitude(*told)
    hub.now += AFTER_S

    assert solitude.passed(CLOSED) is closes


def test_an_incident_without_a_cause_is_not_told_until_it_has_one() -> None:
    """As everywhere."""
    hub = _Hub()
    solitude = hub.solitude()
    hub.now += AFTER_S
    nameless = replace(OPENED, incident=replace(OPENED.incident, cause=Cause.INSUFFICIENT))
    named = replace(OPENED, kind=ChangeKind.CAUSE_CHANGED, previous_cause=Cause.INSUFFICIENT)

    assert not solitude.passed(nameless)
    assert solitude.passed(named)
