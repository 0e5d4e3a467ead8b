"""`whydown investigate`: stored measurements, and the routes of then from a RIPEstat that is made of facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.diagnose import known_at
from monitor.history import Reader, Store
from monitor.model import Prefix, RouteEvent, RouteFact, RouteKind, covers, parse_prefix
from monitor.replay import Folder, assembled, read_folder, replay
from probes import Observation

# Three vantages and the first hours of the outage of 3 February 2022 are enough for its name.
VANTAGES = frozenset({"seoul-1", "seoul-2", "tokyo-1"})
WINDOW = ("--from", "2022-02-03T00:50Z", "--to", "2022-02-03T03:10Z")
UNTIL = datetime(2022, 2, 3, 3, 10, tzinfo=UTC).timestamp()

Brief = tuple[str, str | None, bool]
"""Cause of an incident, the prefix it is about, and whether it is suspected only."""
TARGET = ("--target", "qr-checkin")


def seconds(text: str) -> float:
    """A time as the client writes it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@dataclass
class Collector:
    """Answers RIPEstat's data calls from route events, as RIS would have."""

    events: list[RouteEvent]

    def answer(self, call: str, asked: dict[str, str]) -> dict[str, object]:
        """`data` of the answer."""
        if call == "rpki-validation":
            return {**asked, "status": "unknown", "validating_roas": []}
        prefix = parse_prefix(asked["resource"])
        if call == "routing-history":
            return {"resource": str(prefix), "by_origin": self._history(prefix)}
        if call == "bgp-state":
            at = seconds(asked["timestamp"])
            return {"resource": str(prefix), "timestamp": asked["timestamp"], "bgp_state": self._table(prefix, at)}
        since, until = seconds(asked["starttime"]), seconds(asked["endtime"])
        updates = [self._update(one) for one in self.events if one.prefix == prefix and since <= one.at <= until]
        return {"resource": str(prefix), "query_starttime": since, "query_endtime": until, "updates": updates}

    def _history(self, prefix: Prefix) -> list[dict[str, object]]:
        touching = [one for one in self.events if covers(prefix, one.prefix) or covers(one.prefix, prefix)]
        last = max((one.at for one in touching), default=0.0)
        return [
            {"origin": str(origin), "prefixes": [{"prefix": str(one.prefix), "timelines": [
                {"starttime": one.at, "endtime": last, "full_peers_seeing": 1.0, "visibility": 0.5}]}]}
            for one in touching for origin in one.origins
        ]  # fmt: skip

    def _table(self, prefix: Prefix, at: float) -> list[dict[str, object]]:
        latest = {one.peer: one for one in self.events if one.prefix == prefix and one.at <= at}
        return [self._attributes(one) for one in latest.values() if one.kind is not RouteKind.WITHDRAWAL]

    def _update(self, event: RouteEvent) -> dict[str, object]:
        kind = "W" if event.kind is RouteKind.WITHDRAWAL else "A"
        return {"timestamp": event.at, "type": kind, "attrs": self._attributes(event)}

    def _attributes(self, event: RouteEvent) -> dict[str, object]:
        source = f"{event.collector.removeprefix('rrc')}-{event.peer}"
        route = {"source_id": source, "target_prefix": str(event.prefix)}
        return route if event.path is None else {**route, "path": list(event.path.segments)}


@dataclass
class Setting:
    """The folder of a history without routes, RIPEstat's address, and what was asked of it."""

    folder: Path
    url: str
    asked: list[str]

    def run(self, *arguments: str) -> Result:
        """`whydown investigate` of the outage."""
        where = ("--config", str(self.folder / "config.toml"), "--ripestat", self.url)
        return CliRunner().invoke(main, ["investigate", *TARGET, *WINDOW, *where, *arguments])

    def causes(self, *arguments: str) -> list[Brief]:
        """The incidents in brief."""
        result = self.run("--json", *arguments)
        assert result.exit_code == 0, result.stderr
        found = [json.loads(line) for line in result.stdout.splitlines()]
        return [(one["cause"], one["detail"].get("prefix"), one["suspected"]) for one in found]


@pytest.fixture(scope="module")
def recorded(repository: Path) -> tuple[Path, Folder]:
    """The scenario's folder, and as much of it as is stored here."""
    folder = repository / "tests" / "scenarios" / "kakao-2022-02-03"
    read = read_folder(folder, lambda path, line, message: None)
    facts = [fact for fact in (*read.table, *read.facts) if known_at(fact) < UNTIL]
    observations = [fact for fact in facts if isinstance(fact, Observation) and fact.vantage in VANTAGES]
    routes = [fact for fact in facts if isinstance(fact, RouteFact)]
    return folder, assembled(read.config, read.knowledge, observations, routes)


@pytest.fixture(scope="module")
def expected(recorded: tuple[Path, Folder]) -> list[Brief]:
    """What the engine makes of measurements and routes together."""
    return [
        (one.cause.value, one.detail.prefix if one.detail else None, one.suspected)
        for one in replay(recorded[1])
        if "qr-checkin" in (one.target, *one.members)
    ]


