"""`python -m lab.results`: plays scenarios with and without the boost and writes the table, RESULTS.md.

Each scenario has a laboratory of its own, so that none is answered from what another left behind. All are played
from one copy of the code, whatever happens to the checkout meanwhile. What has been played at this commit is kept,
and not played again: the command goes on where it was cut short.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import msgspec
from lab import kept, results_table, scenario
from lab.kept import Kept
from lab.outcome import Outcome

from probes import clock

FILE = scenario.FOLDER.parent / "RESULTS.md"
_REPOSITORY = FILE.parent.parent.parent
# The longest that a laboratory may take for its one scenario; an ordinary one takes two minutes.
_SECONDS_EACH = 300.0
# Those that show what the boost is worth: found by slowness, by failures, by BGP and packets together, by packets.
COMPARED = ("overload", "crash", "exact-hijack", "subprefix-blackhole", "vantage-fault", "congestion-queue")
_MOST_SAID = 300
_PACES = ("steady", "unboosted")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--into", type=click.Path(path_type=Path), default=FILE, show_default=True)
@click.option(
    "--keep", type=click.Path(path_type=Path), default=_REPOSITORY / "build" / "lab-results", show_default=True,
    help="Folder of outcomes, histories and logs; what it has of this commit is not played again.",
)  # fmt: skip
@click.option("--older", is_flag=True, help="Take also what is kept of other commits; the table says so.")
@click.option("--fresh", is_flag=True, help="Play also what is kept.")
@click.option("--lanes", type=click.IntRange(1, 16), default=3, show_default=True, help="Laboratories at a time.")
@click.option("--minutes", type=float, default=27.0, show_default=True, help="Begin no play after so long.")
def main(
    names: Sequence[str], into: Path, keep: Path, *, older: bool, fresh: bool, lanes: int, minutes: float
) -> None:
    """Measure scenarios NAMES, default all, and write the table; run it again to go on.

    Exit 0: all were played and are right. Exit 1: not.
    """
    keep = keep.resolve()
    keep.mkdir(parents=True, exist_ok=True)
    wanted = tuple(names) or scenario.names()
    compared = [name for name in COMPARED if name in wanted]
    plays = [(_PACES[0], name) for name in wanted] + [(_PACES[1], name) for name in compared]
    at_commit = kept.commit(_REPOSITORY, but=into)
    known = {} if fresh else kept.read(keep)
    done = {play: one for play, one in known.items() if one.outcome and (older or one.commit == at_commit)}
    missing = [play for play in plays if play not in done]
    click.echo(f"commit {at_commit}: {len(plays) - len(missing)} of {len(plays)} plays are kept in {keep}")
    if missing:
        done |= _played_now(missing, keep, at_commit, lanes, clock.monotonic() + 60 * minutes)
    boosted, plain = ({name: done[of, name] for name in wanted if (of, name) in done} for of in _PACES)
    machine = f"{os.cpu_count()} processors, Linux {platform.release()},"
    text = results_table.lines(wanted, boosted, compared, plain, machine=machine)
    into.write_text("\n".join(text) + "\n", encoding="utf-8")
    sys.exit(0 if all(name in boosted and boosted[name].right for name in wanted) else 1)


def _played_now(
    plays: Sequence[tuple[str, str]], keep: Path, at_commit: str, lanes: int, deadline: float
) -> dict[tuple[str, str], Kept]:
    """The plays, each kept when it ends; those not begun by the deadline (monotonic seconds) are left out."""
    code = _frozen(keep / "code")

    def play(pace: str, name: str) -> Kept | None:
        if clock.monotonic() >= deadline:
            return None
        outcome, broke = _played(name, pace, code, keep / f"{pace}-{name}")
        found = Kept(
            name=name, pace=pace, commit=at_commit, at=clock.wall(), load=os.getloadavg()[0],
            outcome=outcome, broke=broke,
        )  # fmt: skip
        kept.write(keep, found)
        click.echo(_in_words(found))
        return found

    with ThreadPoolExecutor(lanes) as pool:
        return {(one.pace, one.name): one for one in pool.map(lambda it: play(*it), plays) if one is not None}


def _frozen(copy: Path) -> Path:
    """A copy of the code that the laboratory runs."""
    shutil.rmtree(copy, ignore_errors=True)
    for part in ("monitor", "probes", "tests/lab"):
        shutil.copytree(_REPOSITORY / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def _played(name: str, pace: str, code: Path, folder: Path) -> tuple[Outcome | None, str]:
    """Play one now, in a bounded time: its outcome, or how the laboratory broke. All it leaves is in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lab", name, "--pace", pace, "--json", "--keep", str(folder)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(code / "tests/lab"), str(code)])},
            cwd=code, capture_output=True, timeout=_SECONDS_EACH, check=False,
        )  # fmt: skip
        if done.stdout:
            return msgspec.json.decode(done.stdout, type=Outcome), ""
        return None, done.stderr.decode(errors="replace").strip()[-_MOST_SAID:]
    except subprocess.TimeoutExpired:
        return None, f"it took more than {_SECONDS_EACH:g} s"
    except msgspec.MsgspecError as error:
        return None, f"its outcome cannot be read: {error}"


def _in_words(one: Kept) -> str:
    if one.outcome is None:
        return f"{one.pace} {one.name}: the laboratory broke: {one.broke}"
    seconds = [f"{answer.cause_s:.1f} s" for answer in one.outcome.answers if answer.cause_s is not None]
    return " ".join([f"{one.pace} {one.name}: {'right' if one.right else 'WRONG'}", *seconds])


if __name__ == "__main__":
    main()
