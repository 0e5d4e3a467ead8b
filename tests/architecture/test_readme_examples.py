"""What the README shows can be typed: each query finds something, each reading verb runs."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from monitor.cli import VERBS, main
from monitor.history import Store
from monitor.model import AsPath, Cause, ChangeKind, Detail, Incident, IncidentChange, RouteEvent, RouteKind
from monitor.model.asn import Asn
from monitor.model.prefix import parse_prefix
from probes import Failure, HttpObservation, clock
from probes.observation import DnsObservation, Hop, TraceObservation

README = Path(__file__).resolve().parent.parent.parent / "README.md"

# Verbs that only read a history, and so can be run as they are printed.
READING = frozenset({"status", "history", "incidents", "explain", "report", "export"})


def _commands() -> Iterator[str]:
    """The commands of the README's shell blocks, each joined to one line, without prompts and comments."""
    for block in re.findall(r"^```sh\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        text = re.sub(r"^#.*\n", "", block, flags=re.MULTILINE)
        yield from (" ".join(line.split()) for line in re.split(r"\n(?! )", text.strip()))


QUERIES = tuple(shlex.split(line)[-1] for line in _commands() if line.startswith("sqlite3 "))
VERB_LINES = tuple(line for line in _commands() if line.startswith("whydown "))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history of the README's `shop` with one of everything, a minute old, and its route of the day before."""
    at = clock.wall() - 60.0
    path = tmp_path_factory.mktemp("readme") / "whydown.db"
    who = {"vantage": "seoul-1", "target": "shop"}
    incident = Incident(
        id="shop-1", cause=Cause.ROUTE_HIJACK, target="shop", detail=Detail(prefix="203.0.113.0/24"),
        confidence=0.98, suspected=False, opened_at=at, named_at=at, closed_at=None, affected=("seoul-1",),
        vantages=1, evidence=(), runner_up=None, missing=None, updated_at=at,
    )  # fmt: skip
    hop = Hop(ttl=1, address="203.0.113.9", rtt_s=0.001)
    route = RouteEvent(
        at=at, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix("203.0.113.0/24"), peer="192.0.2.1",
        peer_asn=Asn(64500), collector="rrc00", path=AsPath((Asn(64500), Asn(64510))), next_hop="192.0.2.1",
    )  # fmt: skip
    (path.parent / "config.toml").write_text('[[target]]\nname = "shop"\nurl = "https://shop.example/"\n')
    with Store.open(path) as store:
        store.add_observations([
            HttpObservation(at=at, status=200, wait_s=0.1, kernel_rtt_s=0.01, spki_sha256="ab", **who),
            HttpObservation(at=at, failure=Failure.READ_TIMEOUT, **who),
            DnsObservation(at=at, server="9.9.9.9", name="shop.example", rcode="NOERROR", answers=("203.0.113.9",),
                           **who),
            TraceObservation(at=at, reached=True, hops=(hop,), **who),
        ])  # fmt: skip
        store.add_routes([msgspec.structs.replace(route, at=at - 86400.0), route])
        store.save_changes([IncidentChange(kind=ChangeKind.OPENED, at=at, sequence=1, incident=incident)], [])
    return path


@pytest.mark.parametrize("query", QUERIES)
def test_query_of_the_readme_finds_rows(query: str, database: Path) -> None:
    """On a history that holds what it asks for, opened for reading only."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        # Facts of a minute ago may be yesterday's.
        rows = connection.execute(query.replace("date('now')", "date('now', '-1 day')")).fetchall()

    assert rows


def test_queries_of_the_readme_use_every_view() -> None:
    """Each view has an example."""
    used = {view for query in QUERIES for view in re.findall(r"\bv_[a-z]+", query)}

    assert used == {"v_http", "v_dns", "v_trace", "v_routes", "v_incidents"}


@pytest.mark.parametrize("line", VERB_LINES)
def test_command_line_of_the_readme_is_understood(
    line: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verbs that read a history do so; of the others the arguments are read, and `--help` stops them there."""
    monkeypatch.chdir(database.parent)
    verb, *arguments = shlex.split(line.partition(" > ")[0])[1:]
    last = ("--database", str(database)) if verb in READING else ("--help",)
    result = CliRunner().invoke(main, [verb, *arguments, *last])

    assert verb in VERBS
    assert result.exit_code == 0, result.output
    assert result.output


def test_make_commands_of_the_readme_are_in_the_makefile() -> None:
    """Every `make WORD...`, in a block or in the text."""
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    goals = {
        word
        for line in re.findall(r"(?:^|`)make ([a-z][a-z -]*?)(?:`|$)", text, re.MULTILINE)
        for word in line.split()
    }

    assert {"demo", "test", "bench"} <= goals <= set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
