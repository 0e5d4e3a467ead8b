"""When people are told: a trouble is played change by change, and the ledger is asked as time goes on."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from monitor.alert.ledger import FORGET_S, MOST_PAGES, Ledger, Wishes
from monitor.model import Cause, ChangeKind, Incident, IncidentChange, share_of
from monitor.model.alert_policy import AlertPolicy, Flapping, Hours, Maintenance, Once, Severity

ChangeOf = Callable[[str], IncidentChange]

NOON = 1_643_846_400.0 + 12 * 3600.0  # 2022-02-03T12:00Z, a Thursday
HOUR = 3600.0
OPENED, CHANGED, UPDATED, CLOSED = (
    ChangeKind.OPENED,
    ChangeKind.CAUSE_CHANGED,
    ChangeKind.UPDATED,
    ChangeKind.CLOSED,
)
NIGHT = Hours(begin=22 * 60, end=7 * 60)


class Play:
    """Feeds a ledger with what becomes of incidents, and collects what it tells: (kind, reminder)."""

    def __init__(self, base: Incident, **policy: object) -> None:
        self.base = base
        self.ledger = Ledger()
        self.wishes = Wishes(policy=AlertPolicy(**policy))  # type: ignore[arg-type]
        self._sequence = 0

    def change(self, kind: ChangeKind, at: float, name: str = "i", **fields: object) -> list[str]:
        """What is told with this change of the incident `name`."""
        self._sequence += 1
        self.base = msgspec.structs.replace(self.base, id=name, **fields)
        change = IncidentChange(kind=kind, at=at, sequence=self._sequence, incident=self.base)
        self.ledger.enter(change)
        return self.at(at)

    def at(self, now: float) -> list[str]:
        """What is told because it is `now`."""
        return [
            "reminder" if one.reminder else one.change.kind.value for one in self.ledger.tell(self.wishes, now)
        ]


@pytest.fixture
def overload(change_of: ChangeOf) -> Incident:
    """An overload that opened at noon."""
    base = change_of("overload").incident
    return msgspec.structs.replace(base, opened_at=NOON, started_at=NOON, named_at=NOON)


def test_opened_changed_and_closed_are_told_once_each(overload: Incident) -> None:
    """And nothing between them, however often time goes on."""
    play = Play(overload)

    assert play.change(OPENED, NOON) == ["opened"]
    assert play.at(NOON + 10) == []
    assert play.change(UPDATED, NOON + 20, confidence=0.99) == []
    assert play.change(CHANGED, NOON + 30, cause=Cause.SERVER_DOWN) == ["cause_changed"]
    assert play.change(CLOSED, NOON + 40, closed_at=NOON + 40) == ["closed"]
    assert play.at(NOON + 50) == []


def test_a_trouble_without_a_cause_is_told_when_it_has_one(overload: Incident) -> None:
    """One that ends without a cause is told by nobody."""
    named, lost = Play(overload), Play(overload)

    assert named.change(OPENED, NOON, cause=Cause.INSUFFICIENT) == []
    assert named.change(CHANGED, NOON + 9, cause=Cause.SERVER_DOWN) == ["opened"]
    assert lost.change(OPENED, NOON, cause=Cause.INSUFFICIENT) == []
    assert lost.change(CLOSED, NOON + 9, closed_at=NOON + 9) == []


def test_a_suspicion_that_is_confirmed_is_a_change(overload: Incident) -> None:
    """The cause keeps its name; an update alone changes nothing that readers were told."""
    play = Play(overload)
    play.change(OPENED, NOON, cause=Cause.ROUTE_HIJACK, suspected=True)

    assert play.change(UPDATED, NOON + 1, suspected=False) == []
    assert play.change(CHANGED, NOON + 2, suspected=False) == ["cause_changed"]


def test_a_change_tells_what_readers_knew_before(overload: Incident) -> None:
    """Not what the diagnosis held in between, while nothing was told."""
    play = Play(overload, quiet=NIGHT)
    play.change(OPENED, NOON)
    night = NOON + 11 * HOUR
    assert play.change(CHANGED, night, cause=Cause.ROUTE_CHANGE) == []
    play.change(CHANGED, night + 60, cause=Cause.PATH_CONGESTION)
    (telling,) = play.ledger.tell(play.wishes, NOON + 19 * HOUR)

    assert telling.change.previous_cause is Cause.SERVER_OVERLOAD
    assert telling.change.incident.cause is Cause.PATH_CONGESTION


def test_reminders_come_while_it_is_open_and_no_longer(overload: Incident) -> None:
    """Counted from the last word, whatever that was."""
    play = Play(overload, remind_s=HOUR)
    play.change(OPENED, NOON)

    assert play.at(NOON + HOUR - 1) == []
    assert play.at(NOON + HOUR) == ["reminder"]
    assert play.at(NOON + HOUR + 1) == []
    assert play.change(CHANGED, NOON + 1.5 * HOUR, cause=Cause.SERVER_DOWN) == ["cause_changed"]
    assert play.at(NOON + 2 * HOUR) == []
    assert play.at(NOON + 2.5 * HOUR) == ["reminder"]
    assert play.change(CLOSED, NOON + 3 * HOUR, closed_at=NOON + 3 * HOUR) == ["closed"]
    assert play.at(NOON + 9 * HOUR) == []


def test_nobody_is_reminded_who_does_not_want_to(overload: Incident) -> None:
    """`remind = "never"`."""
    play = Play(overload, remind_s=None)
    play.change(OPENED, NOON)

    assert play.at(NOON + 20 * HOUR) == []


@pytest.mark.parametrize(
    ("cause", "severity", "wakes"),
    [
        (Cause.SERVER_DOWN, Severity.NORMAL, True),
        (Cause.ROUTE_HIJACK, Severity.NORMAL, True),
        (Cause.ROUTE_CHANGE, Severity.NORMAL, False),
        (Cause.ROUTE_CHANGE, Severity.CRITICAL, True),
        (Cause.SERVER_DOWN, Severity.LOW, False),
        (Cause.ROUTE_HIJACK, Severity.LOW, False),
    ],
)
def test_quiet_hours_keep_what_can_wait_until_morning(
    overload: Incident, cause: Cause, severity: Severity, wakes: bool
) -> None:
    """What is urgent by its cause or its target is told at night; the rest at seven."""
    night = NOON + 11 * HOUR
    play = Play(msgspec.structs.replace(overload, opened_at=night), quiet=NIGHT, remind_s=None)
    play.wishes = Wishes(policy=play.wishes.policy, severities={overload.target or "": severity})

    assert play.change(OPENED, night, cause=cause) == (["opened"] if wakes else [])
    assert play.at(NOON + 19 * HOUR - 1) == []
    assert play.at(NOON + 19 * HOUR) == ([] if wakes else ["opened"])


def test_what_came_and_went_in_the_night_wakes_nobody_in_the_morning(overload: Incident) -> None:
    """The digest has it."""
    night = NOON + 11 * HOUR
    play = Play(msgspec.structs.replace(overload, opened_at=night), quiet=NIGHT)
    play.change(OPENED, night, cause=Cause.ROUTE_CHANGE)
    play.change(CLOSED, night + 60, closed_at=night + 60)

    assert play.at(NOON + 20 * HOUR) == []


def test_the_end_of_what_was_told_by_day_is_told_in_the_morning(overload: Incident) -> None:
    """Readers who know of it get its end, once."""
    play = Play(overload, quiet=NIGHT, remind_s=None)
    play.change(OPENED, NOON, cause=Cause.ROUTE_CHANGE)
    play.change(CLOSED, NOON + 12 * HOUR, closed_at=NOON + 12 * HOUR)

    assert play.at(NOON + 18 * HOUR) == []
    assert play.at(NOON + 19 * HOUR) == ["closed"]
    assert play.at(NOON + 19 * HOUR + 5) == []


def test_maintenance_is_recorded_and_told_only_if_it_outlasts_the_window(overload: Incident) -> None:
    """A hijack is told all the same: nobody's maintenance takes a prefix away."""
    window = Maintenance(when=Once(begin=NOON, end=NOON + HOUR), targets=frozenset({overload.target or ""}))
    worked, taken = Play(overload, maintenance=(window,)), Play(overload, maintenance=(window,))

    assert worked.change(OPENED, NOON) == []
    assert worked.at(NOON + HOUR - 1) == []
    assert worked.at(NOON + HOUR) == ["opened"]
    assert taken.change(OPENED, NOON) == []
    assert taken.change(CHANGED, NOON + 60, cause=Cause.ROUTE_HIJACK) == ["opened"]


