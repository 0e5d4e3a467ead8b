"""The two outages that looked the same to users are told apart, from their published facts."""

from __future__ import annotations

import gzip
import json
import shutil
from functools import lru_cache
from pathlib import Path

import msgspec
import pytest
from build import COMMITTED, SCRIPTS
from click.testing import CliRunner
from script.folder import files

from monitor.cli import main
from monitor.replay import read_folder, replay
from probes.observation import decode

HERE = Path(__file__).parent
KAKAO, COOV = HERE / "kakao-2022-02-03", HERE / "coov-2021-12-13"
ALL = ("ashburn-1", "frankfurt-1", "seoul-1", "seoul-2", "seoul-3", "singapore-1", "tokyo-1")


@lru_cache(maxsize=8)
def replayed(folder: Path) -> list[dict]:
    """What `whydown replay FOLDER --json` prints; asked once for each folder."""
    result = CliRunner().invoke(main, ["replay", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def copy(tmp_path: Path):
    """Copies an incident folder so that a test may change it."""

    def copied(folder: Path) -> Path:
        return Path(shutil.copytree(folder, tmp_path / folder.name))

    return copied


def test_kakao_2022_is_one_hijack() -> None:
    """More-specifics from AS9457, an impostor with a fresh valid certificate: not an overload."""
    (incident,) = replayed(KAKAO)

    detail = incident["detail"]
    assert (incident["target"], incident["cause"], incident["suspected"]) == ("qr-checkin", "route.hijack", False)
    assert (detail["kind"], detail["effect"], detail["origin"]) == ("subprefix", "impostor", 9457)
    assert detail["prefix"] in ("211.249.221.0/24", "121.53.104.0/24")
    assert incident["affected"] == [name for name in ALL if name != "seoul-3"]
    assert incident["confidence"] > 0.95


def test_of_dated_tables_the_one_of_the_time_is_taken(copy) -> None:
    """An older and a younger one beside it map the prefix to others, which replay must not see."""
    folder = copy(KAKAO)
    (folder / "prefix_to_as.txt").rename(folder / "prefix_to_as-20220202.txt")
    for day in ("20220101", "20220204"):
        (folder / f"prefix_to_as-{day}.txt").write_text("0.0.0.0/0\t64666\n")
    found = read_folder(folder, print).knowledge.prefix_table
    expected = read_folder(KAKAO, print).knowledge.prefix_table

    assert found is not None
    assert expected is not None
    assert len(found) == len(expected) > 1
    assert found.lookup("211.249.221.246") == expected.lookup("211.249.221.246")


def test_kakao_2022_is_named_within_a_minute_of_the_first_bad_route() -> None:
    """The first bad route was at 01:04:18Z."""
    (incident,) = replayed(KAKAO)

    assert 0 <= incident["named_at"] - 1643850258 <= 60


def test_kakao_2022_without_routes_is_a_suspected_hijack(copy) -> None:
    """Identity and path still speak when nobody listened to BGP."""
    folder = copy(KAKAO)
    (folder / "routes.jsonl").unlink()

    (incident,) = replayed(folder)

    assert (incident["cause"], incident["suspected"]) == ("route.hijack", True)
    assert incident["detail"]["origin"] == 9457


def test_coov_2021_is_an_overload_and_what_depends_on_it() -> None:
    """Two incidents: the overloaded backend's own, and one that its three callers share."""
    own, shared = sorted(replayed(COOV), key=lambda incident: incident["cause"])

    assert (own["target"], own["cause"], own["members"]) == ("coov", "server.overload", [])
    assert (shared["cause"], shared["detail"]["upstream"]) == ("upstream.overload", "coov")
    assert sorted(shared["members"]) == ["kakao-qr", "naver-qr", "toss-qr"]
    assert shared["target"] == shared["members"][0]
    assert all(tuple(one["affected"]) == ALL for one in (own, *shared["shares"]))
    assert all(one["named_at"] - 1639362600 <= 120 for one in (own, *shared["shares"]))


def test_coov_2021_with_routes_of_an_unrelated_prefix_is_unchanged(copy) -> None:
    """The Kakao routes, moved to that day, concern none of its targets: not a figure changes."""
    folder = copy(COOV)
    with (folder / "routes.jsonl").open("w") as file:
        for line in (KAKAO / "routes.jsonl").read_text().splitlines():
            message = json.loads(line)
            if any(prefix.startswith("198.19.") for one in message["announcements"] for prefix in one["prefixes"]):
                continue  # those of Naver and of COOV itself
            message["timestamp"] -= 1643850258 - 1639362600
            file.write(json.dumps(message) + "\n")

    assert replayed(folder) == replayed(COOV)


@pytest.mark.parametrize("folder", [KAKAO, COOV], ids=lambda folder: folder.name)
def test_chunking_changes_nothing(folder: Path) -> None:
    """Facts fed one by one or all at once give the same incidents, to the last figure."""
    read = read_folder(folder, pytest.fail)

    assert replay(read, 1) == replay(read)


@pytest.mark.parametrize("name", COMMITTED)
def test_folder_is_what_its_builder_writes(name: str) -> None:
    """The committed facts come from tests/scenarios/build.py and nowhere else.

    Observations are compared as values: a field that is new since then is absent, which is its default.
    """
    for file, content in files(SCRIPTS[name]).items():
        data = (HERE / name / file).read_bytes()
        wanted = content.encode() if isinstance(content, str) else content
        if not file.startswith("observations."):
            assert data == wanted, file
            continue
        kept = gzip.decompress(data).splitlines()

        assert [decode(line) for line in kept] == [decode(line) for line in wanted.splitlines()]


@pytest.mark.parametrize("name", COMMITTED)
def test_folder_says_what_is_fact_and_what_is_assumption(name: str) -> None:
    """The header of config.toml tells them apart."""
    header = (HERE / name / "config.toml").read_text().split("[[target]]")[0]

    assert "# FACT" in header
    assert "# ASSUMPTION" in header


def test_evaluate_scores_both_folders_as_right() -> None:
    """`whydown evaluate` finds nothing to complain about. Of COOV's four truths, which two incidents answer, each
    is answered by its own or by the share that it has."""
    result = CliRunner().invoke(main, ["evaluate", "--json", str(KAKAO), str(COOV)])

    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [(s["cause"], s["precision"], s["recall"]) for s in told["scores"]] == [
        ("route.hijack", 1.0, 1.0),
        ("server.overload", 1.0, 1.0),
        ("upstream.overload", 1.0, 1.0),
    ]
    assert told["summary"]["macro_f1"] == 1.0


def test_evaluate_reports_a_wrong_expectation(copy) -> None:
    """A folder whose truth was something else is not scored as right."""
    folder = copy(COOV)
    rows = json.loads((folder / "expected.json").read_text())
    rows[0]["cause"] = "route.hijack"
    (folder / "expected.json").write_text(json.dumps(rows))

    result = CliRunner().invoke(main, ["evaluate", str(folder)])

    assert result.exit_code == 1
    assert "coov-2021-12-13: coov: expected route.hijack, named server.overload" in result.stdout


def test_bad_lines_are_named_and_the_rest_goes_on(copy) -> None:
    """A broken line costs itself only."""
    folder = copy(COOV)
    path = folder / "observations.jsonl.gz"
    data = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(b'{"kind":"http"}\n\xff\xfe\n' + data))

    result = CliRunner().invoke(main, ["replay", str(folder), "--json"])

    assert [json.loads(line) for line in result.stdout.splitlines()] == replayed(COOV)
    assert "observations.jsonl.gz:1:" in result.stderr
    assert "observations.jsonl.gz:2:" in result.stderr


def test_times_that_no_clock_shows_are_bad_lines(tmp_path: Path) -> None:
    """Judged, they would take for ever: every moment from there on, each no later than the one before."""
    shutil.copy(COOV / "config.toml", tmp_path)
    with gzip.open(COOV / "observations.jsonl.gz") as lines:
        good = next(lines)
    odd = [{"at": -1e300}, {"at": 1e300}, {"total_s": -1e300}, {"total_s": 1e300}]
    bad = [json.dumps(json.loads(good) | changed).encode() + b"\n" for changed in odd]
    (tmp_path / "observations.jsonl").write_bytes(b"".join([*bad, good]))
    complaints: list[tuple[int, str]] = []

    known = read_folder(tmp_path, lambda path, line, why: complaints.append((line, why)))

    assert known.facts == (decode(good),)
    assert [line for line, _ in complaints] == [1, 2, 3, 4]
    assert all(why.endswith("not in 0..253402300799 s") for _, why in complaints)


def test_folder_without_facts_is_refused(tmp_path: Path) -> None:
    """Nothing to replay is an error that names the file, exit 2."""
    (tmp_path / "config.toml").write_bytes((COOV / "config.toml").read_bytes())

    result = CliRunner().invoke(main, ["replay", str(tmp_path)])

    assert result.exit_code == 2
    assert "observations.jsonl" in result.stderr


def test_replay_json_is_the_contract() -> None:
    """Each line has the contract's fields."""
    fields = {
        "target", "cause", "detail", "confidence", "suspected", "opened_at", "named_at", "closed_at",
        "affected", "vantages", "evidence", "runner_up", "missing",
    }  # fmt: skip
    for incident in replayed(KAKAO) + replayed(COOV):
        assert fields <= incident.keys()
        assert {"rule", "weight", "seen", "of", "text"} <= incident["evidence"][0].keys()
        assert msgspec.json.encode(incident)
