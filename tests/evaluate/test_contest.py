"""Small folders scored as a user has them scored: with evidence taken away, beside simpler tools, in processes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.commands.evaluate import read_case
from monitor.evaluate import FULL, Expected, contest, match, score, variants
from monitor.evaluate.ablation import ABLATIONS, without_identity, without_other_vantages, without_routes
from monitor.evaluate.baselines import BASELINES
from monitor.evaluate.pairing import Pair
from monitor.model.incident import Incident
from monitor.model.route import RouteEvent
from monitor.model.verdict import Cause, Detail, HijackKind
from probes.observation import HttpObservation

START = 1_700_000_000.0
CONFIG = """
[[target]]
name = "shop"
url = "https://shop.example/"
interval = "30s"
origins = [64500]
"""
VANTAGES = ("a-1", "b-1", "c-1")
ROUNDS, BAD_FROM = 40, 20


def _exchange(at: float, vantage: str, *, refused: bool) -> dict[str, object]:
    said: dict[str, object] = {
        "kind": "http", "at": at, "vantage": vantage, "target": "shop", "address": "203.0.113.10", "family": 4,
    }  # fmt: skip
    if refused:
        return said | {"failure": "connection_refused", "total_s": 0.021}
    return said | {
        "failure": None, "status": 200, "dns_s": 0.003, "connect_s": 0.02, "tls_s": 0.02, "wait_s": 0.04,
        "receive_s": 0.001, "total_s": 0.084, "spki_sha256": "ab" * 32,
    }  # fmt: skip


def _route(at: float, origin: int) -> dict[str, object]:
    return {
        "type": "UPDATE", "timestamp": at, "peer": "198.51.100.1", "peer_asn": "64700", "host": "rrc00",
        "path": [64700, origin], "origin": "igp",
        "announcements": [{"next_hop": "198.51.100.1", "prefixes": ["203.0.113.0/24"]}],
    }  # fmt: skip


def _written(folder: Path, *, refused: bool, origin: int = 64500, expected: list[dict[str, object]]) -> Path:
    """A folder of three vantages for 20 minutes; from the tenth on the server refuses all, or none."""
    folder.mkdir()
    facts = [
        _exchange(START + 30 * number + place, vantage, refused=refused and number >= BAD_FROM)
        for number in range(ROUNDS)
        for place, vantage in enumerate(VANTAGES)
    ]
    (folder / "config.toml").write_text(CONFIG)
    (folder / "observations.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    (folder / "routes.jsonl").write_text(json.dumps(_route(START + 30 * BAD_FROM - 10, origin)) + "\n")
    (folder / "expected.json").write_text(json.dumps(expected))
    return folder


@pytest.fixture
def down(tmp_path: Path) -> Path:
    """The server refuses; the only route that moves is its own."""
    trouble = {"target": "shop", "cause": "server.down", "start": START + 600, "end": START + 1200}
    return _written(tmp_path / "down", refused=True, expected=[trouble])


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    """Nothing is wrong."""
    return _written(tmp_path / "fine", refused=False, expected=[])


def _evaluate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


def test_all_variants_are_scored_each_by_its_own_lights(down: Path, fine: Path) -> None:
    """The engine names it; routes alone see nothing; who goes by coincidence cries hijack."""
    result = _evaluate("--ablations", "--baselines", "--processes", "1", "--json", down, fine)
    told = json.loads(result.stdout)

    assert result.exit_code == 0, result.output
    assert list(told["variants"]) == [FULL, *ABLATIONS, *BASELINES]
    assert told["matrix"] == [{"expected": "server.down", "given": "server.down", "count": 1}]
    assert told["variants"][FULL]["macro_f1"] == told["variants"]["probes only"]["macro_f1"] == 1.0
    assert told["variants"]["routes only"]["missed"] == 1.0
    assert told["variants"]["correlation only"]["false_hijacks"] == 1


def test_without_the_options_only_the_engine_is_scored(fine: Path) -> None:
    """Ablations take five times as long; nobody pays for what was not asked for."""
    assert list(json.loads(_evaluate("--json", fine).stdout)["variants"]) == [FULL]
    assert variants(ablations=False, baselines=True) == (FULL, *BASELINES)


def test_processes_change_nothing_but_the_time(down: Path, fine: Path) -> None:
    """The same pairs in the order of the folders, though each is scored in a process of its own."""
    alone, together = (list(contest([down, fine], read_case, (FULL,), count)) for count in (1, 2))

    assert alone == together
    assert [len(one[FULL]) for one in alone] == [1, 0]


def test_a_process_that_cannot_read_its_folder_ends_the_command_with_two(down: Path, fine: Path) -> None:
    """The broken folder is named, and not counted as a miss."""
    (fine / "expected.json").write_text("[{")
    result = _evaluate("--processes", "1", down, fine)

    assert result.exit_code == 2
    assert "fine/expected.json" in result.stderr


@pytest.mark.parametrize("count", ["0", "257", "some"])
def test_a_number_of_processes_that_makes_no_sense_is_refused(fine: Path, count: str) -> None:
    """Before anything is replayed."""
    result = _evaluate("--processes", count, fine)

    assert result.exit_code == 2
    assert "--processes" in result.stderr


def test_markdown_is_tables_to_keep(down: Path) -> None:
    """Each row has as many cells as its head; the figures are those of the terminal's tables."""
    text = _evaluate("--baselines", "--markdown", down).stdout
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("| ")]

    assert [len(table) - 2 for table in tables] == [1 + len(BASELINES), 1, 1]
    assert all(len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1 for table in tables)
    assert "| server.down | 1 | 100.0 % | 100.0 % | 1.000 |" in text
    assert text.rstrip().endswith("Nothing.")


