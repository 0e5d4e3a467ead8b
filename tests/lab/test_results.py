"""The table of results: right, wrong, broken and unplayed scenarios, and of which commit they are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lab import kept, results, results_table, scenario
from lab.judge import Answer
from lab.kept import Kept
from lab.outcome import Outcome

MACHINE = "2 processors"


def _answer(cause_s: float | None, *, right: bool = True) -> Answer:
    return Answer(
        expected="server.overload", given="check-in: server.overload" if right else "check-in: server.down | so",
        right_cause=right, right_vantages=right, expected_vantages=("a",), given_vantages=("a",),
        cause_s=cause_s, mail_s=None if cause_s is None else cause_s + 0.5,
    )  # fmt: skip


def _kept(name: str, *answers: Answer, commit: str = "abc", pace: str = "steady", broke: str = "") -> Kept:
    outcome = Outcome(scenario=scenario.read(name), answers=answers, false_alarms=(), closed_s=9.0)
    return Kept(
        name=name, pace=pace, commit=commit, at=1_700_000_000.0, load=1.0,
        outcome=None if broke else outcome, broke=broke,
    )  # fmt: skip


def _text(*played: Kept, names: tuple[str, ...], plain: tuple[Kept, ...] = ()) -> str:
    boosted = {one.name: one for one in played}
    return "\n".join(results_table.lines(names, boosted, names, {one.name: one for one in plain}, machine=MACHINE))


def test_each_scenario_has_a_row_however_it_went() -> None:
    """Right, wrong with what was said, broken with why, and not played; only the right ones count."""
    text = _text(
        _kept("overload", _answer(7.0)), _kept("crash", _answer(None, right=False)),
        _kept("moved", broke="no | TUN"),
        names=("overload", "crash", "moved", "baseline"),
    )  # fmt: skip

    assert "**1 of 4 right, 1 not played.**" in text
    assert "| overload | server.overload | right | right | 7.0 | 7.5 |" in text
    assert "| crash | server.overload | check-in: server.down / so | a |  |  |" in text
    assert "| moved | | the laboratory broke: no / TUN | | | |" in text
    assert "| baseline | | not played | | | |" in text


def test_outcomes_of_two_commits_are_not_passed_off_as_one() -> None:
    """The table names both; of one commit it says so."""
    one, other = _kept("overload", _answer(7.0)), _kept("crash", _answer(8.0), commit="def and changes")

    assert "**not all at one commit** (1 at abc, 1 at def and changes)" in _text(
        one, other, names=("overload", "crash")
    )
    assert "all at commit abc" in _text(one, names=("overload",))


def test_boost_is_compared_where_both_were_named() -> None:
    """A scenario that was named once only is shown and does not count."""
    text = _text(
        _kept("overload", _answer(7.0)), _kept("crash", _answer(8.0)), _kept("moved", _answer(5.0)),
        names=("overload", "crash", "moved"),
        plain=(
            _kept("overload", _answer(17.0)), _kept("crash", _answer(6.0)),
            _kept("moved", _answer(None, right=False)),
        ),
    )  # fmt: skip

    assert "| moved | server.overload | 5.0 | - |" in text
    assert "1 of 2 were sooner with the boost: median 7.5 s instead of 11.5 s" in text


def _measure(folder: Path, *options: str) -> tuple[Result, str]:
    """The command with no time to play anything; its end and its table."""
    into = folder / "table.md"
    words = ["baseline", "--keep", str(folder), "--into", str(into), "--minutes", "0", *options]
    done = CliRunner().invoke(results.main, words)
    return done, into.read_text(encoding="utf-8")


def test_what_was_played_at_this_commit_is_not_played_again(tmp_path: Path) -> None:
    """The table is written from what is kept."""
    kept.write(tmp_path, _kept("baseline", commit=kept.commit(Path(__file__).parent)))
    done, text = _measure(tmp_path)

    assert "1 of 1 plays are kept" in done.output
    assert done.exit_code == 0
    assert "| baseline | nothing | right | | | |" in text


@pytest.mark.parametrize(
    ("options", "row", "exit_code"),
    [((), "| baseline | | not played | | | |", 1), (("--older",), "| baseline | nothing | right | | | |", 0)],
)
def test_what_was_played_at_another_commit_counts_when_asked_for(
    tmp_path: Path, options: tuple[str, ...], row: str, exit_code: int
) -> None:
    """And the table names that commit."""
    kept.write(tmp_path, _kept("baseline", commit="abc"))
    done, text = _measure(tmp_path, *options)

    assert row in text
    assert done.exit_code == exit_code
    assert ("commit abc" in text) == bool(options)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """Each play as it was written; what is torn, or of another form, is played again."""
    right, broken = _kept("overload", _answer(7.0)), _kept("crash", pace="unboosted", broke="no TUN")
    kept.write(tmp_path, right)
    kept.write(tmp_path, broken)
    (tmp_path / "steady-moved.json").write_bytes(b'{"name":"moved"')
    (tmp_path / "steady-other.json").write_bytes(b'{"scenario":{}}')

    assert kept.read(tmp_path) == {("steady", "overload"): right, ("unboosted", "crash"): broken}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small repository with two committed files."""
    for name in ("code", "RESULTS.md"):
        (tmp_path / name).write_text("1", encoding="ascii")
    author = ("-c", "user.name=n", "-c", "user.email=e")
    for words in (("init", "-q"), ("add", "."), (*author, "commit", "-qm", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    return tmp_path


def test_commit_tells_of_changes_but_those_of_the_table(repository: Path) -> None:
    """Code that is not committed is not the commit's; the table that is written is no such change."""
    clean = kept.commit(repository)
    (repository / "RESULTS.md").write_text("2", encoding="ascii")
    with_table = kept.commit(repository, but=repository / "RESULTS.md")
    (repository / "code").write_text("2", encoding="ascii")

    assert len(clean) == 12
    assert with_table == clean
    assert kept.commit(repository, but=repository / "RESULTS.md") == f"{clean} and changes"


def test_commit_is_unknown_without_a_repository(tmp_path: Path) -> None:
    """A released archive has none."""
    assert kept.commit(tmp_path / "nowhere") == "unknown"
