"""How requests lie in the file: times in few bits, bodies in the row or beside it, and files of older versions."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from monitor.history import Reader, Store
from monitor.history.glossary import WritingGlossary
from monitor.history.sqlite import old_requests
from monitor.history.sqlite.http_times import DIGEST_SQL, FIELDS, LENGTH_SQL, NAMES, pack
from monitor.history.sqlite.schema import MIGRATIONS
from probes.observation import Failure, HttpObservation

NOW = 1_700_000_000.0


def fact(second: int, **fields: Any) -> HttpObservation:
    """A request with every time, none of them zero."""
    given: dict[str, Any] = {
        "address": "203.0.113.9", "family": 4, "status": 200, "dns_s": 0.002, "connect_s": 0.08, "tls_s": 0.07,
        "wait_s": 0.3, "receive_s": 0.001, "total_s": 0.4531, "kernel_rtt_s": 0.079, "kernel_min_rtt_s": 0.078,
        "retransmits": 1, "loop_lag_s": 0.0004, "body_bytes": 512, "body_sha256": "ab" * 32, **fields,
    }  # fmt: skip
    return HttpObservation(at=NOW + second, vantage="v", target="t", **given)


def ask(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """What sqlite3 answers."""
    connection = sqlite3.connect(path)
    rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


def test_a_body_that_comes_again_is_kept_once(tmp_path: Path) -> None:
    """The first time nobody knows that it will; a page that is new each time leaves nothing in the dictionary."""
    path = tmp_path / "history.db"
    steady = [fact(second) for second in range(5)]
    living = [fact(10 + second, body_sha256=f"{second:064x}", body_bytes=second) for second in range(5)]
    with Store.open(path) as store:
        store.add_observations([*steady, *living])

    assert ask(path, "SELECT count(*) FROM request WHERE typeof(odd) = 'blob'") == [(6,)]
    assert ask(path, "SELECT count(*), count(body_sha256) FROM outcome") == [(2, 1)]
    with Reader.open(path) as reader:
        assert list(reader.observations(0, NOW * 2)) == [*steady, *living]
    assert ask(path, "SELECT DISTINCT body_bytes, body_sha256 FROM v_http LIMIT 1") == [(512, "ab" * 32)]


def older_file(path: Path) -> None:
    """A history as it was written before 0014, with a request for each of four seconds."""
    database = Database(path)
    MIGRATIONS.apply(database, stop_before="0014_outcomes")
    glossary = WritingGlossary(database.conn)
    glossary.day = int(NOW // 86_400)
    ids = {name: glossary.number(name, ("vt"[name == "target"],)) for name in ("target", "vantage")}
    address, slow = glossary.word("203.0.113.9"), glossary.word("too_slow")
    columns = (
        "target, vantage, done, seq, address, family, failure, status, dns_us, connect_us, tls_us, wait_us,"
        " receive_us, total_us, kernel_rtt_us, kernel_min_rtt_us, retransmits, loop_lag_us, body_bytes,"
        " body_sha256, error"
    )
    whole = (2000, 80_000, 70_000, 300_000, 1000, 453_100, 79_000, 78_000)
    rows = [
        (453_100, 1, address, 4, None, 200, *whole, 1, 400, 512, bytes.fromhex("ab" * 32), None),
        (1_453_100, 2, address, 4, slow, 200, *whole, 1, 400, 512, "not hex", "late"),
        (2_000_009, 3, None, None, slow, None, *(None,) * 5, 9, None, 5, None, None, None, None, None),
        (3_000_000, 4, *(None,) * 17),
    ]
    base = int(NOW * 1e6)
    database.conn.executemany(
        f"INSERT INTO http ({columns}) VALUES ({', '.join('?' * 21)})",
        [(ids["target"], ids["vantage"], base + done, *row) for done, *row in rows],
    )
    database.conn.commit()
    database.close()


EMPTY = dict.fromkeys(
    ("address", "family", "status", "dns_s", "connect_s", "tls_s", "wait_s", "receive_s", "kernel_rtt_s",
     "kernel_min_rtt_s", "retransmits", "loop_lag_s", "body_bytes", "body_sha256")
)  # fmt: skip
OLDER = [
    fact(0),
    fact(1, failure=Failure.TOO_SLOW, body_sha256="not hex", error="late"),
    fact(2, **{**EMPTY, "failure": Failure.TOO_SLOW, "total_s": 9e-6, "kernel_min_rtt_s": 5e-6}),
    fact(3, **{**EMPTY, "total_s": None}),
]


def stored(path: Path) -> list[Any]:
    """All that a reader finds."""
    with Reader.open(path) as reader:
        return list(reader.observations(0, NOW * 2))


def test_a_file_of_an_older_version_keeps_every_request(tmp_path: Path, tend: Any) -> None:
    """Rows as they were written before come out as the same observations, before they are moved and after."""
    path = tmp_path / "history.db"
    older_file(path)
    with Store.open(path) as store:
        store.add_observations([fact(9)])
        assert ask(path, "SELECT (SELECT count(*) FROM http_row), (SELECT count(*) FROM request)") == [(4, 1)]
        assert stored(path) == [*OLDER, fact(9)]
        tend(store, NOW)

    assert stored(path) == [*OLDER, fact(9)]
    assert ask(path, "SELECT count(*) FROM request") == [(5,)]
    gone = "SELECT name FROM sqlite_schema WHERE name IN ('http', 'http_row', 'outcome_of_old') AND type != 'view'"
    assert ask(path, gone) == []


def test_an_end_in_the_middle_of_moving_loses_nothing(tmp_path: Path, tend: Any) -> None:
    """Pieces are whole: what a killed writer left goes on where it was, and questions see each request once."""
    path = tmp_path / "history.db"
    older_file(path)
    with Store.open(path):
        pass
    database = sqlite3.connect(path)
    database.execute("UPDATE target SET name = 'other'")  # its rows are those of the first piece
    database.execute("INSERT INTO target (digest, name, seen) SELECT x'00', 't', seen FROM target")
    database.execute(
        "INSERT INTO http_row SELECT 2, done, vantage, seq, outcome, dns_us, connect_us, tls_over_us,"
        " wait_over_us, receive_us, rest_us, rtt_over_us, min_rtt_under_us, loop_lag_us, body_bytes,"
        " body_sha256, error FROM http_row"
    )
    old_requests.move(database, WritingGlossary(database), 3)
    database.commit()
    database.close()

    assert ask(path, "SELECT (SELECT count(*) FROM http_row), (SELECT count(*) FROM request)") == [(5, 3)]
    plan = [
        str(row[3]) for row in ask(path, "EXPLAIN QUERY PLAN SELECT * FROM http WHERE target = 2 AND done > 5")
    ]
    assert sum("USING PRIMARY KEY (target=? AND done>?)" in step for step in plan) == 2
    plan = [
        str(row[3])
        for row in ask(path, "EXPLAIN QUERY PLAN SELECT * FROM http WHERE target = 2 AND done IN (5, 6)")
    ]
    assert sum("USING PRIMARY KEY (target=? AND done=?)" in step for step in plan) == 2
    with Reader.open(path) as reader:
        assert [(one.observation.at, one.rounds) for one in reader.newest(0, NOW * 2)] == 2 * [(OLDER[-1].at, 4)]
        assert reader.last_measured(NOW * 2) == dict.fromkeys(("other", "t"), NOW + 3)
    assert sorted(one.at for one in stored(path)) == sorted(2 * [one.at for one in OLDER])
    with Store.open(path) as store:
        tend(store, NOW)
    assert [one for one in stored(path) if one.target == "t"] == OLDER


wide = st.none() | st.integers(-(2**10), 2**10) | st.integers(-(2**33), 2**33) | st.integers(-(10**15), 10**15)
bodies = st.none() | st.tuples(st.binary(min_size=32, max_size=32), st.none() | st.integers(0, 2**62))


@settings(derandomize=True, max_examples=200, deadline=None)
@given(times=st.tuples(*[wide] * len(NAMES)), body=bodies)
def test_any_time_comes_back_from_its_bits(
    times: tuple[int | None, ...], body: tuple[bytes, int | None] | None
) -> None:
    """SQL alone takes out what was put in, times below zero and beyond all bits too, with a body beside or not."""
    digest, length = body or (None, None)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE f (way INTEGER, work INTEGER, odd ANY) STRICT")
    connection.execute("INSERT INTO f VALUES (?, ?, ?)", pack(times, digest, length))
    columns = [*(FIELDS[name].sql for name in NAMES), LENGTH_SQL, DIGEST_SQL]
    *found, found_length, found_digest = connection.execute(f"SELECT {', '.join(columns)} FROM f").fetchone()
    connection.close()

    assert tuple(found) == times
    assert found_length == length
    assert (bytes.fromhex(found_digest) if isinstance(found_digest, str) else found_digest) == digest


def test_a_healthy_exchange_needs_its_bits_only() -> None:
    """From the next rack and from the other side of the world; the usual row is four numbers of eight bytes."""
    for rtt in (300, 20_000, 250_000):
        differences = (2_000, rtt, 1_800, 20_000, 400, 300, -500, 900, 600)
        assert pack(differences, None, None).odd is None
