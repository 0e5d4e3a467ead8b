"""`whydown probe`: the probes' own commands, shown to a person; no configuration is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from probes.observation import HttpObservation, TraceObservation, decode

Whydown = Callable[..., Result]


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Whydown:
    """Call it in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["probe", *arguments])
        assert result.exit_code == code, result.output
        return result

    return call


def test_http_is_drawn(probe: Whydown, service) -> None:
    """Phases, and each expectation that the options name."""
    shown = probe("http", service.url, "--expect-body", "ok", "--max-wait", "5").stdout

    assert f"{service.url} at 127.0.0.1" in shown
    assert "status 200" in shown
    assert "█" in shown
    assert [line.split("expected")[1].strip() for line in shown.splitlines() if "expected " in line] == [
        "✓ status 200", "✓ body_contains ok", "✓ max_wait 5.0",
    ]  # fmt: skip


def test_a_missed_expectation_is_a_result(probe: Whydown, service) -> None:
    """Exit 0, as with `--json`: the measurement succeeded."""
    assert "✗ body_contains gone" in probe("http", service.url, "--expect-body", "gone").stdout


def test_json_is_the_observation(probe: Whydown, service) -> None:
    """One a line, and nothing else."""
    (line,) = probe("http", service.url, "--json").stdout.splitlines()
    (trace,) = probe("trace", "127.0.0.1", "--port", "9", "--json").stdout.splitlines()
    seen = decode(line)

    assert isinstance(seen, HttpObservation)
    assert (seen.target, seen.status) == (service.url, 200)
    assert isinstance(decode(trace), TraceObservation)


def test_trace_is_three_rounds_with_networks(probe: Whydown, tmp_path: Path) -> None:
    """Or as many as asked for; a bad line of the table is told."""
    table = tmp_path / "prefix_to_as.txt"
    table.write_text("127.0.0.0/8\t64500\nnonsense\n")
    told = probe("trace", "127.0.0.1", "--port", "9", "--prefix-to-as", str(table))
    twice = probe("trace", "127.0.0.1", "--port", "9", "--count", "2").stdout

    assert "reached in 3 of 3 rounds" in told.stdout
    assert "AS64500" in told.stdout
    assert "1 bad lines left out" in told.stderr
    assert "reached in 2 of 2 rounds" in twice


def test_dns_failures_are_shown_in_the_table(probe: Whydown) -> None:
    """Nobody listens on the discard port."""
    shown = probe("dns", "checkin.example", "--server", "127.0.0.1:9").stdout

    assert "checkin.example A" in shown
    assert "dns_unreachable" in shown


def test_what_could_not_be_measured_is_shown_and_status_3(probe: Whydown, tmp_path: Path) -> None:
    """This machine's trouble, with its reason."""
    shown = probe("http", "https://127.0.0.1:9/", "--ca-file", str(tmp_path / "none.pem"), code=3).stdout

    assert "monitor_fault" in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("http", "ftp://host/"), "http:// or https://"),
        (("trace", "127.0.0.1", "--count", "0"), "--count"),
        (("trace", "127.0.0.1", "--prefix-to-as", "none.txt"), "none.txt"),
        (("dns",), "Missing argument"),
    ],
)
def test_bad_usage_is_status_2(probe: Whydown, words: tuple[str, ...], says: str) -> None:
    """Said before anything is measured."""
    assert says in probe(*words, code=2).output


def test_options_of_the_probes_are_kept(probe: Whydown) -> None:
    """Beside those that only a person needs."""
    from probes.__main__ import main as probes

    for name, theirs in probes.commands.items():
        shown = probe(name, "--help").stdout
        assert "--json" in shown
        for parameter in theirs.params:
            if isinstance(parameter, click.Option):
                assert max(parameter.opts, key=len) in shown
