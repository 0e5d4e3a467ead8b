"""Real collectors' routes: in through the routes room, out of the reader and out of `whydown history`."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.bgp.mrt import read_mrt
from monitor.cli import main
from monitor.history import Reader, Store
from monitor.model import PeerState, RouteEvent, RouteKind

WHOLE_TIME = ("--since", "2000-01-01T00:00Z", "--until", "2030-01-01T00:00Z")


@pytest.mark.parametrize(
    ("name", "events", "states"),
    [
        ("ripe-bgpdump.updates.20071015.1505.gz", 10_496, 0),
        ("ripe-bgpdump.updates.20020722.2238.gz", 3_244, 93),
        ("ripe-bgpdump.bview.ipv6_unicast_add_path.gz", 62, 0),
    ],
)
def test_a_collectors_file_comes_back_equal(
    shared_data: Path, tmp_path: Path, name: str, events: int, states: int
) -> None:
    """As many elements as bgpdump prints, each equal to what the parser gave, summed up by the verb."""
    facts = list(read_mrt(shared_data / "mrt" / name))
    database = tmp_path / "history.db"
    with Store.open(database) as store:
        store.add_routes(facts)
    with Reader.open(database) as reader:
        back = list(reader.routes(0, 2e9))

    assert back == sorted(facts, key=lambda fact: fact.at)
    assert sum(isinstance(fact, RouteEvent) for fact in back) == events
    assert sum(isinstance(fact, PeerState) for fact in back) == states

    shown = CliRunner().invoke(main, ["history", "--routes", "--json", "--database", str(database), *WHOLE_TIME])
    sums = [json.loads(line) for line in shown.stdout.splitlines()]
    heard = [fact for fact in back if isinstance(fact, RouteEvent)]
    withdrawn = sum(fact.kind is RouteKind.WITHDRAWAL for fact in heard)
    assert sum(each["announcements"] for each in sums) == events - withdrawn
    assert sum(each["withdrawals"] for each in sums) == withdrawn


def test_the_burst_of_a_full_table_comes_back_equal(shared_data: Path, tmp_path: Path) -> None:
    """One peer sends its table: thousands of events a millisecond, more than a page of the reader."""
    source = shared_data / "mrt" / "ripe-bgpdump.updates.et-header.2015.gz"
    facts = list(islice(read_mrt(source), 20_000))
    with Store.open(tmp_path / "history.db") as store:
        store.add_routes(facts)
    with Reader.open(tmp_path / "history.db") as reader:
        assert list(reader.routes(0, 2e9)) == sorted(facts, key=lambda fact: fact.at)


def test_real_ris_live_messages_are_imported(shared_data: Path, tmp_path: Path) -> None:
    """In their envelopes; the server's own error and the line that ends early are named and cost nothing else."""
    database = tmp_path / "history.db"
    source = shared_data / "ris-live" / "caida.ris-live-stream.jsonl"
    done = CliRunner().invoke(main, ["import", str(source), "--database", str(database)])
    with Reader.open(database) as reader:
        facts = list(reader.routes(0, 2e9))

    assert (done.exit_code, "2 bad lines left out" in done.stderr) == (1, True)
    assert f"{source}:3: this is a test error message" in done.stderr
    assert f"{source}:7: " in done.stderr
    assert any(isinstance(fact, RouteEvent) and fact.path and fact.path.segments for fact in facts)

    shown = CliRunner().invoke(main, ["history", "--routes", "--database", str(database), *WHOLE_TIME])
    heard = next(fact for fact in facts if isinstance(fact, RouteEvent))
    assert str(heard.prefix) in shown.stdout
