"""When an agent tells by itself: by when a hub was last heard, and what has begun since."""

from __future__ import annotations

import pytest

from monitor.agent.solitude import MARGIN_S, Solitude
from monitor.model import Cause, ChangeKind, Incident, IncidentChange
from monitor.model.verdict import Detail

AFTER_S = 180.0


class _Hub:
    """When it was heard, and what time it is."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.heard_at: float | None = None

    def solitude(self, *own: str) -> Solitude:
        return Solitude(lambda: self.heard_at, AFTER_S, own=own, monotonic=lambda: self.now)


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


@pytest.mark.parametrize(("told", "closes"), [((), False), (("a",), True)])
def test_the_close_of_what_a_hub_told_is_the_hubs_to_tell(told: tuple[str, ...], *, closes: bool) -> None:
    """Here only of what was told from here, also before a restart."""
    hub = _Hub()
    solitude = hub.solitude(*told)
    hub.now += AFTER_S

    assert solitude.passed(CLOSED) is closes


def test_what_a_hub_opened_is_its_own_with_another_cause() -> None:
    """And its updates too, from then on: the ledger has to know by how many vantages it is seen."""
    hub = _Hub()
    solitude = hub.solitude()
    hub.now += AFTER_S
    updated, renamed = _change(ChangeKind.UPDATED), _change(ChangeKind.CAUSE_CHANGED)

    assert [solitude.passed(one) for one in (updated, CLOSED, renamed, updated, CLOSED)] == [
        False, False, True, True, True,
    ]  # fmt: skip
