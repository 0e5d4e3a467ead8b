"""Folders scored with all evidence, with some of it taken away, and beside simpler tools; on several processes.

A variant is a name and what it makes of a folder. The engine is one; so is each ablation and each baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from monitor.evaluate.ablation import ABLATIONS
from monitor.evaluate.baselines import BASELINES
from monitor.evaluate.pairing import Expected, Pair, match
from monitor.model.incident import Incident
from monitor.replay import Folder, replay

FULL = "all evidence"
"""The variant that nothing is taken from."""

Scored = Mapping[str, list[Pair]]
"""The pairs of one folder by variant."""

Read = Callable[[Path], tuple[Folder, tuple[Expected, ...]]]
"""Reads a folder and what is expected of it."""


def variants(*, ablations: bool, baselines: bool) -> tuple[str, ...]:
    """The names of what is to be compared, the full engine first."""
    return (FULL, *(ABLATIONS if ablations else ()), *(BASELINES if baselines else ()))


def score(name: str, folder: Folder, expected: Sequence[Expected], asked: Sequence[str]) -> Scored:
    """What each of the variants `asked` for makes of a folder, beside what is true."""
    return {variant: match(name, expected, _incidents(variant, folder)) for variant in asked}


def contest(folders: Sequence[Path], read: Read, asked: Sequence[str], processes: int) -> Iterator[Scored]:
    """Scores each folder, in the order given, as it is done; with one process, in this one.

    `read` must be a function of a module when there are several. What it raises ends the contest.
    """
    one = partial(_read_and_score, read, tuple(asked))
    if processes == 1 or len(folders) < 2:
        yield from map(one, folders)
        return
    # Forking a process with threads (a log's, a progress bar's) can hang; a fresh one cannot.
    with ProcessPoolExecutor(min(processes, len(folders)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, folders)


def _read_and_score(read: Read, asked: tuple[str, ...], folder: Path) -> Scored:
    facts, expected = read(folder)
    return score(folder.name, facts, expected, asked)


def _incidents(variant: str, folder: Folder) -> list[Incident]:
    if variant in BASELINES:
        return BASELINES[variant](folder)
    return replay(ABLATIONS[variant](folder) if variant in ABLATIONS else folder)
