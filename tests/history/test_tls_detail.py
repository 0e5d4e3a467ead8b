"""A store that was made before certificates had details takes them, and what it had stays readable."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from monitor.history import Reader, Store
from monitor.history.sqlite.schema import MIGRATIONS
from probes.observation import HttpObservation

FOREVER = (0.0, float("inf"))
OLD = HttpObservation(at=1643855431.2, vantage="seoul-1", target="shop", spki_sha256="ab" * 32, total_s=0.5)
NEW = HttpObservation(
    at=1643855491.2, vantage="seoul-1", target="shop", spki_sha256="ab" * 32, total_s=0.25, loop_lag_s=0.004,
    not_before=1643850000.0, certificate_names=("shop.example", "203.0.113.10"), chain_sha256=("cd" * 32,),
    alpn="h2", redirects=("https://shop.example/there",),
)  # fmt: skip


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A store as the fourth migration left it, with one request in it."""
    path = tmp_path / "old.db"
    database = Database(path)
    MIGRATIONS.apply(database, stop_before="0005_tls_detail")
    connection = database.conn
    for table, column, value in (
        ("target", "name", OLD.target), ("vantage", "name", OLD.vantage), ("identity", "spki_sha256", "ab" * 32)
    ):  # fmt: skip
        connection.execute(f"INSERT INTO {table} (digest, {column}) VALUES (?, ?)", (b"d" * 16, value))
    connection.execute(
        "INSERT INTO http (target, done, vantage, seq, total_us, identity)"
        " VALUES (1, 1643855431700000, 1, 1, 500000, 1)"
    )
    connection.commit()
    database.close()
    return path


def test_old_requests_have_no_detail_and_new_ones_keep_it(old_file: Path) -> None:
    """The writer migrates on opening; absent stays absent."""
    with Store.open(old_file) as store:
        store.add_observations([NEW])
    with Reader.open(old_file) as reader:
        back = list(reader.observations(*FOREVER))

    assert back == [OLD, NEW]


def test_the_view_shows_the_details(old_file: Path) -> None:
    """The old columns in the old order, then the new ones."""
    with Store.open(old_file) as store:
        store.add_observations([NEW])
    with sqlite3.connect(old_file) as connection:
        cursor = connection.execute("SELECT * FROM v_http ORDER BY at")
        columns = [column[0] for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor]
    connection.close()

    assert columns[:4] == ["at", "vantage", "target", "address"]
    assert [(row["not_before"], row["certificate_names"], row["alpn"], row["redirects"]) for row in rows] == [
        (None, None, None, None),
        (
            "2022-02-03T01:00:00.000Z",
            '["shop.example","203.0.113.10"]',
            "h2",
            '["https://shop.example/there"]',
        ),
    ]


def test_details_that_nothing_refers_to_are_forgotten(tmp_path: Path, tend: Any) -> None:
    """With the requests goes what only they said of their certificates, a day later at most."""
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        store.add_observations([NEW])
        tend(store, NEW.at + 31 * 86_400)
    with sqlite3.connect(path) as connection:
        (left,) = connection.execute("SELECT count(*) FROM tls_detail").fetchone()
    connection.close()

    assert left == 0
