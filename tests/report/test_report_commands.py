"""`whydown explain` and `whydown report` on a real history, as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.history import Store
from monitor.model import Incident, IncidentChange
from monitor.report.dossier import Dossier

ChangeOf = Callable[[str], IncidentChange]
HIJACK = "qr-checkin-20220203T022040"


@pytest.fixture
def database(tmp_path: Path, change_of: ChangeOf) -> Path:
    """A history with an overload, and a hijack that is over."""
    path = tmp_path / "whydown.db"
    with Store.open(path) as store:
        store.save_changes([change_of(name) for name in ("overload", "hijack", "closed")], [])
    return path


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", [HIJACK, "qr-", "last"])
def test_explain_finds_an_incident_by_id_first_letters_or_last(database: Path, name: str) -> None:
    """All three name the hijack, and all its changes stand in the timeline."""
    result = _run("explain", name, "--database", database)

    assert result.exit_code == 0
    assert HIJACK in result.output
    assert "opened: hijack 98%" in result.output
    assert "closed: hijack 98%" in result.output
    assert "+2.60 (1)  +1.30 (2)  +2.20 (3)" in result.output


def test_explain_as_json_has_the_terms_and_their_sums(database: Path, change_of: ChangeOf) -> None:
    """The incident and its changes as they were kept; the sums can be checked against the terms."""
    said = json.loads(_run("explain", "last", "--database", database, "--json").output)
    terms = [item["likelihoods"].get("route.hijack", 0.0) for item in said["incident"]["evidence"]]

    assert msgspec.convert(said["incident"], Incident) == change_of("closed").incident
    assert [change["kind"] for change in said["changes"]] == ["opened", "closed"]
    assert said["sums"][0]["cause"] == "route.hijack"
    assert said["sums"][0]["total"] == pytest.approx(sum(terms))


def test_report_writes_each_format(database: Path, change_of: ChangeOf) -> None:
    """Text by default, a whole page, or data."""
    text = _run("report", HIJACK, "--database", database, "--timezone", "Asia/Seoul")
    html = _run("report", HIJACK, "--database", database, "--html")
    data = _run("report", HIJACK, "--database", database, "--json")

    assert text.output.startswith("CLOSED: HIJACK 98%\n")
    assert "2022-02-03 13:28:28 KST (04:28:28 UTC)" in text.output
    assert html.output.startswith("<!DOCTYPE html>")
    assert msgspec.json.decode(data.output, type=Dossier).incident == change_of("closed").incident


@pytest.mark.parametrize("verb", ["explain", "report"])
def test_an_unknown_incident_is_named_and_exits_1(database: Path, verb: str) -> None:
    """One line says what was looked for, where, and where to look."""
    result = _run(verb, "nothing", "--database", database)

    assert result.exit_code == 1
    assert f"no incident begins with 'nothing' in {database}; see whydown incidents" in result.output


@pytest.mark.parametrize("verb", ["explain", "report"])
def test_an_empty_or_missing_history_exits_1(tmp_path: Path, verb: str) -> None:
    """No history, or one without incidents, is said plainly."""
    Store.open(tmp_path / "empty.db").close()
    empty = _run(verb, "last", "--database", tmp_path / "empty.db")
    missing = _run(verb, "last", "--database", tmp_path / "none.db")

    assert (empty.exit_code, missing.exit_code) == (1, 1)
    assert "holds no incident yet" in empty.output
    assert "none.db" in missing.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "INCIDENT"),
        (("last", "--timezone", "Moon/Base"), "no time zone 'Moon/Base'"),
        (("last", "--config", "nowhere.toml"), "there is no nowhere.toml that would name it"),
    ],
)
@pytest.mark.parametrize("verb", ["explain", "report"])
def test_bad_usage_exits_2(verb: str, arguments: tuple[str, ...], said: str) -> None:
    """The mistake is named."""
    result = _run(verb, *arguments)

    assert result.exit_code == 2
    assert said in result.output


def test_the_configuration_names_the_history(database: Path) -> None:
    """Without --database, history.path of config.toml is read."""
    config = database.parent / "config.toml"
    config.write_text(f'[history]\npath = "{database}"\n[[target]]\nname = "a"\nurl = "https://a.example/"\n')

    assert _run("explain", "last", "--config", config).exit_code == 0
