"""Plays many incidents and scores what the engine says of them: `python tests/simulation/run.py --help`.

A run is a range of seeds for each kind of play; the same seeds give the same folders and the same figures.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

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


def plays(jobs: list[Job], processes: int) -> Iterator[Played]:
    """All of them, as they are done, with progress on a terminal."""
    with ProcessPoolExecutor(processes) as pool:
        for count, played in enumerate(pool.map(play, jobs, chunksize=2), 1):
            if sys.stderr.isatty():
                print(f"\r{count} of {len(jobs)} ", end="", file=sys.stderr, flush=True)
            yield played
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _jobs(options: argparse.Namespace) -> Iterable[Job]:
    for name, kind in KINDS.items():
        if options.kinds and name not in options.kinds:
            continue
        if options.held_out is not None and kind.held_out != options.held_out:
            continue
        for seed in range(options.seed, options.seed + options.count):
            yield Job(name, seed, not options.plain, options.keep)


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
    parser.add_argument("--keep", type=Path, help="keep the folders in this directory")
    parser.add_argument("--processes", type=int, default=2, help="worker processes (default 2)")
    parser.add_argument("--write", type=Path, help="write the tables as Markdown to this file")
    parser.add_argument("--json", action="store_true", help="print the figures of each variant as JSON")
    options = parser.parse_args()
    jobs = list(_jobs(options))
    done = list(plays(jobs, options.processes))
    text = as_markdown({(one.kind, one.seed): one.pairs for one in done}, command=" ".join(sys.argv[1:]))
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
