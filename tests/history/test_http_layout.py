"""How requests lie in the file: bodies in the row or beside it, and files from before the outcomes were known."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from monitor.history import Reader, Store
from monitor.history.glossary import WritingGlossary
from monitor.history.schema import MIGRATIONS
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

    assert ask(path, "SELECT count(*) FROM http_row WHERE body_sha256 IS NULL") == [(4,)]
    assert ask(path, "SELECT count(*), count(body_sha256) FROM outcome") == [(2, 1)]
    with Reader.open(path) as reader:
        assert list(reader.observations(0, NOW * 2)) == [*steady, *living]
    assert ask(path, "SELECT DISTINCT body_bytes, body_sha256 FROM v_http LIMIT 1") == [(512, "ab" * 32)]


def test_a_file_of_an_older_version_keeps_every_request(tmp_path: Path) -> None:
    """Rows as they were written before, with gaps and without, come out as the same observations."""
    path = tmp_path / "history.db"
    database = Database(path)
    MIGRATIONS.apply(database, stop_before="0014_outcomes")
    glossary = WritingGlossary(database.conn)
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
    with Store.open(path) as store:
        store.add_observations([fact(9)])
    empty = dict.fromkeys(
        ("address", "family", "status", "dns_s", "connect_s", "tls_s", "wait_s", "receive_s", "kernel_rtt_s",
         "kernel_min_rtt_s", "retransmits", "loop_lag_s", "body_bytes", "body_sha256")
    )  # fmt: skip

    with Reader.open(path) as reader:
        assert list(reader.observations(0, NOW * 2)) == [
            fact(0),
            fact(1, failure=Failure.TOO_SLOW, body_sha256="not hex", error="late"),
            fact(2, **{**empty, "failure": Failure.TOO_SLOW, "total_s": 9e-6, "kernel_min_rtt_s": 5e-6}),
            fact(3, **{**empty, "total_s": None}),
            fact(9),
        ]
    assert (
        ask(path, "SELECT name FROM sqlite_schema WHERE name IN ('http', 'outcome_of_old') AND type != 'view'")
        == []
    )
