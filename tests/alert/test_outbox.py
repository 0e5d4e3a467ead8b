"""The outbox: order, concurrency, retries, stopping; over a store in memory and over the real one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.alert import Outbox, PermanentError, TemporaryError
from monitor.alert.outbox import NoticeStore
from monitor.history import HistoryError, Notice, NoticeState, Store

NoticeOf = Callable[..., Notice]
HandOver = Callable[[], None]

NOW = 1_000_000.0


class MemoryStore:
    """Notices in memory, with the marks in the order in which they came. `broken`: refuses all marks."""

    def __init__(self) -> None:
        self.rows: dict[str, Notice] = {}
        self.marks: list[tuple[str, NoticeState]] = []
        self.interrupted: tuple[str, ...] = ()
        self.broken = False

    def add(self, *notices: Notice) -> None:
        """Owe these."""
        self.rows.update({notice.key: notice for notice in notices})

    def due_notices(self, now: float, limit: int) -> list[Notice]:
        """The oldest pending one of each incident and recipient, if its time has come."""
        pending = [row for row in self.rows.values() if row.state is NoticeState.PENDING]
        first: dict[tuple[str, tuple[str, ...]], Notice] = {}
        for row in sorted(pending, key=lambda row: (row.created_at, row.key)):
            first.setdefault((row.incident_id, row.recipients), row)
        return [row for row in first.values() if row.next_try_at <= now][:limit]

    def mark_notice(
        self, key: str, state: NoticeState, at: float, error: str | None = None, next_try_at: float | None = None
    ) -> None:
        """Move one."""
        if self.broken:
            raise HistoryError("disk full")
        row = self.rows[key]
        self.marks.append((key, state))
        self.rows[key] = msgspec.structs.replace(
            row, state=state, tries=row.tries + (state is not NoticeState.HANDED_OVER),
            next_try_at=at if next_try_at is None else next_try_at, last_error=error,
        )  # fmt: skip


class RealStore:
    """The history's own store behind the same test."""

    def __init__(self, store: Store) -> None:
        self.inner = store
        self.interrupted = store.interrupted
        self.due_notices = store.due_notices
        self.mark_notice = store.mark_notice

    def add(self, *notices: Notice) -> None:
        """Owe these."""
        self.inner.save_changes([], notices)


