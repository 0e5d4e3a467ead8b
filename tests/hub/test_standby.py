"""Two hubs, one voice: who alerts, by what the agents say of the first hub."""

from __future__ import annotations

from monitor.history import Notice, NoticeState
from monitor.hub.standby import MARGIN_S, MOST_HELD, RECENT_S, UNHEARD_S, Standby


class _Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _notice(key: str) -> Notice:
    return Notice(
        key=key, channel="mail", created_at=0.0, subject=key, payload=b"", recipients=("noc@example.com",),
        incident_id="i", sequence=1, message_id=f"<{key}@x>", state=NoticeState.PENDING, tries=0, next_try_at=0.0,
    )  # fmt: skip


def test_the_first_hub_always_tells() -> None:
    """Whatever agents say, and when there are none."""
    first = Standby(is_standby=False, monotonic=_Time())

    assert first.leads
    assert first.passed([_notice("a")]) == [_notice("a")]
    assert first.released() == []


def test_a_standby_is_silent_while_anybody_hears_the_first() -> None:
    """One agent is enough; nor does it speak before any agent has come."""
    time = _Time()
    standby = Standby(is_standby=True, monotonic=time)
    assert not standby.leads
    standby.report("v", UNHEARD_S)
    standby.report("w", UNHEARD_S - 1.0)
    assert not standby.leads
    standby.report("w", UNHEARD_S)
    assert standby.leads
    standby.report("v", 0.0)
    assert not standby.leads


def test_an_agent_that_is_gone_has_no_say() -> None:
    """Its last word counts for a minute."""
    time = _Time()
    standby = Standby(is_standby=True, monotonic=time)
    standby.report("gone", 0.0)
    time.now += RECENT_S + 1.0
    standby.report("v", UNHEARD_S)

    assert standby.leads


def test_what_the_first_perhaps_did_not_tell_is_told_once_at_the_takeover() -> None:
    """That since it was last heard, and of shortly before; the older it has told."""
    time = _Time()
    standby = Standby(is_standby=True, monotonic=time)
    standby.report("v", 0.0)
    assert standby.passed([_notice("old")]) == ()
    time.now += MARGIN_S + 0.1
    heard_at = time.now
    standby.report("v", 0.0)
    time.now -= MARGIN_S / 2
    assert standby.passed([_notice("doubtful")]) == ()
    time.now = heard_at + 1.0
    assert standby.passed([_notice("new")]) == ()
    assert standby.released() == []
    time.now = heard_at + UNHEARD_S
    standby.report("v", UNHEARD_S)

    assert standby.released() == [_notice("doubtful"), _notice("new")]
    assert standby.released() == []
    assert standby.passed([_notice("next")]) == [_notice("next")]


def test_what_the_first_has_sent_is_not_told_again() -> None:
    """The agents' reports say so; neither what it held, nor what it concludes later than the first did."""
    time = _Time()
    standby = Standby(is_standby=True, monotonic=time)
    standby.report("v", 1.0)
    standby.passed([_notice("sent"), _notice("unsent")])
    time.now += UNHEARD_S
    standby.report("v", UNHEARD_S, ("older", "sent", "late"))

    assert [one.key for one in standby.released()] == ["unsent"]
    assert [one.key for one in standby.passed([_notice("late"), _notice("new")])] == ["new"]


def test_reports_of_sent_messages_are_bounded() -> None:
    """However many an agent names, the oldest are forgotten first."""
    standby = Standby(is_standby=True, monotonic=_Time())
    for number in range(2 * MOST_HELD // 100):
        standby.report("v", UNHEARD_S, [f"{number}-{each}" for each in range(100)])

    assert standby.passed([_notice("0-0"), _notice("19-99")]) == [_notice("0-0")]
