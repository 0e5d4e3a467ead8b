"""Incidents with their changes, and the notices that tell of them: together or not at all, once and not twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.history import HistoryError, Keep, Notice, NoticeState, Reader, Store
from monitor.model import Cause, ChangeKind, Detail, Evidence, FactRef, Incident, IncidentChange, RunnerUp
from monitor.model.history_place import HistoryPlace

ROOT = Path(__file__).parents[2]
NOW = 1_643_855_431.2345678


def incident(name: str = "shop-1", **fields: object) -> Incident:
    """A hijack with evidence, and with times that no rounding would keep."""
    known: dict[str, object] = {
        "id": name, "target": "shop", "cause": Cause.ROUTE_HIJACK, "detail": Detail(prefix="10.0.0.0/24"),
        "confidence": 1 / 3, "suspected": False, "opened_at": NOW, "named_at": NOW + 0.1, "closed_at": None,
        "affected": ("seoul-1",), "vantages": 2, "runner_up": RunnerUp(cause=Cause.OK, confidence=0.1),
        "missing": None, "members": ("shop", "till"), "updated_at": NOW + 1,
        "evidence": (
            Evidence(
                rule="routing.new_origin", group="routing", weight=4.3, seen=1, of=2, text="new\norigin", at=NOW,
                likelihoods={"ok": -1.5}, facts=(FactRef(kind="route", at=NOW, peer="192.0.2.1"),),
            ),
        ),
    }  # fmt: skip
    return msgspec.convert({**known, **fields}, Incident, from_attributes=True)


def change(of: Incident, sequence: int = 1, kind: ChangeKind = ChangeKind.OPENED) -> IncidentChange:
    """One change of an incident."""
    return IncidentChange(kind=kind, at=of.updated_at, sequence=sequence, incident=of, previous_cause=Cause.OK)


def notice(key: str = "shop-1:1:mail:0", **fields: object) -> Notice:
    """One mail with bytes that no text encoding would keep."""
    given: dict[str, object] = {"created_at": NOW, "next_try_at": NOW, **fields}
    return Notice(
        key=key, channel="mail", subject="[whydown] ü", payload=b"Subject: x\r\n\r\n\x00\xff",
        recipients=("noc@example.com", "b@example.com"), sequence=1, message_id="<1@x>",
        **{"incident_id": "shop-1", **given},  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_past_is_told_as_it_was_known_then(place: HistoryPlace) -> None:
    """A suspicion that became a hijack and was closed: a suspicion before, a hijack later, nothing earlier."""
    first = incident(suspected=True, updated_at=NOW)
    sure = incident(updated_at=NOW + 60)
    over = incident(updated_at=NOW + 600, closed_at=NOW + 600)
    stages = [change(first, 1), change(sure, 2, ChangeKind.UPDATED), change(over, 3, ChangeKind.CLOSED)]
    with Store.open(place) as store:
        store.save_changes(stages, [])
    with Reader.open(place) as reader:
        for at, known in ((NOW - 1, []), (NOW, [first]), (NOW + 59, [first]), (NOW + 61, [sure]), (NOW + 700, [])):
            assert reader.incidents(at, at + 300, open_only=True, as_of=at) == known
            assert reader.incident("shop", as_of=at) == (known[0] if known else over if at > NOW else None)
        assert reader.incidents(NOW, NOW + 9, as_of=NOW + 700) == [over] == reader.incidents(NOW, NOW + 9)
        assert reader.changes("shop-1", as_of=NOW + 61) == stages[:2]


def test_one_that_joined_another_later_was_its_own_before(place: HistoryPlace) -> None:
    """Who looks at the first minute of a linked incident sees what the person on call saw."""
    own, joined = incident(updated_at=NOW), incident(updated_at=NOW + 60, closed_at=NOW + 60, joined="till-1")
    with Store.open(place) as store:
        store.save_changes([change(own, 1), change(joined, 2, ChangeKind.CLOSED)], [])
    with Reader.open(place) as reader:
        assert reader.incidents(NOW, NOW + 9, as_of=NOW + 59) == [own]
        assert reader.incidents(NOW, NOW + 9, as_of=NOW + 61) == []


def test_a_change_and_its_notices_come_back_equal(place: HistoryPlace) -> None:
    """Every field, doubles and bytes included."""
    first = change(incident())
    with Store.open(place) as store:
        store.save_changes([first], [notice()])
        assert store.due_notices(NOW, 9) == [notice()]
    with Reader.open(place) as reader:
        assert reader.open_incidents() == [(first.incident, 1)]
        assert reader.changes("shop-1") == [first]
        assert reader.notices(0, NOW + 1) == [notice()]


def test_saving_again_changes_nothing(place: HistoryPlace) -> None:
    """Known sequences and keys keep what they have, also with other content and after the state moved on."""
    opened = change(incident())
    closed = change(incident(closed_at=NOW + 60, updated_at=NOW + 60), 2, ChangeKind.CLOSED)
    with Store.open(place) as store:
        store.save_changes([opened, closed], [notice()])
        store.mark_notice("shop-1:1:mail:0", NoticeState.HANDED_OVER, NOW)
        store.save_changes([opened, change(incident(vantages=99), 1)], [notice()])

        assert store.due_notices(NOW + 9, 9) == []
    with Reader.open(place) as reader:
        assert reader.changes("shop-1") == [opened, closed]
        assert reader.incident("shop-1") == closed.incident
        assert reader.open_incidents() == []


def test_a_change_that_cannot_be_kept_leaves_no_notice_behind(place: HistoryPlace) -> None:
    """One transaction: neither half of it stays."""
    broken = msgspec.structs.replace(notice(), message_id=None)
    with Store.open(place) as store:
        with pytest.raises(HistoryError, match=r"(?i)not.null"):
            store.save_changes([change(incident())], [broken])
        assert store.due_notices(NOW, 9) == []
    with Reader.open(place) as reader:
        assert reader.open_incidents() == []


def test_due_notices_are_the_pending_ones_whose_time_came_oldest_first(place: HistoryPlace) -> None:
    """The limit counts after the order; a later try is not due before its time."""
    old, new, later = (
        notice("old", incident_id="a", created_at=NOW - 5),
        notice("new", incident_id="b"),
        notice("later", incident_id="c", created_at=NOW - 9, next_try_at=NOW + 30),
    )
    with Store.open(place) as store:
        store.save_changes([], [new, later, old])
        assert [each.key for each in store.due_notices(NOW, 9)] == ["old", "new"]
        assert [each.key for each in store.due_notices(NOW, 1)] == ["old"]
        assert [each.key for each in store.due_notices(NOW + 30, 9)] == ["later", "old", "new"]


def test_of_an_incident_only_the_oldest_notice_to_a_recipient_is_due(place: HistoryPlace) -> None:
    """Also while it waits for its next try; when it has come to an end, the next one is due."""
    first = notice("first", created_at=NOW - 5, next_try_at=NOW + 30)
    with Store.open(place) as store:
        store.save_changes([], [notice("second"), first])
        assert store.due_notices(NOW, 9) == []
        assert [each.key for each in store.due_notices(NOW + 30, 9)] == ["first"]
        store.mark_notice("first", NoticeState.FAILED, NOW + 31)
        assert [each.key for each in store.due_notices(NOW + 31, 9)] == ["second"]


def test_a_notice_that_was_refused_for_now_is_tried_again(place: HistoryPlace) -> None:
    """Attempts are counted when they end, the error is kept, and `sent` is an end."""
    with Store.open(place) as store:
        store.save_changes([], [notice("n")])
        store.mark_notice("n", NoticeState.PENDING, NOW, error="connection refused", next_try_at=NOW + 60)
        assert store.due_notices(NOW + 59, 9) == []
        (again,) = store.due_notices(NOW + 60, 9)
        assert (again.tries, again.last_error) == (1, "connection refused")
        store.mark_notice("n", NoticeState.HANDED_OVER, NOW + 61)
        with pytest.raises(HistoryError, match="is handed_over, which cannot become handed_over"):
            store.mark_notice("n", NoticeState.HANDED_OVER, NOW + 61)
        store.mark_notice("n", NoticeState.SENT, NOW + 62)
        for state in (NoticeState.PENDING, NoticeState.HANDED_OVER, NoticeState.FAILED, NoticeState.UNKNOWN):
            with pytest.raises(HistoryError, match=f"'n' is sent, which cannot become {state}"):
                store.mark_notice("n", state, NOW + 63)
    with Reader.open(place) as reader:
        (sent,) = reader.notices(0, NOW + 99)
    assert (sent.state, sent.tries, sent.last_error) == (NoticeState.SENT, 2, None)


def test_a_notice_that_is_not_there_is_an_error(place: HistoryPlace) -> None:
    """A wrong key would otherwise be a mail sent for ever."""
    with Store.open(place) as store, pytest.raises(HistoryError, match="no notice 'x'"):
        store.mark_notice("x", NoticeState.SENT, NOW)


def test_a_crash_while_handing_over_never_sends_again(place: HistoryPlace) -> None:
    """A process dies by SIGKILL between the mark and the server's answer: the next one finds it unknown."""
    with Store.open(place) as store:
        store.save_changes([], [notice("n"), notice("waiting")])
    dying = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from monitor.history import NoticeState, Store
        from monitor.model.history_place import DatabaseUrl
        place = DatabaseUrl(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1])
        store = Store.open(place)
        store.mark_notice("n", NoticeState.HANDED_OVER, 1.0)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    ended = subprocess.run([sys.executable, "-c", dying, str(place)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL

    with Store.open(place) as store:
        assert store.interrupted == ("n",)
        assert [each.key for each in store.due_notices(NOW + 9999, 9)] == ["waiting"]
        with pytest.raises(HistoryError, match="is unknown"):
            store.mark_notice("n", NoticeState.PENDING, NOW)
    with Store.open(place) as store:
        assert store.interrupted == ()


def test_incidents_are_found_by_window_target_and_the_beginning_of_their_id(place: HistoryPlace) -> None:
    """Members count as targets; an open one reaches into every later window; an ambiguous id lists its matches."""
    closed = incident("aaa-1", closed_at=NOW + 10)
    still = incident("aab-1", opened_at=NOW + 5, target="till", members=())
    other = incident("b%_", target=None, members=(), opened_at=NOW + 6)
    with Store.open(place) as store:
        store.save_changes([change(each) for each in (closed, still, other)], [])
    with Reader.open(place) as reader:
        assert reader.incidents(NOW, NOW + 99) == [closed, still, other]
        assert reader.incidents(NOW + 10.5, NOW + 99) == [still, other]
        assert reader.incidents(0, NOW) == []
        assert reader.incidents(0, NOW + 99, target="till") == [closed, still]
        assert reader.incidents(0, NOW + 99, open_only=True) == [still, other]
        assert reader.incident("aab") == still
        assert reader.incident("b") == other
        assert reader.incident("b%_") == other
        assert reader.incident("%") is None
        assert reader.incident("") is None
        with pytest.raises(HistoryError, match="'aa' begins the ids of several incidents: 'aaa-1', 'aab-1'"):
            reader.incident("aa")


def test_an_id_that_begins_another_is_still_found(place: HistoryPlace) -> None:
    """A near-miss of ambiguity: the whole id wins."""
    with Store.open(place) as store:
        store.save_changes([change(incident("a-1")), change(incident("a-10"))], [])
    with Reader.open(place) as reader:
        assert reader.incident("a-1") == incident("a-1")


def test_open_incidents_and_unsent_notices_are_never_forgotten(place: HistoryPlace, tend: Any) -> None:
    """Only what has come to an end before the limit goes."""
    keep = Keep(facts_s=1.0, minutes_s=1.0, five_minutes_s=10_000.0)
    ended, still = incident("ended", closed_at=NOW + 1), incident("still")
    with Store.open(place) as store:
        store.save_changes([change(ended), change(still)], [notice("sent"), notice("owed")])
        store.mark_notice("sent", NoticeState.HANDED_OVER, NOW)
        store.mark_notice("sent", NoticeState.SENT, NOW)

        assert tend(store, NOW + 10_001, keep) == (0, 1)
        assert tend(store, NOW + 20_000, keep) == (0, 2)
    with Reader.open(place) as reader:
        assert reader.incidents(0, NOW + 99) == [still]
        assert reader.changes("ended") == []
        assert [each.key for each in reader.notices(0, NOW + 99)] == ["owed"]
