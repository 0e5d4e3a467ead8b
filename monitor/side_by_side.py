"""The same work on many things, in several processes, answered in the order asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


def side_by_side(
    work: Callable[[Thing], Answer], things: Sequence[Thing], processes: int | None
) -> Iterator[Answer]:
    """The answers of `work`, each as soon as it and those before it are there; with one process, by this one.

    `processes`: None is one for each processor. With several, `work` must be a function of a module, and things
    and answers must be such that they can be pickled. What it raises, SystemExit too, ends all.
    """
    processes = min(processes or len(os.sched_getaffinity(0)), len(things))
    if processes < 2:
        yield from map(work, things)
        return
    # Forking a process with threads (a log's, a progress bar's) can hang; a fresh one cannot.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, things)
