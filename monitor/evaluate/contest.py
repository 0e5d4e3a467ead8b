"""Folders scored with all evidence, with some of it taken away, and beside simpler tools; on several processes.

A variant is a name and what it makes of a folder. The engine is one; so is each ablation and each baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from monitor.evaluate.ablation import ABLATIONS
from monitor.evaluate.baselines import BASELINES
from monitor.evaluate.pairing import Expected, Pair, match
from monitor.model.incident import Incident
from monitor.replay import Folder, replay
from monitor.side_by_side import side_by_side

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


def contest(folders: Sequence[Path], read: Read, asked: Sequence[str], processes: int | None) -> Iterator[Scored]:
    """Scores each folder, in the order given, as it is done (see `side_by_side`).

    `read` must be a function of a module when there are several processes. What it raises ends the contest.
    """
    return side_by_side(partial(_read_and_score, read, tuple(asked)), folders, processes)


def _read_and_score(read: Read, asked: tuple[str, ...], folder: Path) -> Scored:
    facts, expected = read(folder)
    return score(folder.name, facts, expected, asked)


def _incidents(variant: str, folder: Folder) -> list[Incident]:
    if variant in BASELINES:
        return BASELINES[variant](folder)
    return replay(ABLATIONS[variant](folder) if variant in ABLATIONS else folder)
