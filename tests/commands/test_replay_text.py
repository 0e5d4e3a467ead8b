"""`whydown replay` for a person: the report of each incident, and a command that really shows more."""

from __future__ import annotations

import shlex
from pathlib import Path

from click.testing import CliRunner

from monitor.cli import main


def test_the_command_that_a_replayed_report_names_prints_the_terms(repository: Path) -> None:
    """No history holds the incident, so the report must not send the reader to `whydown explain`."""
    folder = repository / "tests" / "scenarios" / "kakao-2022-02-03"
    report = CliRunner().invoke(main, ["replay", str(folder)]).output
    (line,) = (line for line in report.splitlines() if line.startswith("All terms: "))
    program, *arguments = shlex.split(line.removeprefix("All terms: "))
    explained = CliRunner().invoke(main, arguments)

    assert (program, explained.exit_code) == ("whydown", 0)
    assert "Sums of log-likelihoods, term by term" in explained.output
