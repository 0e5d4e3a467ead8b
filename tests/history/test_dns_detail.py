"""A store that was made before answers had details takes them, and what it had stays readable."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.history import Reader, Store
from monitor.history.sqlite.schema import MIGRATIONS
from probes.observation import DnsObservation

FOREVER = (0.0, float("inf"))


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A store as the third migration left it, with one answer in it."""
    path = tmp_path / "old.db"
    database = Database(path)
    MIGRATIONS.apply(database, stop_before="0004_dns_detail")
    connection = database.conn
    for table, columns, values in (
        ("target", "name", ("shop",)),
        ("vantage", "name", ("seoul-1",)),
        (
            "question",
            "server, role, transport, name, rrtype",
            ("9.9.9.9", "recursive", "udp", "shop.example", "A"),
        ),
        ("answer", "rcode, answers, cnames, dnssec", ("NOERROR", '["203.0.113.10"]', "[]", None)),
    ):
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO {table} (digest, {columns}) VALUES (?, {marks})", (b"d" * 16, *values))
    connection.execute(
        "INSERT INTO dns (target, done, vantage, seq, question, answer, ttl_us, elapsed_us)"
        " VALUES (1, 1643855431204000, 1, 1, 1, 1, 60000000, 4000)"
    )
    connection.commit()
    database.close()
    return path


def test_old_answers_have_no_detail_and_new_ones_keep_it(old_file: Path) -> None:
    """The writer migrates on opening; absent stays absent."""
    old = DnsObservation(
        at=1643855431.2, vantage="seoul-1", target="shop", server="9.9.9.9", name="shop.example",
        rcode="NOERROR", answers=("203.0.113.10",), ttl_s=60.0, elapsed_s=0.004,
    )  # fmt: skip
    new = DnsObservation(
        at=1643855491.2, vantage="seoul-1", target="shop", server="9.9.9.9", name="shop.example",
        subnet="203.0.113.0/24", ecs="203.0.113.0/24/20", nsid="res1.ams", soa_serial=2**32 - 1,
        dnssec="bogus", dnssec_reason="the signature expired", signatures_expire_at=1643850000.0,
    )  # fmt: skip
    with Store.open(old_file) as store:
        store.add_observations([new])
    with Reader.open(old_file) as reader:
        back = list(reader.observations(*FOREVER))

    assert back == [old, new]


def test_the_view_shows_the_details(old_file: Path) -> None:
    """The old columns in the old order, then the new ones."""
    with Store.open(old_file) as store:
        store.add_observations([
            DnsObservation(
                at=1643855491.2, vantage="v", target="shop", server="s", name="shop.example", nsid="res1.ams",
                soa_serial=7, signatures_expire_at=1643850000.5,
            ),
        ])  # fmt: skip
    with sqlite3.connect(old_file) as connection:
        cursor = connection.execute("SELECT * FROM v_dns ORDER BY at")
        columns = [column[0] for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor]
    connection.close()

    assert columns[:4] == ["at", "vantage", "target", "server"]
    assert [(row["nsid"], row["soa_serial"], row["signatures_expire_at"]) for row in rows] == [
        (None, None, None),
        ("res1.ams", 7, "2022-02-03T01:00:00.500Z"),
    ]
