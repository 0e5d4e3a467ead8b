"""Damaged files: refused with what to do, recovered as far as they can be read, and never thrown away."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.history import HistoryDamagedError, Reader, Shipment, Store
from monitor.history.sqlite.recovery import recover
from monitor.model import AsPath, RouteEvent, RouteKind, parse_prefix
from monitor.model.asn import Asn
from probes.observation import Hop, HttpObservation, Observation, TraceObservation

HOUR = 1_700_000_000 - 1_700_000_000 % 3600
PAGE = 4096
KEY = "recover", "--database"


def facts() -> list[Observation]:
    """Four thousand requests and some traceroutes of three targets from five vantages."""
    dice = random.Random(3)
    found: list[Observation] = [
        HttpObservation(
            at=HOUR + number, vantage=f"v{number % 5}", target=f"t{number % 3}", wait_s=0.1, total_s=0.2,
            body_sha256=f"{dice.getrandbits(256):064x}", error=None if number % 7 else f"error {number}",
        )
        for number in range(4000)
    ]  # fmt: skip
    found += [
        TraceObservation(at=HOUR + number, vantage="v1", target="t1", hops=(Hop(ttl=1, address=f"h{number}"),))
        for number in range(200)
    ]
    return found


@pytest.fixture
def path(tmp_path: Path, tend: Any) -> Path:
    """A history with facts, shipments, routes and roll-ups, closed."""
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        for start in range(0, 4200, 300):
            store.add_observations(facts()[start : start + 300])
        sent = [(number, HttpObservation(at=HOUR + number, vantage="far", target="t1")) for number in range(1, 50)]
        store.take([Shipment(vantage="far", received_at=HOUR + 60, facts=sent)])
        store.add_routes([
            RouteEvent(at=HOUR + n, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix("10.0.0.0/8"), peer="p",
                       peer_asn=Asn(1), collector="c", path=AsPath((Asn(1),)))
            for n in range(300)
        ])  # fmt: skip
        tend(store, HOUR + 9000)
    return path


def pages_of(path: Path, table: str) -> list[int]:
    """The numbers of a table's pages, from 1, leaves only."""
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY 1", (table,)
    )
    pages = sorted(number for (number,) in rows)
    connection.close()
    return pages


def spoil(path: Path, pages: list[int]) -> bytes:
    """Overwrite pages with noise; the file's new content."""
    content = bytearray(path.read_bytes())
    for number in pages:
        content[(number - 1) * PAGE : number * PAGE] = random.Random(number).randbytes(PAGE)
    path.write_bytes(content)
    return bytes(content)


def kept(path: Path) -> list[Observation]:
    """All observations that can be read."""
    with Reader.open(path) as reader:
        return list(reader.observations(0, HOUR * 2))


def test_damage_is_told_with_what_to_do(path: Path) -> None:
    """Whoever asks for it is told the file, the reason and the verb that helps; not a byte changes."""
    content = spoil(path, pages_of(path, "request")[5:6])
    with pytest.raises(HistoryDamagedError, match=r"history\.db: .*malformed.*`whydown recover`"):
        kept(path)
    asked = CliRunner().invoke(
        main, ["history", "--failures", "--since", "2023-11-14T00:00Z", "--database", str(path)]
    )

    assert (asked.exit_code, asked.stdout) == (1, "")
    assert "history.db: database disk image is malformed: the file is damaged; stop the monitor" in asked.stderr
    assert path.read_bytes() == content


def test_three_damaged_pages_cost_their_rows_and_few_beside_them(path: Path, tend: Any) -> None:
    """The rest is there, equal; the damaged file is kept as it was; writing and rolling up go on."""
    whole = kept(path)
    leaves = pages_of(path, "request")
    damaged = spoil(path, [leaves[4], leaves[5], leaves[-9]])
    told = CliRunner().invoke(main, [*KEY, str(path)])

    assert told.exit_code == 0, told.output
    assert "unreadable places" in told.output
    (copy,) = (one for one in path.parent.glob("history.db.damaged-*") if one.suffix.endswith("Z"))
    assert copy.read_bytes() == damaged
    back = kept(path)
    rows_of_a_page = len(whole) / len(leaves)
    assert len(whole) - 8 * rows_of_a_page < len(back) < len(whole)
    assert [fact for fact in whole if fact in set(back)] == back
    with Store.open(path) as store:
        assert tend(store, HOUR + 9000)[0] > 0
        again = [(number, HttpObservation(at=HOUR, vantage="far", target="t1")) for number in range(1, 51)]
        (taken,) = store.take([Shipment(vantage="far", received_at=HOUR + 70, facts=again)])
        assert (len(taken.fresh), taken.repeated) == (1, 49)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.parametrize("table", ["word", "target", "path", "sqlite_autoindex_word_1", "minute_block", "stale"])
def test_any_table_may_be_damaged(path: Path, tend: Any, table: str) -> None:
    """Facts whose words were lost go with them; nothing that is left refers to what is gone."""
    spoil(path, pages_of(path, table)[-1:] or [2])
    recover(path, "x")
    left = kept(path)
    with Store.open(path) as store:
        store.add_observations([HttpObservation(at=HOUR, vantage="new", target="new", error="after")])
        tend(store, HOUR + 9000)
    with Reader.open(path) as reader:
        assert len(list(reader.observations(0, HOUR * 2))) == len(left) + 1
        assert len(reader.latency(HOUR, HOUR + 7200, bucket_s=300)) > 0 or table == "target"
        assert len(list(reader.routes(0, HOUR * 2))) == 300


def test_a_sound_file_is_left_as_it_is(path: Path) -> None:
    """Nothing is made beside it."""
    content = path.read_bytes()
    told = CliRunner().invoke(main, [*KEY, str(path)])

    assert told.output == f"{path}: sound, left as it is\n"
    assert path.read_bytes() == content
    assert not list(path.parent.glob("*damaged*"))


def test_what_cannot_be_recovered_says_why(path: Path, tmp_path: Path) -> None:
    """No file, a running monitor, a lost list of tables, another version: each a line, and the file stays."""
    assert "no such file" in CliRunner().invoke(main, [*KEY, str(tmp_path / "none.db")]).output
    with Store.open(path):
        assert "is writing it" in CliRunner().invoke(main, [*KEY, str(path)]).output
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = '0008_shipments'")
    connection.commit()
    connection.close()
    leaves = pages_of(path, "request")
    spoil(path, leaves[:1])
    assert "another version of whydown wrote it" in CliRunner().invoke(main, [*KEY, str(path)]).output
    content = spoil(path, [1])
    assert "file is not a database" in CliRunner().invoke(main, [*KEY, str(path)]).output
    assert path.read_bytes() == content
