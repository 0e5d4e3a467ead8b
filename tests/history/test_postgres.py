"""What only a history on a server can do, and must survive: several writers, lost connections, restarts."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from asking import ask
from cutting_proxy import CuttingProxy
from postgres_server import PostgresServer, postgres_server

from monitor.doctor.database import look_at_database
from monitor.history import (
    HistoryError,
    HistoryForeignError,
    HistoryMissingError,
    HistoryUnreachableError,
    Keep,
    Notice,
    NoticeState,
    Reader,
    Shipment,
    Store,
)
from monitor.history.postgres.writing import PostgresWriting
from monitor.model.history_place import DatabaseUrl
from monitor.station.plugin_state import State
from probes.observation import HttpObservation, Observation

Tend = Callable[..., tuple[int, int]]

NOW = 1_700_000_100.0
DAY_S = 86_400.0
A_DAY = Keep(facts_s=DAY_S, minutes_s=DAY_S, five_minutes_s=DAY_S)


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[DatabaseUrl]:
    """Where an empty history is."""
    made = postgres.history()
    yield made
    postgres.drop(made)


@pytest.fixture
def proxy(postgres: PostgresServer) -> Iterator[CuttingProxy]:
    """Between a test and the server."""
    folder = Path(tempfile.mkdtemp(prefix="wd-proxy-"))
    made = CuttingProxy(folder, postgres.folder)
    yield made
    made.close()
    shutil.rmtree(folder)


def fact(number: int, vantage: str = "v", at: float = NOW) -> HttpObservation:
    """One of a vantage's facts."""
    return HttpObservation(
        at=at + number / 100, vantage=vantage, target=f"t{number % 3}", status=number, total_s=0.1, wait_s=0.05,
        issuer=f"CN={number % 7}",
    )  # fmt: skip


def statuses(database: DatabaseUrl) -> list[int | None]:
    """The numbers of the facts that are there."""
    with Reader.open(database) as reader:
        return sorted(
            one.status or 0 for one in reader.observations(0, NOW * 2) if isinstance(one, HttpObservation)
        )


def shipment(vantage: str, numbers: range) -> Shipment:
    """These facts of a vantage."""
    return Shipment(vantage=vantage, received_at=NOW, facts=[(n, fact(n, vantage)) for n in numbers])


def test_two_writers_take_each_fact_once(database: DatabaseUrl) -> None:
    """The same shipments of three vantages through both at once, in other orders, with the same new words."""
    sent = [shipment(vantage, range(first, first + 7)) for vantage in "abc" for first in range(1, 60, 3)]

    def write(seed: int) -> int:
        mine = random.Random(seed).sample(sent, len(sent))
        with Store.open(database) as store:
            batches = [mine[start : start + 4] for start in range(0, len(mine), 4)]
            return sum(len(taken.fresh) for batch in batches for taken in store.take(batch))

    with ThreadPoolExecutor(2) as threads:
        fresh = sum(threads.map(write, (1, 2)))

    expected = sorted({n for first in range(1, 60, 3) for n in range(first, first + 7)} for _ in "abc")
    assert statuses(database) == sorted(n for numbers in expected for n in numbers)
    assert fresh == len(statuses(database))
    assert ask(database, "SELECT count(*), count(DISTINCT (vantage, seq)) FROM request") == [(fresh, fresh)]


def test_a_fact_that_comes_while_its_slot_is_folded_is_folded_too(database: DatabaseUrl, tend: Tend) -> None:
    """The note is the writer's until its facts can be seen: who folds waits for it, or folds again."""
    with Store.open(database) as one, Store.open(database) as other, ThreadPoolExecutor(1) as thread:
        one.add_observations([fact(0)])
        engine = one._engine
        folding = None

        def add_slowly() -> None:
            nonlocal folding
            one._facts.add_observations([fact(3)])
            folding = thread.submit(
                other.tend, NOW + 1000, Keep(facts_s=DAY_S, minutes_s=DAY_S, five_minutes_s=DAY_S)
            )
            while not ask(database, "SELECT 1 FROM pg_locks WHERE NOT granted"):
                pass

        engine.transact(add_slowly, lambda: None)
        assert folding is not None
        assert folding.result(30).folded == 1
        tend(other, NOW + 1000)
    with Reader.open(database) as reader:
        (answer,) = reader.latency(NOW - 100, NOW + 500, target="t0", by=frozenset({"target"}), bucket_s=60)

    assert ask(database, "SELECT count(*) FROM stale") == [(0,)]
    assert answer.count == 2


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_commit_that_nobody_answered_is_done_once(
    database: DatabaseUrl, proxy: CuttingProxy, postgres: PostgresServer, cut: str
) -> None:
    """Facts without a number of their own: the transaction itself is asked for on the server."""
    through = DatabaseUrl(database.text.replace(str(postgres.folder), str(proxy.folder)))
    with Store.open(through) as store:
        store.add_observations([fact(1)])
        proxy.cut = cut
        store.add_observations([fact(2), fact(3)])
        store.add_observations([fact(4)])

    assert proxy.cuts == 1
    assert statuses(database) == [1, 2, 3, 4]
    assert ask(database, "SELECT next FROM fact_number") == [(4,)]


