"""The verbs history, incidents, export and import, as a person calls them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from monitor.bgp import ris_live
from monitor.cli import main
from monitor.commands.moment import parse_moment
from monitor.history import Reader, Store
from monitor.model import (
    AsPath,
    Cause,
    ChangeKind,
    Detail,
    FeedState,
    Incident,
    IncidentChange,
    PeerState,
    RouteEvent,
    RouteFact,
    RouteKind,
    parse_prefix,
)
from monitor.model.asn import Asn
from probes.observation import (
    DnsObservation,
    Failure,
    Hop,
    HttpObservation,
    NotMeasured,
    Observation,
    TraceObservation,
    encode,
)

NOW = 1_643_855_431.25
WINDOW = ("--since", "2022-02-03T00:00Z", "--until", "2022-02-04T00:00Z")

FACTS: tuple[Observation, ...] = (
    HttpObservation(at=NOW, vantage="seoul-1", target="qr", address="203.0.113.9", total_s=0.5, wait_s=0.25,
                    spki_sha256="aa", certificate_sha256="bb"),
    HttpObservation(at=NOW + 30, vantage="seoul-1", target="qr", address="203.0.113.9", total_s=0.75,
                    wait_s=0.5, status=500, failure=Failure.STATUS_UNEXPECTED, spki_sha256="cc",
                    certificate_sha256="dd"),
    DnsObservation(at=NOW + 40, vantage="seoul-1", target="qr", server="s", name="n", rcode="NOERROR",
                   answers=("a",)),
    DnsObservation(at=NOW + 50, vantage="seoul-1", target="qr", server="s", name="n", rcode="NXDOMAIN"),
    TraceObservation(at=NOW + 60, vantage="seoul-1", target="qr", hops=(Hop(ttl=1, address="198.51.100.1"),)),
    TraceObservation(at=NOW + 70, vantage="seoul-1", target="qr", hops=(Hop(ttl=1, address="198.51.100.2"),)),
    NotMeasured(at=NOW + 80, vantage="tokyo-1", target="qr", probe="http", reason="missed"),
)  # fmt: skip
_PEER = {"peer": "192.0.2.1", "peer_asn": Asn(3356), "collector": "rrc00"}
ROUTES: tuple[RouteFact, ...] = (
    RouteEvent(at=NOW, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix("203.0.113.0/24"),
               path=AsPath((Asn(6461), frozenset({Asn(9457), Asn(9458)}))), next_hop="192.0.2.1", **_PEER),
    RouteEvent(at=NOW + 1, kind=RouteKind.WITHDRAWAL, prefix=parse_prefix("2001:db8::/32"), **_PEER),
    PeerState(at=NOW + 2, up=False, **_PEER),
)  # fmt: skip
INCIDENT = Incident(
    id="qr-1643855431", target="qr", cause=Cause.ROUTE_HIJACK, detail=Detail(prefix="203.0.113.0/24", origin=9457),
    confidence=0.98, suspected=False, opened_at=NOW, named_at=NOW, closed_at=None, affected=("seoul-1",),
    vantages=2, evidence=(), runner_up=None, missing=None, updated_at=NOW,
)  # fmt: skip

Whydown = Callable[..., Result]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A history with one of everything."""
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        store.add_observations(FACTS)
        store.add_routes(ROUTES)
        store.save_changes(
            [IncidentChange(kind=ChangeKind.OPENED, at=NOW, sequence=1, incident=INCIDENT)], []
        )  # fmt: skip
    return path


@pytest.fixture
def whydown(database: Path) -> Whydown:
    """Call a verb on that history."""

    def call(*arguments: str, code: int = 0, on: Path = database, text: bytes | None = None) -> Result:
        result = CliRunner().invoke(main, [*arguments, "--database", str(on)], input=text)
        assert result.exit_code == code, result.output
        return result

    return call


