"""`whydown routes` finds route events anew in stored facts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.history import Store
from monitor.model import Asn, AsPath, RouteEvent, RouteKind, parse_prefix
from probes.observation import HttpObservation

START = 1_700_000_000.0
CONFIG = '[[target]]\nname = "shop"\nurl = "https://shop.example/"\n'
PEERS = 4


def route(at: float, peer: int, prefix: str, path: str | None) -> RouteEvent:
    """One message of a feed."""
    return RouteEvent(
        at=at, kind=RouteKind.ANNOUNCEMENT if path else RouteKind.WITHDRAWAL, prefix=parse_prefix(prefix),
        peer=f"198.51.100.{peer}", peer_asn=Asn(60000 + peer), collector=f"rrc0{peer % 2}",
        path=AsPath.parse(path) if path else None,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A history of a quiet morning, and a part of the prefix announced by somebody else for ten minutes."""
    (tmp_path / "config.toml").write_text(CONFIG)
    facts = [route(START + n, n, "203.0.112.0/22", f"{60000 + n} 1103 3333") for n in range(PEERS)]
    facts += [route(START + 7200 + n, n, "203.0.113.0/24", f"{60000 + n} 2914 666") for n in range(PEERS)]
    facts += [route(START + 7800 + n, n, "203.0.113.0/24", None) for n in range(PEERS)]
    seen = HttpObservation(at=START, vantage="v", target="shop", address="203.0.113.10", family=4, status=200)
    with Store.open(tmp_path / "whydown.db") as store:
        store.add_observations([seen])
        store.add_routes(facts)
    return tmp_path


def call(folder: Path, *arguments: str) -> str:
    """The output of the verb over the day."""
    window = ("--since", "2023-11-14T22:00Z", "--until", "2023-11-15T22:00Z")
    where = ("--config", str(folder / "config.toml"), "--database", str(folder / "whydown.db"))
    result = CliRunner().invoke(main, ["routes", *arguments, *window, *where])
    assert result.exit_code == 0, result.output
    return result.output


def test_event_is_listed_with_its_peers_and_reasons(folder: Path) -> None:
    """As JSON, one event a line."""
    (line,) = call(folder, "shop", "--json").splitlines()
    found = json.loads(line)

    expected = {
        "kind": "new_more_specific", "prefix": "203.0.113.0/24", "concerns": "203.0.112.0/22", "origin": 666,
        "peers": 4, "peers_of": 4, "active": False,
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected
    assert (found["first_at"], found["last_at"]) == (START + 7200, START + 7803)
    assert [reason["word"] for reason in found["reasons"]] == ["origin_never_seen"]


def test_event_reads_well(folder: Path) -> None:
    """What, when, by whom, seen by how many, why."""
    assert call(folder, "shop").splitlines() == [
        "11-15 00:13:20 UTC  new_more_specific  203.0.113.0/24 by AS666, until 11-15 00:23:23 UTC; "
        "4 of 4 peers at 2 collectors",
        "    path 60000 2914 666",
        "    AS666 is not expected for it (AS3333 is)",
    ]


def test_unknown_target_is_an_error(folder: Path) -> None:
    """And not an empty list, which would read as all is well."""
    where = ("--config", str(folder / "config.toml"), "--database", str(folder / "whydown.db"))
    result = CliRunner().invoke(main, ["routes", "shpo", *where])

    assert result.exit_code == 1
    assert "no target 'shpo'" in result.output