def test_who_lets_nobody_write_does_so_after_its_connection_was_lost_as_well(
    database: DatabaseUrl, proxy: CuttingProxy, postgres: PostgresServer
) -> None:
    """As a transfer of a whole history does: its lock went with the session, and is taken again."""
    others = (
        "SELECT pg_try_advisory_lock_shared(classid::int, objid::int) FROM pg_locks WHERE locktype = 'advisory'"
    )
    through = DatabaseUrl(database.text.replace(str(postgres.folder), str(proxy.folder)))
    with closing(PostgresWriting.open(through)) as engine:
        engine.hold_still()
        session = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
        before = ask(database, session)
        proxy.cut = "before"
        engine.transact(lambda: engine.connection.execute("SELECT 1").fetchall(), lambda: None)

        assert proxy.cuts == 1
        assert len(ask(database, session)) == len(before) == 1
        assert ask(database, session) != before
        assert ask(database, others) == [(False,)]


def test_who_lets_nobody_write_says_so_when_somebody_did_after_its_connection_was_lost(
    database: DatabaseUrl, proxy: CuttingProxy, postgres: PostgresServer
) -> None:
    """A monitor that waited for the lock has it now: what is copied there may no longer be all."""
    through = DatabaseUrl(database.text.replace(str(postgres.folder), str(proxy.folder)))
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with (
        closing(PostgresWriting.open(through, retry_s=1.0)) as engine,
        closing(PostgresWriting.open(database)) as monitor,
        ThreadPoolExecutor(1) as threads,
    ):
        engine.hold_still()
        writing = threads.submit(monitor.hold_still)
        while ask(database, waits) == [(0,)]:
            assert not writing.done()
        proxy.cut = "before"

        with pytest.raises(HistoryError, match="since then a monitor writes there; stop it"):
            engine.transact(lambda: engine.connection.execute("SELECT 1").fetchall(), lambda: None)
        writing.result(10)


@pytest.mark.slow
def test_a_restart_of_the_server_is_waited_for() -> None:
    """Killed without a word while two write, with its disk synced: what was acknowledged is there once."""
    with postgres_server(("max_connections=20", "shared_buffers=32MB")) as server:
        if server is None:
            pytest.skip("PostgreSQL is not installed")
        database = server.history()
        acknowledged, moved, stop = {"a": 0, "b": 0}, threading.Condition(), threading.Event()

        def write(vantage: str) -> None:
            with Store.open(database) as store:
                while not stop.is_set():
                    number = acknowledged[vantage]
                    store.add_observations([fact(number, vantage), fact(number, vantage)])
                    with moved:
                        acknowledged[vantage] = number + 1
                        moved.notify()

        def both_wrote(more: int) -> bool:
            before = dict(acknowledged)
            with moved:
                return moved.wait_for(lambda: all(acknowledged[v] >= before[v] + more for v in before), 90)

        with Reader.open(database) as reader, ThreadPoolExecutor(2) as threads:
            writers = [threads.submit(write, vantage) for vantage in acknowledged]
            try:
                for how in (signal.SIGKILL, signal.SIGINT):
                    assert both_wrote(4)
                    server.stop(how)
                    server.start()
                assert both_wrote(4)
            finally:
                stop.set()
            for writer in writers:
                writer.result(60)
            found = [one.status for one in reader.observations(0, NOW * 2) if isinstance(one, HttpObservation)]

    assert sorted(status or 0 for status in found) == sorted(
        n for last in acknowledged.values() for n in range(last) for _ in range(2)
    )


def test_days_are_partitions_and_go_as_a_whole(database: DatabaseUrl, tend: Tend) -> None:
    """A day's facts are one table; what is kept is never less than was asked for."""
    facts: list[Observation] = [fact(n, at=NOW - day * DAY_S) for n, day in enumerate((0, 1, 1.9, 2, 3))]
    with Store.open(database) as store:
        store.add_observations(facts)
        tables = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'request'::regclass"
        assert ask(database, tables) == [(4,)]
        tend(store, NOW + 1000, Keep(facts_s=1.5 * DAY_S, minutes_s=9 * DAY_S, five_minutes_s=9 * DAY_S))

        assert ask(database, tables) == [(2,)]
        assert statuses(database) == [0, 1, 2]  # the third is of the same day as the second
        store.add_observations([fact(7, at=NOW - 3 * DAY_S)])
        assert statuses(database) == [0, 1, 2, 7]


