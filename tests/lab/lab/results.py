"""`python -m lab.results`: plays scenarios with and without the boost and writes the table, RESULTS.md.

Each scenario has a laboratory of its own, so that none is answered from what another left behind. What has been
played at this commit is kept, and not played again: the command goes on where it was cut short.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
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
# Those that show what the boost is worth: found by BGP, by failures, by slowness, by packets.
COMPARED = (
    "overload", "crash", "subprefix-blackhole", "subprefix-hijack", "exact-hijack", "vantage-fault", "withdrawn",
    "congestion-queue",
)  # fmt: skip
_MOST_SAID = 300

Play = Callable[[str, str], Kept]
"""A scenario's name and a pace to how it went."""


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
@click.option("--minutes", type=float, default=28.0, show_default=True, help="Begin no play after so long.")
def main(
    names: Sequence[str], into: Path, keep: Path, *, older: bool, fresh: bool, lanes: int, minutes: float
) -> None:
    """Measure scenarios NAMES, default all, and write the table; run it again to go on.

    Exit 0: all were played and are right. Exit 1: not.
    """
    keep.mkdir(parents=True, exist_ok=True)
    wanted = tuple(names) or scenario.names()
    compared = [name for name in COMPARED if name in wanted]
    plays = [(name, "steady") for name in wanted] + [(name, "unboosted") for name in compared]
    at_commit = kept.commit(_REPOSITORY, but=into)
    known = {} if fresh else kept.read(keep)
    done = {key: one for key, one in known.items() if one.outcome and (older or one.commit == at_commit)}
    missing = [(name, pace) for name, pace in plays if (pace, name) not in done]
    click.echo(f"commit {at_commit}: {len(plays) - len(missing)} of {len(plays)} plays are kept in {keep}")

    def play(name: str, pace: str) -> Kept:
        found = _played(name, pace, keep / f"{pace}-{name}")
        kept.write(keep, found)
        return found

    deadline = clock.monotonic() + 60 * minutes
    for one in _all_played(missing, play, lanes, deadline):
        done[one.pace, one.name] = one
    boosted, plain = (
        {name: one for (of_pace, name), one in done.items() if of_pace == pace} for pace in ("steady", "unboosted")
    )
    machine = f"{os.cpu_count()} processors, Linux {platform.release()},"
    text = results_table.lines(wanted, boosted, compared, plain, machine=machine)
    into.write_text("\n".join(text) + "\n", encoding="utf-8")
    sys.exit(0 if all(name in boosted and boosted[name].right for name in wanted) else 1)


def _all_played(plays: Sequence[tuple[str, str]], play: Play, lanes: int, deadline: float) -> Iterable[Kept]:
    """The plays in some lanes; those not begun by the deadline (monotonic seconds) are left out."""

    def in_time(name: str, pace: str) -> Kept | None:
        if clock.monotonic() > deadline:
            return None
        found = play(name, pace)
        click.echo(_in_words(found))
        return found

    with ThreadPoolExecutor(lanes) as pool:
        yield from filter(None, pool.map(lambda one: in_time(*one), plays))


def _played(name: str, pace: str, folder: Path) -> Kept:
    """Play one now, in a bounded time; everything it leaves is in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    at_commit = kept.commit(_REPOSITORY, but=FILE)
    outcome, broke = None, ""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lab", name, "--pace", pace, "--json", "--keep", str(folder)],
            capture_output=True, timeout=_SECONDS_EACH, check=False,
        )  # fmt: skip
        outcome = msgspec.json.decode(done.stdout, type=Outcome) if done.stdout else None
        broke = "" if outcome else done.stderr.decode(errors="replace").strip()[-_MOST_SAID:]
    except subprocess.TimeoutExpired:
        broke = f"it took more than {_SECONDS_EACH:g} s"
    except msgspec.MsgspecError as error:
        broke = f"its outcome cannot be read: {error}"
    return Kept(
        name=name, pace=pace, commit=at_commit, at=clock.wall(), load=os.getloadavg()[0],
        outcome=outcome, broke=broke,
    )  # fmt: skip


def _in_words(one: Kept) -> str:
    if one.outcome is None:
        return f"{one.pace} {one.name}: the laboratory broke: {one.broke}"
    seconds = [f"{answer.cause_s:.1f} s" for answer in one.outcome.answers if answer.cause_s is not None]
    return " ".join([f"{one.pace} {one.name}: {'right' if one.right else 'WRONG'}", *seconds])


if __name__ == "__main__":
    main()