def test_markdown_says_what_went_wrong(tmp_path: Path) -> None:
    """A trouble that nobody saw is a line, and exit 1."""
    trouble: dict[str, object] = {"target": "shop", "cause": "route.leak", "start": START, "end": START + 600}
    result = _evaluate("--markdown", _written(tmp_path / "quiet", refused=False, expected=[trouble]))

    assert result.exit_code == 1
    assert "- quiet: shop: expected route.leak, named none" in result.stdout


def test_each_ablation_takes_its_evidence_and_no_other(down: Path) -> None:
    """What is left is the same fact for fact."""
    folder = read_case(down)[0]
    http = [fact for fact in folder.facts if isinstance(fact, HttpObservation)]
    nameless = [fact for fact in without_identity(folder).facts if isinstance(fact, HttpObservation)]

    assert any(isinstance(fact, RouteEvent) for fact in folder.facts)
    assert list(without_routes(folder).facts) == http
    assert {fact.spki_sha256 for fact in http} == {"ab" * 32, None}
    assert {fact.spki_sha256 for fact in nameless} == {None}
    assert [(fact.at, fact.failure) for fact in nameless] == [(fact.at, fact.failure) for fact in http]
    left = [fact for fact in without_other_vantages(folder).facts if isinstance(fact, HttpObservation)]
    assert left == [fact for fact in http if fact.vantage == "a-1"]


def test_an_origin_that_is_not_expected_is_a_hijack_to_routes_alone(tmp_path: Path) -> None:
    """And to nobody else, as long as every answer is right."""
    folder = _written(tmp_path / "moas", refused=False, origin=64666, expected=[])
    found = score("moas", read_case(folder)[0], (), (*BASELINES,))

    assert [pair.given for pair in found["routes only"]] == ["route.hijack"]
    assert found["probes only"] == found["correlation only"] == []


Wanted = dict[str, str | int | tuple[str | int, ...]]


def _pair(wanted: Wanted, *, suspected: bool | None = None) -> Pair:
    """A hijack of a sub-prefix by AS64666, not suspected but sure, beside what is expected of it."""
    truth = Expected(
        target="shop", cause="route.hijack", start=START, end=START + 600, detail=wanted, suspected=suspected
    )
    given = Incident(
        id="one", target="shop", cause=Cause.ROUTE_HIJACK,
        detail=Detail(kind=HijackKind.SUBPREFIX, origin=64666), confidence=0.9, suspected=False, opened_at=START,
        named_at=START, closed_at=START + 600, affected=(), vantages=3, evidence=(), runner_up=None, missing=None,
        updated_at=START + 600,
    )  # fmt: skip
    (pair,) = match("one", [truth], [given])
    return pair


def test_differences_name_the_field_what_was_said_and_what_is_right() -> None:
    """Several values may be right; what was not said at all is a difference too."""
    wanted: Wanted = {"kind": ("origin", "forged_origin"), "origin": 64666, "prefix": "203.0.113.0/24"}

    assert _pair(wanted, suspected=True).differences == (
        "kind subprefix, expected origin or forged_origin",
        "prefix not told, expected 203.0.113.0/24",
        "suspected False, expected True",
    )


def test_no_differences_where_all_is_right_and_none_to_speak_of_where_nothing_was_asked() -> None:
    """An empty tuple is counted as right in full, None is not counted."""
    assert _pair({"kind": ("origin", "subprefix"), "origin": 64666}, suspected=False).differences == ()
    assert _pair({}).differences is None