def test_one_process_sends_and_the_next_one_takes_over(database: DatabaseUrl) -> None:
    """Two stores are open; what the first handed over is in doubt when it is gone, and only then."""
    notice = Notice(
        key="n", channel="mail", created_at=1.0, subject="s", payload=b"p", recipients=("r",), incident_id="i",
        sequence=1, message_id="m",
    )  # fmt: skip
    with Store.open(database) as second:
        with Store.open(database) as first:
            first.save_changes([], [notice])
            assert [one.key for one in first.due_notices(2.0, 9)] == ["n"]
            first.mark_notice("n", NoticeState.HANDED_OVER, 2.0)
            assert second.due_notices(2.0, 9) == []
            assert second.interrupted == ()
        assert second.due_notices(3.0, 9) == []

        assert second.interrupted == ("n",)


def test_what_stands_in_the_way_is_named(postgres: PostgresServer, tmp_path: Path) -> None:
    """No server, no database, no history yet, another program's tables, a newer version's."""
    empty = postgres.empty()
    with pytest.raises(HistoryMissingError, match="createdb"):
        Store.open(postgres.url("nothing"))
    with pytest.raises(HistoryUnreachableError, match="No such file"):
        Reader.open(DatabaseUrl(f"postgresql:///whydown?host={tmp_path}"))
    with pytest.raises(HistoryMissingError, match="has none yet"):
        Reader.open(empty)
    ask(empty, "CREATE TABLE shop (id integer)")
    with pytest.raises(HistoryForeignError, match="another program's tables"):
        Store.open(empty)
    ask(empty, "DROP TABLE shop")
    Store.open(empty).close()
    ask(empty, "INSERT INTO whydown_migration (name) VALUES ('9999_from_the_future')")
    for opened in (Store.open, Reader.open):
        with pytest.raises(HistoryForeignError, match="newer version"):
            opened(empty)
    postgres.drop(empty)


def test_processes_that_open_an_empty_database_make_it_once(postgres: PostgresServer) -> None:
    """Four at the same moment: one migrates, the others wait for it."""
    empty = postgres.empty()
    with ThreadPoolExecutor(4) as threads:
        for store in list(threads.map(lambda _: Store.open(empty), range(4))):
            store.add_observations([fact(1)])
            store.close()

    assert statuses(empty) == [1, 1, 1, 1]
    postgres.drop(empty)


def test_a_reader_cannot_write(database: DatabaseUrl) -> None:
    """Not even by mistake: its transactions are read-only on the server."""
    with Reader.open(database) as reader, pytest.raises(HistoryError, match="read-only"), reader._snapshot():
        reader._connection.execute("DELETE FROM counter")


def test_words_that_are_deleted_are_forgotten_by_all_writers(database: DatabaseUrl, tend: Tend) -> None:
    """What another process remembers of a dictionary is looked up anew after entries went."""
    with Store.open(database) as one, Store.open(database) as other:
        one.add_observations([fact(1)])
        tend(other, NOW + 10 * DAY_S, A_DAY)
        assert ask(database, "SELECT count(*) FROM identity") == [(0,)]
        one.add_observations([fact(1)])

    assert statuses(database) == [1]
    with psycopg.connect(database.text) as session:
        row = session.execute("SELECT issuer FROM v_http").fetchone()
    assert row == ("CN=1",)


def test_two_caretakers_do_not_begin_each_others_passes_anew(database: DatabaseUrl, tend: Tend) -> None:
    """Words that one deletes are forgotten by the other, which has had its pass of this hour all the same."""
    with Store.open(database) as one, Store.open(database) as other:
        for store in (one, other):
            tend(store, NOW, A_DAY)
        one.add_observations([fact(1, at=NOW - 5 * DAY_S)])
        tend(one, NOW + 4000, A_DAY)
        assert ask(database, "SELECT count(*) FROM identity") == [(0,)]
        tend(other, NOW + 4001, A_DAY)

        assert [store.tend(NOW + 4002, A_DAY).more for store in (one, other, one)] == [False] * 3


def test_doctor_looks_at_the_server(database: DatabaseUrl) -> None:
    """Its version and distance; settings that lose what was acknowledged; a history that nobody writes."""
    with Store.open(database) as store:
        store.add_observations([fact(1)])
    said = [(one.state, one.text) for one in asyncio.run(look_at_database(database))]

    assert said[0][0] is State.OK
    assert re.search(r"PostgreSQL \d+\.\d+, \d+\.\d ms away; \d+ MiB, 1 days of requests", said[0][1])
    assert said[1] == (
        State.CRITICAL, "fsync, full_page_writes off: what was acknowledged may be lost with the server's power"
    )  # fmt: skip
    assert said[2][1].startswith("no request since")
    assert len(said) == 3
    (unreachable,) = asyncio.run(look_at_database(DatabaseUrl("postgresql:///x?host=/nowhere")))
    assert (unreachable.state, "No such file" in unreachable.text) == (State.CRITICAL, True)
