"""What `explain` says of where a fact is finds that fact in the history."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import msgspec
from click.testing import CliRunner

from monitor.cli import main
from monitor.history import Store
from monitor.model import FactRef, IncidentChange
from probes.observation import HttpObservation

SEEN = HttpObservation(
    at=1643855431.2345, vantage="seoul-1", target="it's-shop", address="203.0.113.10", status=503, total_s=0.25
)  # fmt: skip


def test_the_query_of_a_fact_finds_it_and_no_other(tmp_path: Path, change_of) -> None:
    """One exchange of three, with a quotation mark in its target's name."""
    change: IncidentChange = change_of("hijack")
    fact = FactRef(kind="http", at=SEEN.at, vantage=SEEN.vantage, target=SEEN.target)
    first, *rest = change.incident.evidence
    told = msgspec.structs.replace(
        change.incident, evidence=(msgspec.structs.replace(first, facts=(fact,)), *rest)
    )
    path = tmp_path / "whydown.db"
    with Store.open(path) as store:
        others = (msgspec.structs.replace(SEEN, at=SEEN.at + 5), msgspec.structs.replace(SEEN, vantage="seoul-2"))
        store.add_observations([SEEN, *others])
        store.save_changes([msgspec.structs.replace(change, incident=told)], [])

    said = CliRunner().invoke(main, ["explain", "last", "--database", str(path)], env={"COLUMNS": "300"}).output
    query = re.search(r"facts +(SELECT \* FROM v_http WHERE [^\n]*(?:\n {10,}[^\n]+)*)", said)
    assert query is not None, said
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        found = [(row["vantage"], row["status"]) for row in connection.execute(" ".join(query[1].split()))]

    assert found == [("seoul-1", 503)]
