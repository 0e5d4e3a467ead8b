"""A run plays what it was asked for, and one that ended goes on where it was."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from playing import Job, Ledger, LedgerError, Played, plays
from run import command_of, jobs_of, parser

from monitor.diagnose.rules import RULES_VERSION
from monitor.evaluate import FULL


def asked(text: str) -> list[tuple[str, int]]:
    """Kind and seed of the jobs of a command line."""
    return [(job.kind, job.seed) for job in jobs_of(parser().parse_args(text.split()))]


def test_a_kind_is_played_as_often_as_it_or_its_family_says() -> None:
    """The kind's own number wins, then its family's, then that of all; all come to their last together."""
    jobs = asked("--seed 7 --count 1 --kinds quiet overload-pool names-gone --count-of overload=2 names-gone=0")

    assert jobs == [("overload-pool", 7), ("quiet", 7), ("overload-pool", 8)]


def test_a_command_tells_how_to_play_the_same_again() -> None:
    """What is written over the tables, read as a command line, asks for the same plays."""
    words = "--seed 3 --count 2 --count-of hijack=5 quiet=1 --held-out --plain"

    assert command_of(parser().parse_args(words.split())) == words


def test_a_count_of_nothing_known_is_refused() -> None:
    """A misspelt family would silently be played too seldom."""
    with pytest.raises(SystemExit):
        asked("--count-of overloads=2")


def test_a_run_goes_on_where_a_sudden_end_left_it(tmp_path: Path) -> None:
    """A line that was cut off is played again; all others are taken as they are, whatever they say."""
    path, jobs = tmp_path / "results.jsonl", [Job("quiet", 1), Job("quiet", 2)]
    first = Ledger(path)
    for one in plays(jobs, processes=2):
        first.add(one)
    path.write_bytes(path.read_bytes()[:-5])

    again = Ledger(path)
    (left,) = again.left(jobs)
    (played,) = plays([left], processes=1)
    again.add(played)

    assert Ledger(path).played == first.played
    assert again.left(jobs) == []
    assert again.left([Job("quiet", 1, variants=True)]) == [Job("quiet", 1, variants=True)]


def test_results_by_other_rules_are_not_gone_on_with(tmp_path: Path) -> None:
    """Figures of two versions of the rules must not be added up."""
    path = tmp_path / "results.jsonl"
    old = Played(kind="quiet", seed=1, rules=f"before {RULES_VERSION}", pairs={FULL: []})
    path.write_bytes(msgspec.json.encode(old) + b"\n")

    with pytest.raises(LedgerError, match=":1: by rules before "):
        Ledger(path)


def test_a_file_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    """The error names the line."""
    path = tmp_path / "results.jsonl"
    path.write_bytes(b'{"kind": "quiet"}\n')

    with pytest.raises(LedgerError, match=":1: "):
        Ledger(path)