@pytest.fixture(params=["memory", "history"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStore | RealStore]:
    """Each test meets the double and the real thing."""
    if request.param == "memory":
        yield MemoryStore()
        return
    with Store.open(tmp_path / "whydown.db") as opened:
        yield RealStore(opened)


class Courier:
    """Delivers into a list, or fails as told: `outcomes` by recipient."""

    def __init__(self, **outcomes: Exception) -> None:
        self.outcomes = outcomes
        self.taken: list[str] = []

    def __call__(self, notice: Notice, before_final_dot: HandOver) -> None:
        """Hand over, then fail or take."""
        if error := self.outcomes.get(notice.recipients[0]):
            raise error
        before_final_dot()
        self.taken.append(notice.key)


def _run_once(store: NoticeStore, deliver: Callable[[Notice, HandOver], None], now: float = NOW) -> int:
    return asyncio.run(Outbox(store, deliver, lambda: now, jitter=lambda: 0.0).run_once())


def test_what_is_due_is_delivered_once(store: MemoryStore | RealStore, notice_of: NoticeOf) -> None:
    """A second run finds nothing; what is not due yet waits."""
    courier = Courier()
    later = msgspec.structs.replace(notice_of(3), next_try_at=NOW + 1)
    store.add(notice_of(1), notice_of(2), later)

    assert [_run_once(store, courier), _run_once(store, courier)] == [2, 0]
    assert courier.taken == [notice_of(1).key, notice_of(2).key]
    assert _run_once(store, courier, NOW + 1) == 1


def test_the_store_knows_of_the_hand_over_before_and_of_the_end_after(notice_of: NoticeOf) -> None:
    """handed_over is written while the message still lacks its end."""
    store = MemoryStore()
    store.add(notice_of())
    seen: list[list[tuple[str, NoticeState]]] = []

    def deliver(notice: Notice, before_final_dot: HandOver) -> None:
        seen.append(list(store.marks))
        before_final_dot()
        seen.append(list(store.marks))

    _run_once(store, deliver)

    key = notice_of().key
    assert seen == [[], [(key, NoticeState.HANDED_OVER)]]
    assert store.marks == [(key, NoticeState.HANDED_OVER), (key, NoticeState.SENT)]


def test_it_says_since_when_nobody_takes_mail(store: MemoryStore | RealStore, notice_of: NoticeOf) -> None:
    """From the first refusal on, until something is taken again."""
    refusal: list[Exception] = [TemporaryError("451"), TemporaryError("451")]

    def deliver(notice: Notice, before_final_dot: HandOver) -> None:
        if refusal:
            raise refusal.pop()
        before_final_dot()

    times = iter((NOW, NOW + 600, NOW + 1200))
    now = [NOW]
    outbox = Outbox(store, deliver, lambda: now[0], jitter=lambda: 0.0)
    store.add(notice_of())
    since: list[float | None] = [outbox.refused_since]
    for now[0] in times:
        asyncio.run(outbox.run_once())
        since.append(outbox.refused_since)

    assert since[0] is None
    assert since[1] is not None
    assert since[2] == since[1]
    assert since[3] is None


def test_refusals_wait_or_end_and_do_not_stop_others(
    store: MemoryStore | RealStore, notice_of: NoticeOf, logs: list[MutableMapping[str, Any]]
) -> None:
    """Temporary and defect: again after 5 s. Permanent: failed. The rest is delivered."""
    courier = Courier(busy=TemporaryError("451"), gone=PermanentError("550"), defect=KeyError("bug"))
    for number, to in enumerate(("busy", "gone", "defect", "fine")):
        store.add(notice_of(number, to=to))

    assert _run_once(store, courier) == 1
    assert [row.recipients[0] for row in store.due_notices(NOW + 4.9, 9)] == []
    waiting = store.due_notices(NOW + 5.0, 9)
    assert [(row.recipients[0], row.tries, row.last_error) for row in waiting] == [
        ("busy", 1, "451"),
        ("defect", 1, "KeyError: 'bug'"),
    ]
    assert sorted(entry["event"] for entry in logs) == [
        "delivery_defect", "notice_deferred", "notice_deferred", "notice_failed", "notice_sent",
    ]  # fmt: skip


def test_a_lost_answer_in_the_same_process_is_tried_again(
    store: MemoryStore | RealStore, notice_of: NoticeOf
) -> None:
    """The server may not have taken it: as mail servers do, it is sent again with the same Message-ID."""
    tries: list[str] = []

    def deliver(notice: Notice, before_final_dot: HandOver) -> None:
        before_final_dot()
        tries.append(notice.message_id)
        if len(tries) == 1:
            raise TemporaryError("no answer")

    store.add(notice_of())

    assert [_run_once(store, deliver), _run_once(store, deliver, NOW + 5)] == [0, 1]
    assert tries == [notice_of().message_id] * 2


def test_mails_of_an_incident_go_in_order_and_others_beside_them(
    store: MemoryStore | RealStore, notice_of: NoticeOf
) -> None:
    """Two incidents' mails meet in the courier; those of one incident never do."""
    meeting = threading.Barrier(2, timeout=20)
    inside: list[str] = []
    taken: list[str] = []

    def deliver(notice: Notice, before_final_dot: HandOver) -> None:
        inside.append(notice.incident_id)
        assert inside.count(notice.incident_id) == 1
        meeting.wait()
        before_final_dot()
        taken.append(notice.key)
        inside.remove(notice.incident_id)

    store.add(*(notice_of(number, incident=incident) for number in (1, 2, 3) for incident in ("a", "b")))

    assert _run_once(store, deliver) == 6
    for incident in ("a", "b"):
        mine = [key for key in taken if key.startswith(incident)]
        assert mine == sorted(mine)


def test_a_later_mail_does_not_overtake_one_that_was_refused_for_now(
    store: MemoryStore | RealStore, notice_of: NoticeOf
) -> None:
    """The server is back when "closed" is fresh and "opened" has 5 s to wait: both wait. Others do not."""
    courier = Courier(busy=TemporaryError("451"))
    store.add(notice_of(1, to="busy"))
    _run_once(store, courier)
    courier.outcomes.clear()
    store.add(notice_of(2, to="busy"), notice_of(2, to="other"))

    assert [_run_once(store, courier), _run_once(store, courier, NOW + 5)] == [1, 2]
    assert courier.taken == [
        notice_of(number, to=to).key for number, to in ((2, "other"), (1, "busy"), (2, "busy"))
    ]


def test_at_most_four_deliveries_run_at_once(store: MemoryStore | RealStore, notice_of: NoticeOf) -> None:
    """Ten incidents at once do not open ten connections."""
    lock = threading.Lock()
    now_and_most = [0, 0]
    four = threading.Barrier(4, timeout=20)

    def deliver(notice: Notice, before_final_dot: HandOver) -> None:
        with lock:
            now_and_most[0] += 1
            now_and_most[1] = max(now_and_most)
        four.wait()
        before_final_dot()
        with lock:
            now_and_most[0] -= 1

    store.add(*(notice_of(number, incident=f"i{number}") for number in range(8)))

    assert _run_once(store, deliver) == 8
    assert now_and_most[1] == 4


def test_a_store_that_cannot_remember_stops_the_outbox(notice_of: NoticeOf) -> None:
    """Nothing is handed over that could not be recorded, and the error reaches the caller."""
    store = MemoryStore()
    store.add(notice_of())
    store.broken = True
    courier = Courier()
    with pytest.raises(ExceptionGroup) as stopped:
        _run_once(store, courier)

    assert stopped.group_contains(HistoryError, match="disk full")
    assert courier.taken == []


def test_notices_in_doubt_are_logged_and_not_sent(
    tmp_path: Path, notice_of: NoticeOf, logs: list[MutableMapping[str, Any]]
) -> None:
    """What an earlier process handed over is named in the log, and is nobody's to send."""
    with Store.open(tmp_path / "whydown.db") as earlier:
        earlier.save_changes([], [notice_of()])
        earlier.mark_notice(notice_of().key, NoticeState.HANDED_OVER, NOW)
    courier = Courier()
    with Store.open(tmp_path / "whydown.db") as store:
        doubtful = Outbox(store, courier, lambda: NOW).recover(NOW)
        delivered = _run_once(store, courier, NOW + 1e6)

    assert (doubtful, delivered, courier.taken) == ((notice_of().key,), 0, [])
    assert [(entry["event"], entry["notice"]) for entry in logs] == [("notice_unknown", notice_of().key)]


def test_a_running_outbox_delivers_what_it_is_woken_for_and_stops(
    store: MemoryStore | RealStore, notice_of: NoticeOf
) -> None:
    """A notice that is saved while it runs is delivered, and stop ends it."""

    async def scene() -> None:
        stop, done = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def deliver(notice: Notice, before_final_dot: HandOver) -> None:
            before_final_dot()
            loop.call_soon_threadsafe(done.set)

        outbox = Outbox(store, deliver, lambda: NOW)
        running = asyncio.create_task(outbox.run(stop))
        store.add(notice_of())
        outbox.wake()
        await asyncio.wait_for(done.wait(), 20)
        stop.set()
        await asyncio.wait_for(running, 20)

    asyncio.run(scene())

    assert store.due_notices(float("inf"), 9) == []


def test_a_stop_leaves_what_is_not_handed_over_to_the_next_process(
    store: MemoryStore | RealStore, notice_of: NoticeOf
) -> None:
    """A delivery that hangs does not hold the stop, and cannot finish behind the outbox's back."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    outcome: list[str] = []

    def deliver(notice: Notice, before_final_dot: HandOver) -> None:
        begun.set()
        go_on.wait(20)
        try:
            before_final_dot()
            outcome.append("handed over")
        finally:
            ended.set()

    async def scene() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(Outbox(store, deliver, lambda: NOW, stop_grace_s=0.0).run(stop))
        await asyncio.to_thread(begun.wait, 20)
        stop.set()
        await asyncio.wait_for(running, 20)

    store.add(notice_of())
    asyncio.run(scene())
    go_on.set()

    assert ended.wait(20)
    assert outcome == []
    assert [row.key for row in store.due_notices(NOW, 9)] == [notice_of().key]
