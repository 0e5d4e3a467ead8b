"""`whydown import atlas` and `export --format atlas`, as a person calls them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.history import Reader, Store
from probes.observation import (
    DnsObservation,
    Hop,
    HopReply,
    HttpObservation,
    NotMeasured,
    Observation,
    TraceObservation,
)

AT = 1643855431.25
WINDOW = ("--since", "2022-02-03T00:00Z", "--until", "2022-02-04T00:00Z")
TRACE = {
    "fw": 5080, "msm_id": 5017, "prb_id": 6042, "timestamp": 1700000000, "endtime": 1700000002, "af": 4,
    "type": "traceroute", "dst_name": "shop.example", "dst_addr": "203.0.113.9", "proto": "ICMP", "paris_id": 3,
    "result": [{"hop": 1, "result": [{"x": "*"}, {"from": "203.0.113.9", "rtt": 12.5, "ttl": 60, "size": 28}]}],
}  # fmt: skip
SEEN = TraceObservation(
    at=1700000000.0, vantage="atlas-6042", target="shop.example", address="203.0.113.9", method="icmp", flow=3,
    reached=True, elapsed_s=2.0,
    hops=(Hop(ttl=1, address="203.0.113.9", rtt_s=0.0125, reply=HopReply.ECHO_REPLY, reply_ttl=60),),
)  # fmt: skip

Whydown = Callable[..., Result]


@pytest.fixture
def whydown(tmp_path: Path) -> Whydown:
    """Call a verb on a history of the test's own."""

    def call(*arguments: str, code: int = 0, text: bytes | None = None) -> Result:
        words = [*arguments, "--database", str(tmp_path / "h.db"), "--config", str(tmp_path / "config.toml")]
        result = CliRunner().invoke(main, words, input=text)
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], list[Observation]]:
    """What that history holds."""

    def read() -> list[Observation]:
        with Reader.open(tmp_path / "h.db") as reader:
            return list(reader.observations(0, 2e9))

    return read


def test_results_as_lines_as_array_and_compressed_are_the_same(
    whydown: Whydown, stored: Callable[[], list[Observation]], tmp_path: Path
) -> None:
    """As the API sends them in its two formats; `-` is standard input."""
    lines, array = tmp_path / "results.jsonl", tmp_path / "results.json.gz"
    lines.write_text(json.dumps(TRACE) + "\n")
    array.write_bytes(gzip.compress(json.dumps([TRACE], indent=1).encode()))
    told = whydown("import", "atlas", str(lines), str(array), "-", text=json.dumps([TRACE]).encode()).stderr

    assert told == "3 facts kept, 0 bad lines left out\n"
    assert stored() == [SEEN] * 3


def test_the_target_is_named_by_the_configuration_or_the_option(
    whydown: Whydown, stored: Callable[[], list[Observation]], tmp_path: Path
) -> None:
    """By the host of its URL; --target stands above it."""
    (tmp_path / "config.toml").write_text(
        '[vantage]\nname = "here"\n[[target]]\nname = "shop"\nurl = "https://SHOP.example/health"\n'
    )
    line = json.dumps(TRACE).encode()
    whydown("import", "atlas", "-", text=line)
    whydown("import", "atlas", "-", "--target", "till", text=line)

    assert [one.target for one in stored()] == ["shop", "till"]


def test_the_question_of_time_outs_can_be_said(whydown: Whydown, stored: Callable[[], list[Observation]]) -> None:
    """Else their name is empty."""
    late = {**TRACE, "type": "dns", "proto": "UDP", "dst_addr": "9.9.9.9", "error": {"timeout": 5000}}
    del late["result"], late["dst_name"]
    whydown("import", "atlas", "-", "--question", "shop.example", "AAAA", text=json.dumps(late).encode())
    (seen,) = stored()

    assert isinstance(seen, DnsObservation)
    assert (seen.name, seen.rrtype, seen.target, seen.failure) == (
        "shop.example", "AAAA", "shop.example", "dns_timeout",
    )  # fmt: skip