def test_people_are_told_when_enough_vantages_see_it(overload: Incident) -> None:
    """With an update too; and once told, its end is told however few see it then."""
    play = Play(overload)
    play.wishes = Wishes(policy=AlertPolicy(), quorums={overload.target or "": 3})

    assert play.change(OPENED, NOON, affected=("a", "b"), vantages=7) == []
    assert play.change(UPDATED, NOON + 30, affected=("a", "b", "c")) == ["opened"]
    assert play.change(CLOSED, NOON + 60, affected=("a",), closed_at=NOON + 60) == ["closed"]


def test_a_quorum_asks_for_no_more_vantages_than_there_are(overload: Incident) -> None:
    """And for none where BGP alone shows a hijack; a member of a linked incident is enough."""
    wishes = Wishes(policy=AlertPolicy(), quorums={overload.target or "": 3, "map": 2})
    few, bgp, linked = Play(overload), Play(overload), Play(overload)
    few.wishes = bgp.wishes = linked.wishes = wishes
    shares = tuple(
        msgspec.structs.replace(share_of(overload, name), affected=seen, vantages=7)
        for name, seen in ((overload.target or "", ("a",)), ("map", ("a", "b")))
    )

    assert few.change(OPENED, NOON, affected=("a", "b"), vantages=2) == ["opened"]
    assert bgp.change(OPENED, NOON, cause=Cause.ROUTE_HIJACK, affected=(), vantages=7) == ["opened"]
    assert linked.change(
        OPENED, NOON, affected=("a",), vantages=7, members=(overload.target, "map"), shares=shares
    ) == ["opened"]


