"""Plays many incidents and scores what the engine says of them: `python tests/simulation/run.py --help`.

A run is a range of seeds for each kind of play; the same seeds give the same folders and the same figures. All
kinds are played with one seed before the next, so that a run may end after any of them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from simulator.kinds import KINDS
from simulator.play import make
from simulator.tables import as_markdown

from monitor.evaluate import Scored, read_expected, score, summary, variants
from monitor.replay import read_folder


@dataclass(frozen=True, slots=True)
class Played:
    """One play and its scores: the pairs of each variant (ablations and baselines by name)."""

    kind: str
    seed: int
    pairs: Scored


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do. `keep`: where folders stay; None: they are thrown away."""

    kind: str
    seed: int
    variants: bool
    keep: Path | None


def play(job: Job) -> Played:
    """Make a folder, replay it in every variant, and score it."""
    name = f"{job.kind}-{job.seed}"
    base = job.keep if job.keep is not None else Path(tempfile.mkdtemp(prefix="whydown-simulation-"))
    folder = base / name
    try:
        make(job.kind, job.seed, folder)
        read = read_folder(folder, _complain)
        expected = read_expected((folder / "expected.json").read_bytes())
        asked = variants(ablations=job.variants, baselines=job.variants)
        return Played(job.kind, job.seed, score(name, read, expected, asked))
    finally:
        if job.keep is None:
            shutil.rmtree(base, ignore_errors=True)


def _complain(path: Path, line: int, reason: str) -> None:
    raise ValueError(f"{path.name}:{line}: {reason}")  # a simulated folder has no bad lines


def plays(jobs: list[list[Job]], processes: int, minutes: float | None = None) -> Iterator[Played]:
    """All of them, one seed after the other, with progress on a terminal; after `minutes` no further seed."""
    begun = monotonic()
    with ProcessPoolExecutor(processes) as pool:
        for count, of_seed in enumerate(jobs, 1):
            if minutes is not None and monotonic() - begun > 60 * minutes:
                break
            yield from pool.map(play, of_seed)
            if sys.stderr.isatty():
                print(f"\rseed {count} of {len(jobs)} ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def chosen(*, kinds: list[str] | None, held_out: bool | None) -> list[str]:
    """The names of these kinds, or of all; and of them only those (not) held out."""
    named = [name for name in KINDS if not kinds or name in kinds]
    return [name for name in named if held_out is None or KINDS[name].held_out == held_out]


def _jobs(options: argparse.Namespace) -> list[list[Job]]:
    kinds = chosen(kinds=options.kinds, held_out=options.held_out)
    seeds = range(options.seed, options.seed + options.count)
    return [[Job(name, seed, not options.plain, options.keep) for name in kinds] for seed in seeds]


def _command(options: argparse.Namespace, done: list[Played]) -> str:
    """What plays the same again: of a run that was ended by the clock, the seeds that it came to."""
    words = [f"--seed {options.seed} --count {len({one.seed for one in done})}"]
    words += [f"--kinds {' '.join(options.kinds)}"] if options.kinds else []
    words += {None: [], True: ["--held-out"], False: ["--no-held-out"]}[options.held_out]
    return " ".join(words + (["--plain"] if options.plain else []))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="the first seed of each kind (default 1)")
    parser.add_argument("--count", type=int, default=2, help="plays of each kind (default 2)")
    parser.add_argument("--kinds", nargs="*", help=f"only these: {', '.join(KINDS)}")
    parser.add_argument(
        "--held-out", action=argparse.BooleanOptionalAction, help="only the held-out kinds, or all but"
    )
    parser.add_argument("--plain", action="store_true", help="without ablations and baselines: five times as fast")
    parser.add_argument("--minutes", type=float, help="begin no further seed after so many minutes")
    parser.add_argument("--keep", type=Path, help="keep the folders in this directory")
    parser.add_argument("--processes", type=int, default=2, help="worker processes (default 2)")
    parser.add_argument("--write", type=Path, help="write the tables as Markdown to this file")
    parser.add_argument("--json", action="store_true", help="print the figures of each variant as JSON")
    options = parser.parse_args()
    done = list(plays(_jobs(options), options.processes, options.minutes))
    text = as_markdown({(one.kind, one.seed): one.pairs for one in done}, _command(options, done))
    if options.write:
        options.write.write_text(text)
    if options.json:
        variants = done[0].pairs if done else {}
        print(json.dumps({key: asdict(summary([p for one in done for p in one.pairs[key]])) for key in variants}))
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