def test_bad_results_are_named_by_line_and_the_rest_is_kept(
    whydown: Whydown, stored: Callable[[], list[Observation]], tmp_path: Path
) -> None:
    """Broken JSON, other kinds, impossible values, a giant, a torn file; exit 1."""
    good = json.dumps(TRACE)
    ping, torn = json.dumps(TRACE | {"type": "ping"}), good[:40]
    evil = json.dumps(TRACE | {"dst_addr": "\x1b[2J"})
    file = tmp_path / "bad.jsonl"
    file.write_text("\n".join([good, torn, ping, evil, "x" * 1_100_000, good]) + "\n")
    array = tmp_path / "bad.json.gz"
    array.write_bytes(gzip.compress(f"[{good},\n{ping},\n{good}]".encode())[:-9])
    told = whydown("import", "atlas", str(file), str(array), code=1).stderr

    places = [line.removeprefix(f"{tmp_path}/").split(": ")[0] for line in told.splitlines()[:-1]]
    assert places[:4] == ["bad.jsonl:2", "bad.jsonl:3", "bad.jsonl:4", "bad.jsonl:5"]
    assert "bad.json.gz:2" in places
    assert "ends early" in told
    assert "type 'ping', read are http, sslcert, dns, traceroute" in told
    assert "\x1b" not in told
    assert stored()[:2] == [SEEN] * 2


def test_files_alone_are_still_our_own_lines(whydown: Whydown) -> None:
    """`import FILE` needs no kind, and may name it."""
    line = b'{"kind":"http","at":5,"vantage":"v","target":"t"}'

    assert "1 facts kept" in whydown("import", "-", text=line).stderr
    assert "1 facts kept" in whydown("import", "facts", "-", text=line).stderr
    assert "does not exist" in whydown("import", "atlass", code=2).output


FACTS: tuple[Observation, ...] = (
    HttpObservation(at=AT, vantage="seoul-1", target="shop", address="203.0.113.9", family=4, status=200,
                    http_version="HTTP/2", dns_s=0.003, connect_s=0.021, tls_s=0.024, wait_s=0.045,
                    receive_s=0.002, total_s=0.095, body_bytes=512, certificate_sha256="cd" * 32),
    DnsObservation(at=AT + 1, vantage="seoul-1", target="shop", server="9.9.9.9", name="shop.example",
                   rcode="NOERROR", answers=("203.0.113.9",), ttl_s=60.0, elapsed_s=0.004),
    TraceObservation(at=AT + 2, vantage="seoul-1", target="shop", address="203.0.113.9", method="tcp", flow=1,
                     reached=True, elapsed_s=0.0,
                     hops=(Hop(ttl=1, address="203.0.113.9", rtt_s=0.02, reply=HopReply.SYN_ACK),)),
    NotMeasured(at=AT + 3, vantage="seoul-1", target="shop", probe="http", reason="missed"),
)  # fmt: skip


def test_exported_results_come_back_as_they_were(
    whydown: Whydown, stored: Callable[[], list[Observation]], tmp_path: Path
) -> None:
    """What RIPE Atlas has no result for is counted with the reason."""
    with Store.open(tmp_path / "h.db") as store:
        store.add_observations(FACTS)
    written = whydown("export", "--format", "atlas", *WINDOW)
    lines = [json.loads(line) for line in written.stdout.splitlines()]

    assert [line["type"] for line in lines] == ["http", "dns", "traceroute"]
    assert "no result: 1 (a round that did not take place" in written.stderr
    (tmp_path / "h.db").unlink()
    whydown("import", "atlas", "-", text=written.stdout_bytes)
    assert stored() == list(FACTS[:3])


def test_export_names_the_targets_url_where_the_configuration_knows_it(whydown: Whydown, tmp_path: Path) -> None:
    """Other tools see a URL and a host, not our name."""
    with Store.open(tmp_path / "h.db") as store:
        store.add_observations(FACTS)
    (tmp_path / "config.toml").write_text(
        '[vantage]\nname = "here"\n[[target]]\nname = "shop"\nurl = "https://shop.example/health"\n'
    )
    http, _, trace = map(json.loads, whydown("export", "--format", "atlas", *WINDOW).stdout.splitlines())

    assert (http["uri"], trace["dst_name"]) == ("https://shop.example/health", "shop.example")


def test_routes_have_no_atlas_form(whydown: Whydown, tmp_path: Path) -> None:
    """Said before anything is written."""
    with Store.open(tmp_path / "h.db"):
        pass
    assert "--routes takes no" in whydown("export", "--routes", "--format", "atlas", code=2).output