def test_a_target_that_comes_and_goes_is_told_of_what_lasts(overload: Incident) -> None:
    """Three times it is told; from the fourth on only a state that lasted, with how often it began."""
    play = Play(overload, flapping=Flapping(times=3, within_s=HOUR, settle_s=600.0))
    told: list[str] = []
    for turn in range(6):
        begin = NOON + 300.0 * turn
        fields = {"opened_at": begin, "closed_at": None}
        told += play.change(OPENED, begin, f"i{turn}", **fields)
        if turn < 5:
            told += play.change(CLOSED, begin + 100, f"i{turn}", closed_at=begin + 100)
    last = NOON + 300.0 * 5

    assert told == ["opened", "closed"] * 3
    assert play.at(last + 599) == []
    (telling,) = play.ledger.tell(play.wishes, last + 600)
    assert (telling.change.incident.id, telling.change.kind, telling.times) == ("i5", OPENED, 6)


def test_the_end_of_flapping_is_told_when_it_stays_well(overload: Incident) -> None:
    """The reader knows it as open; that it is over counts when it has been for a while."""
    play = Play(overload, flapping=Flapping(times=1, within_s=HOUR, settle_s=600.0))
    assert play.change(OPENED, NOON, "a", opened_at=NOON) == ["opened"]
    assert play.change(OPENED, NOON + 10, "b", opened_at=NOON + 10, closed_at=None) == []
    assert play.change(CLOSED, NOON + 20, "b", closed_at=NOON + 20) == []
    assert play.change(CLOSED, NOON + 30, "a", opened_at=NOON, closed_at=NOON + 30) == []

    assert play.at(NOON + 629) == []
    assert play.at(NOON + 630) == ["closed"]


def test_the_ledger_does_not_grow_without_end(overload: Incident) -> None:
    """What is closed for a day is forgotten; and there is a limit to what is not."""
    play = Play(overload)
    for number in range(MOST_PAGES + 5):
        change = IncidentChange(
            kind=UPDATED, at=NOON, sequence=1,
            incident=msgspec.structs.replace(
                overload, id=f"i{number}", target=f"t{number}", cause=Cause.INSUFFICIENT,
                closed_at=NOON if number % 2 else None,
            ),
        )  # fmt: skip
        play.ledger.enter(change)
    play.at(NOON)

    assert len(play.ledger) == MOST_PAGES
    play.at(NOON + FORGET_S + 1)
    assert len(play.ledger) < MOST_PAGES / 2 + 5
