"""Plays many incidents and scores what the engine says of them: `python tests/simulation/run.py --help`.

A run is a range of seeds for each kind of play; the same seeds give the same folders and the same figures. With
`--results FILE` one that ended goes on where it was when it is started again.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from playing import Job, Ledger, LedgerError, Played, chosen, plays
from simulator.kinds import KINDS
from simulator.tables import as_markdown

from monitor.evaluate import summary


def jobs_of(options: argparse.Namespace) -> list[Job]:
    """All plays; of a kind as many as its name says, or its family's, or `--count`.

    All kinds come to their last at the same time: whenever a run ends, each has had its share.
    """
    counts: Mapping[str, int] = dict(options.count_of or ())
    kinds = chosen(kinds=options.kinds or (), held_out=options.held_out)
    many = {name: counts.get(name, counts.get(KINDS[name].family, options.count)) for name in kinds}
    turns = [((number + 1) / many[name], number, name) for name in kinds for number in range(many[name])]
    turns.sort(key=lambda turn: turn[:2])
    return [Job(name, options.seed + number, not options.plain, options.keep) for _, number, name in turns]


def _count_of(text: str) -> tuple[str, int]:
    name, _, count = text.rpartition("=")
    if name not in KINDS and name not in {kind.family for kind in KINDS.values()}:
        raise argparse.ArgumentTypeError(f"{name!r} is neither a kind nor a family")
    return name, int(count)


def command_of(options: argparse.Namespace) -> str:
    """What plays the same again."""
    words = ["--seed", str(options.seed), "--count", str(options.count)]
    words += ["--count-of", *(f"{name}={count}" for name, count in options.count_of)] if options.count_of else []
    words += ["--kinds", *options.kinds] if options.kinds else []
    words += {None: [], True: ["--held-out"], False: ["--no-held-out"]}[options.held_out]
    return shlex.join([*words, *(["--plain"] if options.plain else [])])


def _played(options: argparse.Namespace, jobs: list[Job]) -> list[Played]:
    """The results of all jobs that there was time for, in the order of the jobs."""
    ledger = Ledger(options.results) if options.results else None
    found = {(one.kind, one.seed): one for one in ledger.played.values()} if ledger else {}
    for one in plays(ledger.left(jobs) if ledger else jobs, options.processes, options.minutes):
        found[one.kind, one.seed] = one
        if ledger:
            ledger.add(one)
    return [found[job.kind, job.seed] for job in jobs if (job.kind, job.seed) in found]


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("--seed", type=int, default=1, help="the first seed of each kind (default 1)")
    known.add_argument("--count", type=int, default=2, help="plays of each kind (default 2)")
    known.add_argument(
        "--count-of", nargs="*", type=_count_of, metavar="NAME=N", help="so many of a kind, or of a family's kinds"
    )
    known.add_argument("--kinds", nargs="*", help=f"only these: {', '.join(KINDS)}")
    known.add_argument(
        "--held-out", action=argparse.BooleanOptionalAction, help="only the held-out kinds, or all but"
    )
    known.add_argument("--plain", action="store_true", help="without ablations and baselines: five times as fast")
    known.add_argument("--minutes", type=float, help="begin no further play after so many minutes")
    known.add_argument("--results", type=Path, help="keep what was said of each play here, and go on from it")
    known.add_argument("--keep", type=Path, help="keep the folders in this directory")
    known.add_argument("--processes", type=int, default=2, help="worker processes (default 2)")
    known.add_argument("--write", type=Path, help="write the tables as Markdown to this file")
    known.add_argument("--json", action="store_true", help="print the figures of each variant as JSON")
    return known


def main() -> int:
    """The command."""
    options = parser().parse_args()
    jobs = jobs_of(options)
    try:
        done = _played(options, jobs)
    except LedgerError as error:
        print(error, file=sys.stderr)
        return 2
    text = as_markdown({(one.kind, one.seed): one.pairs for one in done}, command_of(options), of=len(jobs))
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
