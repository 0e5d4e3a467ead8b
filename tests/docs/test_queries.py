"""Every query of the page finds rows, by the tools that the page is about."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from monitor.docs import page
from monitor.history import Keep, Shipment, Store
from monitor.model import AsPath, Cause, ChangeKind, Detail, Incident, IncidentChange, RouteEvent, RouteKind
from monitor.model.asn import Asn
from monitor.model.prefix import parse_prefix
from probes import Failure, HttpObservation
from probes.observation import DnsObservation, Hop, TraceObservation

PAGE = page("queries")
QUERIES = tuple(re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = tuple(
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
)
WHO = {"vantage": "seoul-1", "target": "shop"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/whydown.db, which holds one of everything, an hour old and sealed."""
    at = round(time.time() - 3600.0, 3)
    incident = Incident(
        id="shop-1", cause=Cause.ROUTE_HIJACK, target="shop", detail=Detail(prefix="203.0.113.0/24"),
        confidence=0.98, suspected=False, opened_at=at, named_at=at, closed_at=at + 60, affected=("seoul-1",),
        vantages=1, evidence=(), runner_up=None, missing=None, updated_at=at,
    )  # fmt: skip
    route = RouteEvent(
        at=at, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix("203.0.113.0/24"), peer="192.0.2.1",
        peer_asn=Asn(64500), collector="rrc00", path=AsPath((Asn(64500), Asn(64510))), next_hop="192.0.2.1",
    )  # fmt: skip
    facts = [
        HttpObservation(
            at=at, status=200, wait_s=0.1, kernel_rtt_s=0.01, spki_sha256="ab", not_after=at + 7200, **WHO
        ),
        HttpObservation(at=at + 1, failure=Failure.READ_TIMEOUT, **WHO),
        HttpObservation(at=at + 2, failure=Failure.READ_TIMEOUT, **WHO),
        DnsObservation(
            at=at, server="9.9.9.9", name="shop.example", rcode="NOERROR", answers=("203.0.113.9",), **WHO
        ),
        TraceObservation(at=at, reached=True, hops=(Hop(ttl=1, address="203.0.113.9"),), **WHO),
    ]
    path = tmp_path_factory.mktemp("queries") / "data" / "whydown.db"
    keep = Keep(facts_s=86_400.0, minutes_s=86_400.0, five_minutes_s=86_400.0)
    with Store.open(path) as store:
        store.take(
            [Shipment(vantage="seoul-1", received_at=at + 5, facts=list(enumerate(facts, 1)), sent_at=at + 5)]
        )
        store.add_routes([route])
        store.save_changes([IncidentChange(kind=ChangeKind.OPENED, at=at, sequence=1, incident=incident)], [])
        while store.tend(time.time(), keep).more:
            pass
    return path.parent.parent


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.split("FROM ")[1].split()[0])
def test_query_finds_rows_by_sqlite3(query: str, folder: Path) -> None:
    """The shell where it is installed, and the library that Python has."""
    database = folder / "data" / "whydown.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(query).fetchall()

    assert rows
    if shutil.which("sqlite3") is not None:
        found = subprocess.run(
            ["sqlite3", "-readonly", "-json", str(database), query], capture_output=True, text=True, check=True
        )
        assert len(json.loads(found.stdout)) == len(rows)


def test_every_view_has_a_query_and_a_row_in_the_table(folder: Path) -> None:
    """None is left undescribed."""
    with closing(sqlite3.connect(folder / "data" / "whydown.db")) as connection:
        rows = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'view' AND name LIKE 'v\\_%' ESCAPE '\\'"
        )
        views = {name for (name,) in rows.fetchall()}

    assert views == set(re.findall(r"^\| `(v_[a-z]+)` \|", PAGE, re.MULTILINE))
    assert views - {"v_trace"} <= set(re.findall(r"FROM (v_[a-z]+)", PAGE))


@pytest.mark.parametrize("line", COMMANDS, ids=lambda line: line.split()[0])
def test_command_of_the_page_finds_rows(line: str, folder: Path) -> None:
    """sqlite-utils and Datasette, as the page has them."""
    tool, *arguments = shlex.split(line)
    pytest.importorskip(tool.replace("-", "_"), reason=f"{tool} is not installed")
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", tool.replace("-", "_"), *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert found.returncode == 0, found.stderr
    assert "route.hijack" in found.stdout or "seoul-1" in found.stdout


@pytest.fixture
def explained(folder: Path) -> Callable[[str], str]:
    """How SQLite would go about a query."""

    def explain(query: str) -> str:
        with closing(sqlite3.connect(folder / "data" / "whydown.db")) as connection:
            return "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))

    return explain


def test_an_incident_s_changes_are_found_by_their_key(explained: Callable[[str], str]) -> None:
    """The view does not hide the key."""
    assert "SEARCH incident_change USING PRIMARY KEY" in explained("SELECT * FROM v_changes WHERE incident = 'a'")
