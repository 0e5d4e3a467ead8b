"""A store that was made before the ways back of answers were kept takes them; what it had stays readable."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.history import Reader, Store
from monitor.history.sqlite.schema import MIGRATIONS
from probes.observation import Hop, HopReply, Rewritten, TraceObservation

FOREVER = (0.0, float("inf"))
EXCEEDED = HopReply.TIME_EXCEEDED
OLD = TraceObservation(
    at=1643855431.2, vantage="seoul-1", target="shop", address="203.0.113.10", port=443, flow=1, elapsed_s=0.5,
    hops=(Hop(ttl=1, address="198.51.100.1", rtt_s=0.0004, reply=EXCEEDED), Hop(ttl=2)),
)  # fmt: skip
NEW = TraceObservation(
    at=1643855491.2, vantage="seoul-1", target="shop", address="203.0.113.10", port=443, flow=1, elapsed_s=0.25,
    hops=(
        Hop(ttl=1, address="198.51.100.1", rtt_s=0.0004, reply=EXCEEDED, reply_ttl=64, rewritten=()),
        Hop(
            ttl=2, address="198.51.100.9", rtt_s=0.001, reply=EXCEEDED, reply_ttl=253, others=("198.51.100.8",),
            rewritten=(Rewritten.DESTINATION, Rewritten.CHECKSUM), quoted_destination="10.0.0.5",
        ),
        Hop(ttl=3),
    ),
)  # fmt: skip


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A store as the sixth migration left it, with one traceroute in it."""
    path = tmp_path / "old.db"
    database = Database(path)
    MIGRATIONS.apply(database, stop_before="0007_way_back")
    connection = database.conn
    for table, columns, values in (
        ("target", "name", [OLD.target]),
        ("vantage", "name", [OLD.vantage]),
        ("aim", "address, method, port, flow, mode", [OLD.address, "tcp", 443, 1, "raw"]),
        ("path", "hops", ['[[1,"198.51.100.1","time_exceeded",[]],[2,null,null,[]]]']),
    ):
        marks = ", ?" * len(values)
        connection.execute(f"INSERT INTO {table} (digest, {columns}) VALUES (?{marks})", (b"d" * 16, *values))
    connection.execute(
        "INSERT INTO trace (target, done, vantage, seq, aim, path, rtts, reached, elapsed_us)"
        " VALUES (1, 1643855431700000, 1, 1, 1, 1, x'910300', 0, 500000)"
    )
    connection.commit()
    database.close()
    return path


def test_old_traces_have_no_way_back_and_new_ones_keep_it(old_file: Path) -> None:
    """The writer migrates on opening; absent stays absent."""
    with Store.open(old_file) as store:
        store.add_observations([NEW])
    with Reader.open(old_file) as reader:
        back = list(reader.observations(*FOREVER))

    assert back == [OLD, NEW]


def test_the_view_shows_the_way_back(old_file: Path) -> None:
    """The old columns in the old order, then the new one."""
    with Store.open(old_file) as store:
        store.add_observations([NEW])
    with sqlite3.connect(old_file) as connection:
        cursor = connection.execute("SELECT hops, reply_ttls FROM v_trace ORDER BY at")
        rows = cursor.fetchall()
    connection.close()

    assert rows == [("198.51.100.1 *", None), ("198.51.100.1 198.51.100.9 *", "[64,253,null]")]


def test_the_same_way_back_is_kept_once(tmp_path: Path) -> None:
    """A hundred traces over one path cost one entry, whatever their round trips."""
    path = tmp_path / "new.db"
    again = [TraceObservation(**{**_fields(NEW), "at": NEW.at + turn}) for turn in range(100)]
    with Store.open(path) as store:
        store.add_observations(again)
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM way_back").fetchone()
    connection.close()

    assert count == 1


def _fields(trace: TraceObservation) -> dict[str, object]:
    return {name: getattr(trace, name) for name in trace.__struct_fields__}