def test_the_overview_shows_every_section(whydown: Whydown) -> None:
    """One look answers what was slow, what failed, what changed, what was heard and what was concluded."""
    shown = whydown("history", *WINDOW).stdout

    for expected in (
        "All targets, 2022-02-03 00:00:00 to 2022-02-04 00:00:00 UTC",
        "wait", "251", "status_unexpected", "1 of 2", "missed", "198.51.100.1", "198.51.100.2", "NXDOMAIN",
        "other key", "203.0.113.0/24", "AS9457, AS9458", "route.hijack", "2022-02-03 02:30:31",
    ):  # fmt: skip
        assert expected in shown


def test_a_section_alone_in_another_time_zone(whydown: Whydown) -> None:
    """Only what was asked for, at the reader's own clock."""
    shown = whydown("history", "qr", "--failures", "--timezone", "Asia/Seoul", *WINDOW).stdout

    assert "2022-02-03 11:31:02" in shown
    assert "KST" in shown
    assert "Latency" not in shown


def test_buckets_are_rows_over_time(whydown: Whydown) -> None:
    """A bucket of half a minute parts the two requests."""
    shown = whydown(
        "history", "--percentiles", "--bucket", "30s", "--since", "2022-02-03T02:30:30Z", "--until",
        "2022-02-03T02:33:00Z",
    ).stdout  # fmt: skip
    assert "Latency over time" in shown
    assert "2022-02-03 02:30:30" in shown
    assert "2022-02-03 02:31:00" in shown


def test_history_as_json_is_one_object_a_line(whydown: Whydown) -> None:
    """Each names its view; an incident is the incident's own object."""
    lines = [json.loads(line) for line in whydown("history", "--json", *WINDOW).stdout.splitlines()]

    assert {line.get("view", "incident") for line in lines} == {
        "latency", "failures", "not_measured", "path", "dns", "certificate", "routes", "incident",
    }  # fmt: skip
    (wait,) = [line for line in lines if line.get("phase") == "wait"]
    assert (wait["count"], wait["p50_s"], wait["vantage"]) == (2, pytest.approx(0.25, rel=0.02), "seoul-1")


def test_no_data_is_said_plainly(whydown: Whydown) -> None:
    """An empty table would leave a doubt whether anything was asked."""
    shown = whydown("history", "--since", "2020-01-01T00:00Z", "--until", "2020-01-02T00:00Z").stdout
    assert "Nothing in this window: HTTP measurements, failures, path changes" in shown
    assert "No incidents 2020-01-01" in whydown(
        "incidents", "--since", "2020-01-01T00:00Z", "--until", "2020-01-02T00:00Z"
    ).stdout  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("history", "qrr"), 1, "no target 'qrr' in this history. Did you mean 'qr'?"),
        (
            ("history", "--vantage", "mars"),
            1,
            "no vantage 'mars' in this history. There are: 'seoul-1'",
        ),
        (("history", "--since", "yesterday"), 2, "'yesterday' is neither an age"),
        (("history", "--since", "2022-02-03T00:00"), 2, "has no time zone; add Z for UTC"),
        (("history", "--since", "1h", "--until", "2h"), 2, "--since must be before --until"),
        (("history", "--by", "colour"), 2, "'colour'"),
        (("history", "--timezone", "Mars/Olympus"), 2, "no time zone 'Mars/Olympus'"),
        (("history", "--bucket", "1s", "--since", "7d"), 2, "more than 2000 points"),
        (("history", "--bucket", "0s"), 2, "longer than nothing"),
        (("export", "--routes", "--kind", "http"), 2, "--routes takes no TARGET"),
    ],
)
def test_a_wrong_question_gets_an_answer_that_helps(
    whydown: Whydown, arguments: tuple[str, ...], code: int, says: str
) -> None:
    """What was wrong, and what is right."""
    assert says in whydown(*arguments, code=code).output


