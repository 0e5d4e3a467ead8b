"""A whole history goes from one engine to another and back: nothing is lost, doubled or told anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import ask
from click.testing import CliRunner
from postgres_server import PostgresServer

from monitor.cli import main
from monitor.history import HistoryError, Notice, NoticeState, Reader, Refusal, Shipment, Store
from monitor.history.transfer import transfer
from monitor.model import AsPath, FeedState, FileMark, PeerState, RouteEvent, RouteKind, parse_prefix
from monitor.model.asn import Asn
from monitor.model.history_place import DatabaseUrl, HistoryPlace
from monitor.model.incident import ChangeKind, Incident, IncidentChange
from monitor.model.verdict import Cause, Detail, RunnerUp
from probes.observation import DnsObservation, Failure, Hop, HttpObservation, NotMeasured, TraceObservation

Tend = Callable[..., tuple[int, int]]
NOW = 1_700_000_100.0
ROOT = Path(__file__).parents[2]
_PEER = {"peer": "192.0.2.1", "peer_asn": Asn(3356), "collector": "rrc00"}


def notice(key: str) -> Notice:
    """A mail."""
    return Notice(
        key=key, channel="mail", created_at=NOW, subject="s", payload=b"\x00\xff", recipients=("r",),
        incident_id=key, sequence=1, message_id=f"<{key}>",
    )  # fmt: skip


def fill(store: Store, tend: Tend) -> None:
    """Of everything something: also what is not folded, what is in doubt, and what no text of a server holds."""
    for number in range(300):
        failure = Failure.READ_TIMEOUT if number % 50 == 0 else None
        body = ["ab" * 32, f"{number:064x}", "no digest", None][number % 4]
        store.add_observations([
            HttpObservation(at=NOW + number * 20, vantage="v", target=f"t{number % 2}", address="203.0.113.9",
                            dns_s=0.001, connect_s=0.02, tls_s=0.03, wait_s=0.05, total_s=0.2 + number / 1000,
                            failure=failure, body_bytes=number, body_sha256=body,
                            error="a\0b" if failure else None),
        ])  # fmt: skip
    store.add_observations([
        DnsObservation(at=NOW, vantage="v", target="t0", server="9.9.9.9", name="n", answers=("203.0.113.9",)),
        TraceObservation(at=NOW, vantage="v", target="t0", hops=(Hop(ttl=1, address="198.51.100.1"),)),
        NotMeasured(at=NOW, vantage="v", target="t0", probe="http", reason="missed"),
    ])  # fmt: skip
    store.add_routes([
        RouteEvent(at=NOW, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix("203.0.113.0/24"),
                   path=AsPath((Asn(64500),)), **_PEER),
        PeerState(at=NOW + 1, up=True, **_PEER), FeedState(at=NOW + 2, source="ris-live", live=True),
        FileMark(at=NOW, source="mrt", path="/a", offset=7, head=b"\0", head_bytes=1, size=9),
    ])  # fmt: skip
    shipped = [(n, HttpObservation(at=NOW + n, vantage="agent", target="t0")) for n in (1, 2, 5)]
    store.take(
        [Shipment(vantage="agent", received_at=NOW, sent_at=NOW, facts=shipped, refused=[Refusal(4, "bad")])]
    )
    incident = Incident(
        id="t0-1", target="t0", cause=Cause.ROUTE_HIJACK, detail=Detail(), confidence=1 / 3, suspected=False,
        opened_at=NOW, named_at=NOW, closed_at=None, affected=("v",), vantages=1, evidence=(),
        runner_up=RunnerUp(cause=Cause.OK, confidence=0.1), missing=None, updated_at=NOW,
    )  # fmt: skip
    change = IncidentChange(kind=ChangeKind.OPENED, at=NOW, sequence=1, incident=incident, previous_cause=Cause.OK)
    store.save_changes([change], [notice("sent"), notice("doubt"), notice("due")])
    for key in ("sent", "doubt"):
        store.mark_notice(key, NoticeState.HANDED_OVER, NOW)
    store.mark_notice("sent", NoticeState.SENT, NOW)
    tend(store, NOW + 4000)


def told(place: HistoryPlace) -> list[Any]:
    """What a reader says of it."""
    with Reader.open(place) as reader:
        return [
            list(reader.observations(0, NOW * 2)), list(reader.routes(0, NOW * 2)), reader.contacts(),
            reader.incidents(0, NOW * 2), reader.changes("t0-1"), reader.file_marks("mrt"), reader.seal_head(),
            reader.check_seals(), reader.latency(NOW - 100, NOW + 7100, bucket_s=300.0),
            reader.failures(NOW - 100, NOW + 7000),
            [(one.key, one.state, one.payload) for one in reader.notices(0, NOW * 2)],
        ]  # fmt: skip


@pytest.fixture
def filled(tmp_path: Path, tend: Tend) -> Path:
    """A history in a file."""
    path = tmp_path / "filled.db"
    with Store.open(path) as store:
        fill(store, tend)
    return path


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[DatabaseUrl]:
    """Where an empty history is on a server."""
    made = postgres.history()
    yield made
    postgres.drop(made)


def test_there_and_back_changes_nothing(filled: Path, database: DatabaseUrl, tmp_path: Path, tend: Tend) -> None:
    """Every answer is the same on each side; and each goes on as the first would have."""
    back = tmp_path / "back.db"
    before = told(filled)
    assert before[7].problems == []
    assert before[6].number > 0
    for source, target in ((filled, database), (database, back)):
        found = transfer(source, target)
        assert [one.table for one in found if not one.is_equal] == []
        assert sum(one.rows for one in found) > 400
        assert told(target) == before

    for place in (database, back):
        with Store.open(place) as store:
            again = [(n, HttpObservation(at=NOW + n, vantage="agent", target="t0")) for n in (2, 3, 4)]
            (taken,) = store.take([Shipment(vantage="agent", received_at=NOW + 9, facts=again)])
            assert (len(taken.fresh), taken.repeated) == (1, 2)
            assert store.interrupted == ("doubt",)
            assert [one.key for one in store.due_notices(NOW * 2, 9)] == ["due"]
            store.add_observations([HttpObservation(at=NOW, vantage="new", target="new", issuer="CN=new")])
            tend(store, NOW + 9000)
    (there, here) = (told(place) for place in (database, back))
    assert there == here
    assert there[7].problems == []
    assert there[6].number > before[6].number


@pytest.mark.parametrize("pieces", [3, 16, 24])
def test_one_that_was_killed_half_way_goes_on(filled: Path, database: DatabaseUrl, pieces: int) -> None:
    """By SIGKILL after so many pieces: no monitor may write it then, and the same command brings the rest."""
    dying = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from monitor.history.transfer import transfer
        from monitor.model.history_place import DatabaseUrl
        left = int(sys.argv[3])
        def told(table, rows, of):
            global left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        transfer(Path(sys.argv[1]), DatabaseUrl(sys.argv[2]), told)
    """)
    ended = subprocess.run(
        [sys.executable, "-c", dying, str(filled), str(database), str(pieces)], cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL
    with pytest.raises(HistoryError, match="a transfer into it has not ended"):
        Store.open(database)
    assert [one.table for one in transfer(filled, database) if not one.is_equal] == []

    assert told(database) == told(filled)


def test_what_is_there_already_is_not_mixed_with_it(filled: Path, database: DatabaseUrl, tmp_path: Path) -> None:
    """Another history stays as it is; a part of another one too."""
    with Store.open(database) as store:
        store.add_observations([NotMeasured(at=NOW, vantage="v", target="t", probe="http", reason="r")])
    with pytest.raises(HistoryError, match="is not empty"):
        transfer(filled, database)
    ask(database, "INSERT INTO counter (name, value) VALUES ('transferring', 1)")
    with pytest.raises(HistoryError, match="a part of another history"):
        transfer(filled, database)


def test_a_row_that_differs_is_told_by_the_verb(filled: Path, database: DatabaseUrl) -> None:
    """What was copied is altered before the end: its table is named, exit 1, and nobody may write there."""
    altered = []

    def alter(table: str, rows: int, of: int) -> None:
        if table == "notice":
            altered.extend(ask(database, "UPDATE answer SET answers = '[]' RETURNING id"))

    assert [one.table for one in transfer(filled, database, alter) if not one.is_equal] == ["answer"]
    assert len(altered) == 1
    result = CliRunner().invoke(main, ["import", "history", str(filled), "--database", str(database)])

    assert result.exit_code == 1
    assert "these differ: answer" in result.output


def test_the_verb_says_what_was_moved(filled: Path, database: DatabaseUrl) -> None:
    """Counts and digests of each table, and that they are the same."""
    result = CliRunner().invoke(main, ["import", "history", str(filled), "--database", str(database)])

    assert result.exit_code == 0, result.output
    assert "rows, the same on both sides" in result.output
    assert "303 rows" in result.output
