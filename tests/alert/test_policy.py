"""What is worth waking somebody for, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from monitor.alert import worth_telling
from monitor.model import Cause, ChangeKind, IncidentChange

ChangeOf = Callable[[str], IncidentChange]

OPENED, CHANGED, UPDATED, CLOSED = (
    ChangeKind.OPENED,
    ChangeKind.CAUSE_CHANGED,
    ChangeKind.UPDATED,
    ChangeKind.CLOSED,
)
HIJACK, OVERLOAD, NONE = Cause.ROUTE_HIJACK, Cause.SERVER_OVERLOAD, Cause.INSUFFICIENT


@pytest.mark.parametrize(
    ("kind", "previous", "cause", "told"),
    [
        (OPENED, None, HIJACK, True),
        (OPENED, None, NONE, False),
        (CHANGED, OVERLOAD, HIJACK, True),
        (CHANGED, NONE, OVERLOAD, True),
        (CHANGED, OVERLOAD, NONE, True),
        (CHANGED, HIJACK, HIJACK, True),  # suspected before, confirmed now
        (CHANGED, NONE, NONE, False),
        (UPDATED, None, HIJACK, False),
        (UPDATED, OVERLOAD, HIJACK, False),
        (CLOSED, None, HIJACK, True),
        (CLOSED, HIJACK, HIJACK, True),
        (CLOSED, None, NONE, False),
    ],
)
def test_people_are_told_of_causes_and_ends(
    change_of: ChangeOf, kind: ChangeKind, previous: Cause | None, cause: Cause, told: bool
) -> None:
    """Opened with a cause, cause changed, closed: told. Updates, and trouble without a cause: not."""
    hijack = change_of("hijack")
    incident = msgspec.structs.replace(hijack.incident, cause=cause)
    change = msgspec.structs.replace(hijack, kind=kind, previous_cause=previous, incident=incident)

    assert worth_telling(change) is told


def test_the_end_of_an_incident_that_lost_its_cause_is_told(change_of: ChangeOf) -> None:
    """Named later than opened means that it had another cause, of which people were told."""
    closed = change_of("closed")
    lost = msgspec.structs.replace(closed.incident, cause=NONE, named_at=closed.incident.opened_at + 60.0)

    assert worth_telling(msgspec.structs.replace(closed, incident=lost))


@pytest.mark.parametrize("told_before", [True, False])
def test_who_knows_what_was_told_decides_on_the_end(change_of: ChangeOf, told_before: bool) -> None:
    """The caller's knowledge goes before what the incident's times suggest."""
    assert worth_telling(change_of("closed"), told_before=told_before) is told_before