@pytest.fixture
def setting(tmp_path: Path, recorded: tuple[Path, Folder]) -> Iterator[Setting]:
    """A history of the scenario's observations, and a server of its routes on loopback."""
    folder, cut = recorded
    facts = [*cut.table, *cut.facts]
    for name in ("config.toml", "prefix_to_as.txt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with (tmp_path / "config.toml").open("a", encoding="utf-8") as file:
        file.write('\n[prefix_to_as]\npath = "prefix_to_as.txt"\n[history]\npath = "history.db"\n')
    with Store.open(tmp_path / "history.db") as store:
        store.add_observations([fact for fact in facts if isinstance(fact, Observation)])
    collector = Collector([fact for fact in facts if isinstance(fact, RouteEvent)])
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """One data call."""
            parts = urlsplit(self.path)
            call, parameters = parts.path.split("/")[2], dict(parse_qsl(parts.query))
            asked.append(f"{call} {parameters['resource']}")
            body = json.dumps({"status": "ok", "data": collector.answer(call, parameters)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Setting(tmp_path, f"http://127.0.0.1:{server.server_port}", asked)
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetched_routes_make_the_verdict_that_replay_gives(setting: Setting, expected: list[Brief]) -> None:
    """The measurements are stored, the routes are RIPEstat's; asking again asks only what has no past."""
    first = setting.causes()
    calls = list(setting.asked)
    again = setting.causes()

    assert "route.hijack" in {cause for cause, _, _ in expected}
    assert first == again == expected
    assert {
        "routing-history 211.249.216.0/21", "bgp-state 211.249.216.0/21", "bgp-updates 211.249.221.0/24",
    } <= set(calls)  # fmt: skip
    assert {call.split()[0] for call in setting.asked[len(calls) :]} == {"rpki-validation"}


def test_without_routes_a_hijack_is_not_stated(setting: Setting) -> None:
    """`--routes none` asks nobody, and concludes from measurements alone."""
    causes = setting.causes("--routes", "none")

    assert setting.asked == []
    assert causes
    assert all(suspected for cause, _, suspected in causes if cause == "route.hijack")


def test_what_is_kept_needs_no_fetching_next_time(setting: Setting) -> None:
    """Only `--keep` writes; then the history has the routes, and gives the same verdict."""

    def stored() -> int:
        with Reader.open(setting.folder / "history.db") as reader:
            return sum(1 for _ in reader.routes(0.0, 2e9))

    untouched = stored()
    first = setting.causes("--keep")
    kept, asked = stored(), len(setting.asked)

    assert (untouched, kept > 10) == (0, True)
    assert setting.causes() == first
    assert len(setting.asked) == asked


def test_offline_answers_are_those_that_were_kept(setting: Setting) -> None:
    """The folder of kept answers is all that a machine without the Internet needs."""
    online = setting.causes()
    asked = len(setting.asked)

    assert setting.causes("--offline", str(setting.folder / "ripestat")) == online
    assert len(setting.asked) == asked


def test_routes_come_from_files_too(
    setting: Setting, recorded: tuple[Path, Folder], expected: list[Brief]
) -> None:
    """RIS Live lines here; several files may be named."""
    assert setting.causes("--routes", str(recorded[0] / "routes.jsonl")) == expected
    assert setting.asked == []


@pytest.mark.slow
def test_a_folder_stands_in_for_the_history(setting: Setting, recorded: tuple[Path, Folder]) -> None:
    """Its routes are used; the window is the whole of it when none is given."""
    result = CliRunner().invoke(main, ["investigate", *TARGET, "--folder", str(recorded[0]), "--json"])

    assert result.exit_code == 0, result.output
    assert "route.hijack" in {json.loads(line)["cause"] for line in result.stdout.splitlines()}
    assert setting.asked == []


def test_a_person_reads_the_report_its_terms_and_the_background(setting: Setting) -> None:
    """What was fetched goes to standard error, so that the report can be piped."""
    result = setting.run("--explain")

    assert result.exit_code == 0, result.stderr
    assert "AS9457" in result.stdout
    assert "ORIGINS OVER THE LAST 30 DAYS" in result.stdout
    assert "RPKI TODAY" in result.stdout
    assert "RIPEstat bgp-updates 211.249.221.0/24: " in result.stderr
    assert "fetched: " in result.stderr
    assert "Sums of log-likelihoods, term by term" in result.stdout


def test_a_ripestat_that_is_ill_is_told_and_the_rest_goes_on(setting: Setting) -> None:
    """Nobody listens there: the verdict is made of measurements, and each question without answer is named."""
    result = CliRunner().invoke(
        main,
        ["investigate", *TARGET, *WINDOW, "--config", str(setting.folder / "config.toml"), "--json",
         "--offline", str(setting.folder)],
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    assert "not had: routing-history of" in result.stderr
    assert all(json.loads(line)["cause"] for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--target", "x", "--from", "3h"), "no target 'x'"),
        ((*TARGET,), "--from is missing"),
        ((*TARGET, "--from", "1h", "--to", "2h"), "--from must be before --to"),
        ((*TARGET, "--from", "3h", "--routes", "none", "--routes", "ripestat"), "none goes with no other"),
        ((*TARGET, "--from", "3h", "--routes", "no-such-file"), "neither ripestat nor none nor a file"),
        ((*TARGET, "--from", "3h", "--prefix", "203.0.113.1/24"), "is no prefix"),
        ((*TARGET, "--from", "2022-02-03T01:30"), "no time zone"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(setting: Setting, arguments: tuple[str, ...], says: str) -> None:
    """Exit 2, one line, nothing fetched."""
    result = CliRunner().invoke(
        main,
        ["investigate", *arguments, "--config", str(setting.folder / "config.toml"), "--ripestat", setting.url],
    )

    assert result.exit_code == 2
    assert says in result.stderr
    assert setting.asked == []


def test_ages_may_say_ago(setting: Setting) -> None:
    """As people write them; with nothing stored then, nothing is concluded."""
    result = setting.run("--from", "2h ago", "--to", "1h ago", "--routes", "none")

    assert (result.exit_code, result.stdout) == (0, "no incident\n")