def test_a_missing_history_and_a_missing_config_are_named(whydown: Whydown, tmp_path: Path) -> None:
    """Neither makes a file."""
    assert "no such file" in whydown("history", code=1, on=tmp_path / "none.db").output
    result = CliRunner().invoke(main, ["history", "--config", str(tmp_path / "none.toml")])
    assert (result.exit_code, "no --database was given" in result.output) == (2, True)
    assert not (tmp_path / "none.db").exists()


def test_the_configuration_names_the_history(database: Path, tmp_path: Path) -> None:
    """Relative to the file's own folder, as everywhere in it."""
    config = tmp_path / "config.toml"
    config.write_text(
        '[vantage]\nname = "seoul-1"\n[history]\npath = "history.db"\n'
        '[[target]]\nname = "qr"\nurl = "https://checkin.example/"\n'
    )
    result = CliRunner().invoke(
        main, ["incidents", "--config", str(config), "--since", "2022-02-01T00:00Z", "--json"]
    )

    assert msgspec.json.decode(result.stdout, type=Incident) == INCIDENT


def test_incidents_lists_open_ones_of_a_target(whydown: Whydown) -> None:
    """By target and state; as JSON the incident comes back equal."""
    shown = whydown("incidents", *WINDOW).stdout
    assert "qr-1643855431" in shown
    assert ", open" in shown
    assert whydown("incidents", "other", "--json", *WINDOW).stdout == ""
    (line,) = whydown("incidents", "qr", "--open", "--json", *WINDOW).stdout.splitlines()
    assert msgspec.json.decode(line, type=Incident) == INCIDENT


def test_what_strangers_wrote_cannot_drive_the_terminal(whydown: Whydown, tmp_path: Path) -> None:
    """Control characters become visible, markup stays text, a giant answer is cut."""
    hostile = "[red]\x1b]0;owned\x07\x1b[2J\u202egnp.exe\n[/]" + "x" * 5000
    path = tmp_path / "hostile.db"
    with Store.open(path) as store:
        store.add_observations([
            HttpObservation(at=NOW, vantage=hostile, target=hostile, total_s=0.1, spki_sha256="a", issuer=hostile),
            HttpObservation(at=NOW + 1, vantage=hostile, target=hostile, total_s=0.1, spki_sha256="b",
                            issuer="CN=x", failure=Failure.READ_TIMEOUT),
            DnsObservation(at=NOW, vantage=hostile, target=hostile, server="s", name=hostile, rcode="NOERROR"),
            DnsObservation(at=NOW + 1, vantage=hostile, target=hostile, server="s", name=hostile, rcode=hostile,
                           answers=(hostile,)),
            TraceObservation(at=NOW, vantage=hostile, target=hostile, hops=(Hop(ttl=1, address=hostile),)),
            TraceObservation(at=NOW + 1, vantage=hostile, target=hostile, hops=(Hop(ttl=1, address="[blink]"),)),
            NotMeasured(at=NOW, vantage=hostile, target=hostile, probe=hostile, reason=hostile),
        ])  # fmt: skip
        nasty = msgspec.structs.replace(INCIDENT, id=hostile, target=hostile, affected=(hostile,))
        store.save_changes([IncidentChange(kind=ChangeKind.OPENED, at=NOW, sequence=1, incident=nasty)], [])
    for verb in ("history", "incidents"):
        shown = whydown(verb, *WINDOW, on=path).stdout
        assert not set(shown) & {"\x1b", "\x07", "\u202e", "\x00"}
        assert "[red]" in shown
        assert "\\x1b" in shown
        assert len(shown) < 60_000


def test_export_then_import_gives_the_same_history(whydown: Whydown, tmp_path: Path) -> None:
    """Observations and routes pass through their line formats unchanged."""
    lines = whydown("export", *WINDOW).stdout_bytes
    routes = whydown("export", "--routes", *WINDOW).stdout_bytes
    copy = tmp_path / "copy.db"
    told = whydown("import", "-", on=copy, text=lines + routes).stderr

    assert "10 facts kept, 0 bad lines left out" in told
    with Reader.open(copy) as reader:
        assert tuple(reader.observations(0, NOW * 2)) == FACTS
        assert tuple(reader.routes(0, NOW * 2)) == ROUTES


