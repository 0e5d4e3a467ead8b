"""Plays incidents on several processes, and keeps what was said of each, so that a long run may end and go on.

A play is a kind and a seed. What a run has found is a file with a line for each play: told by the rules of one
version, for results of two have no common meaning.
"""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import msgspec
from simulator.kinds import KINDS
from simulator.play import make

from monitor.diagnose.rules import RULES_VERSION
from monitor.evaluate import Pair, read_expected, score, variants
from monitor.replay import read_folder

TOLD_EVERY_S = 30.0
"""How often progress is told where nobody sits at a terminal."""


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """One play and its scores: the pairs of each variant (ablations and baselines by name)."""

    kind: str
    seed: int
    rules: str
    pairs: dict[str, list[Pair]]


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do. `keep`: where folders stay; None: they are thrown away."""

    kind: str
    seed: int
    variants: bool = False
    keep: Path | None = None


class LedgerError(Exception):
    """A file of results that cannot be gone on with."""


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
        pairs = dict(score(name, read, expected, asked))
        return Played(kind=job.kind, seed=job.seed, rules=RULES_VERSION, pairs=pairs)
    finally:
        if job.keep is None:
            shutil.rmtree(base, ignore_errors=True)


def _settle() -> None:
    """A play leaves little garbage in circles; to look for it was a tenth of its time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _complain(path: Path, line: int, reason: str) -> None:
    raise ValueError(f"{path.name}:{line}: {reason}")  # a simulated folder has no bad lines


def plays(jobs: Sequence[Job], processes: int, minutes: float | None = None) -> Iterator[Played]:
    """Each as it is done, with progress on standard error; after `minutes` no further one is begun."""
    progress, left = _Progress(len(jobs)), iter(jobs)
    until = monotonic() + 60 * minutes if minutes is not None else float("inf")
    with ProcessPoolExecutor(processes, initializer=_settle) as pool:
        waiting: set[Future[Played]] = set()
        while True:
            while len(waiting) < 2 * processes and monotonic() < until and (job := next(left, None)) is not None:
                waiting.add(pool.submit(play, job))
            if not waiting:
                break
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                progress.count()
                yield future.result()
    progress.end()


class _Progress:
    """How far a run has come: a line that is written over on a terminal, else one now and then."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._begun = self._told = monotonic()
        self._on_terminal = sys.stderr.isatty()

    def count(self) -> None:
        self._done += 1
        now = monotonic()
        if now - self._told < (1.0 if self._on_terminal else TOLD_EVERY_S):
            return
        self._told = now
        each = (now - self._begun) / self._done
        left = each * (self._total - self._done) / 60
        line = f"{self._done} of {self._total} plays, {each:.2f} s each, {left:.0f} min to go"
        print(f"\r{line}  " if self._on_terminal else line, end="", file=sys.stderr)
        print(end="" if self._on_terminal else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._on_terminal:
            print(file=sys.stderr)


def chosen(*, kinds: Iterable[str] = (), held_out: bool | None = None) -> list[str]:
    """The names of these kinds, or of all; and of them only those (not) held out."""
    wanted = set(kinds)
    named = [name for name in KINDS if not wanted or name in wanted]
    return [name for name in named if held_out is None or KINDS[name].held_out == held_out]


class Ledger:
    """The results of a run in a file; a last line that was cut off by a sudden end is dropped.

    :raises LedgerError: a line is none of ours, or was told by rules of another version
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.played: dict[tuple[str, int], Played] = {}
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                one = msgspec.json.decode(line, type=Played)
            except msgspec.MsgspecError as error:
                raise LedgerError(f"{path}:{number}: {error}") from error
            if one.rules != RULES_VERSION:
                raise LedgerError(f"{path}:{number}: by rules {one.rules}; these are rules {RULES_VERSION}")
            self.played[one.kind, one.seed] = one
        if len(whole) != len(data):
            with path.open("r+b") as file:
                file.truncate(len(whole))

    def left(self, jobs: Iterable[Job]) -> list[Job]:
        """The jobs that have no result yet, or not of every variant that is asked for."""
        return [job for job in jobs if not self._has(job)]

    def _has(self, job: Job) -> bool:
        known = self.played.get((job.kind, job.seed))
        asked = variants(ablations=job.variants, baselines=job.variants)
        return known is not None and set(asked) <= known.pairs.keys()

    def add(self, one: Played) -> None:
        """Keep a result; it is in the file when this returns."""
        self.played[one.kind, one.seed] = one
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(one) + b"\n")
