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


def test_several_folders_are_several_stories_in_the_order_asked(repository: Path) -> None:
    """Each as when it is replayed alone, though in a process of its own; which one it is stands before it."""
    scenarios = repository / "tests" / "scenarios"
    folders = [str(scenarios / name) for name in ("kakao-2022-02-03", "coov-2021-12-13")]
    lines, told = [], []
    for folder in folders:
        lines.append(CliRunner().invoke(main, ["replay", "--json", folder]).stdout)
        told.append(f"{folder}:\n{CliRunner().invoke(main, ['replay', folder]).stdout}")

    together = CliRunner().invoke(main, ["replay", "--json", "--processes", "2", *folders])
    assert (together.exit_code, together.stdout) == (0, "".join(lines))
    assert together.stderr == "".join(f"{folder}:\n" for folder in folders)
    assert CliRunner().invoke(main, ["replay", "--processes", "1", *folders]).stdout == "".join(told)


def test_a_folder_among_several_that_cannot_be_read_ends_all(repository: Path, tmp_path: Path) -> None:
    """It is named; what came before it is shown."""
    good = repository / "tests" / "scenarios" / "coov-2021-12-13"
    result = CliRunner().invoke(main, ["replay", "--json", "--processes", "1", str(good), str(tmp_path)])

    assert result.exit_code == 2
    assert result.stdout == CliRunner().invoke(main, ["replay", "--json", str(good)]).stdout
    assert str(tmp_path / "config.toml") in result.stderr