def test_export_takes_kind_vantage_and_target(whydown: Whydown) -> None:
    """One line a fact, in the contract's form."""
    assert whydown("export", "--kind", "not_measured", *WINDOW).stdout_bytes == encode(FACTS[-1]) + b"\n"
    assert whydown("export", "--vantage", "tokyo-1", *WINDOW).stdout_bytes == encode(FACTS[-1]) + b"\n"
    assert whydown("export", "nobody", *WINDOW).stdout_bytes == b""


def test_export_says_what_ris_live_has_no_word_for(whydown: Whydown, tmp_path: Path) -> None:
    """A table's entry is an announcement with an added field; a feed's state is left out, and that is said."""
    path = tmp_path / "feeds.db"
    with Store.open(path) as store:
        entry = RouteEvent(
            at=NOW, kind=RouteKind.RIB, prefix=parse_prefix("10.0.0.0/8"), path=AsPath((Asn(1),)), **_PEER
        )
        store.add_routes([FeedState(at=NOW, source="ris", live=False), entry])
    result = whydown("export", "--routes", *WINDOW, on=path)

    (line,) = result.stdout.splitlines()
    assert json.loads(line)["rib"] is True
    assert ris_live.decode(line) == (entry,)
    assert "left out, for which RIS Live has no message: 1" in result.stderr


def test_bad_lines_are_named_and_the_rest_is_kept(whydown: Whydown, tmp_path: Path) -> None:
    """Broken JSON, unknown kinds, times that cannot be kept, a line without end: each by file and line; exit 1."""
    good = encode(FACTS[0])
    lines = [
        good, b"", b"{broken", b'{"kind":"http","at":"soon","vantage":"v","target":"t"}', b'{"kind":"ping"}',
        b'{"kind":"http","at":1e300,"vantage":"v","target":"t"}', b"\xff\xfe", b"[" * 100_000, b"x" * 1_100_000,
        b'{"type":"UPDATE","timestamp":1,"peer":"no address","peer_asn":"1","host":"rrc00","path":[1],'
        b'"announcements":[{"next_hop":"192.0.2.1","prefixes":["10.0.0.0/8"]}]}',
        b'{"kind":"http","at":5,"vantage":"v","target":"t","added_later":1}',
    ]  # fmt: skip
    file = tmp_path / "facts.jsonl"
    file.write_bytes(b"\n".join(lines))
    copy = tmp_path / "copy.db"
    told = whydown("import", str(file), code=1, on=copy).stderr

    bad = sorted(int(line.split(":")[1]) for line in told.splitlines() if line.startswith(str(file)))
    assert bad == [3, 4, 5, 6, 7, 8, 9, 10]
    assert "2 facts kept, 8 bad lines left out" in told
    with Reader.open(copy) as reader:
        kept = list(reader.observations(0, NOW * 2))
    assert kept == [HttpObservation(at=5.0, vantage="v", target="t"), FACTS[0]]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("now", 1000.0), ("30m", -800.0), (" 1.5h ", -4400.0), ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T09:00:10+09:00", 10.0), ("1970-01-01 00:00:10.5+00:00", 10.5),
    ],
)  # fmt: skip
def test_moments_are_ages_or_iso_times(text: str, seconds: float) -> None:
    """Ages count back from now."""
    assert parse_moment(text, 1000.0) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1w", "2022-02-30T00:00Z", "2022-02-03", "١h"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """Near-misses of both forms; a date alone has no zone."""
    with pytest.raises(ValueError, match=r"neither an age|no time zone"):
        parse_moment(text, 1000.0)
