"""MRT: elements per core-second, beside bgpdump and bgpkit's Python binding. `python tests/bench/mrt.py FILE...`

Each file is decoded whole, then filtered for 1,000 prefixes that are drawn from the first file, always the
same ones: name a table or a table transfer first. `bgpdump -m -O /dev/null` decodes and prints; bgpkit's
binding, where the interpreter that `$BGPKIT_PYTHON` names has it, decodes into its objects. CPU seconds of
each process, the best of three runs, one after another, so that a busy machine meets all alike.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from monitor.bgp.mrt import MrtStats, read_mrt
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.watch import Watch
from monitor.model import RouteEvent

WATCHED = 1_000
RUNS = 3
_BGPKIT = "import sys; from pybgpkit_parser import Parser; print(sum(1 for _ in Parser(sys.argv[1])))"


def drawn_from(path: Path) -> PrefixFilter:
    """`WATCHED` prefixes of the file, none so wide that most of the table would be inside."""
    prefixes = {
        fact.prefix for fact in read_mrt(path) if isinstance(fact, RouteEvent) and fact.prefix.prefixlen > 8
    }
    watch = Watch(random.Random(1).sample(sorted(prefixes, key=str), WATCHED))
    return PrefixFilter(watch.wants, watch.prefixes())


def ours(path: Path, wanted: PrefixFilter | None) -> tuple[int, float]:
    """Elements in the file, and CPU seconds to read it."""
    stats = MrtStats()
    begun = time.process_time()
    for _ in read_mrt(path, wanted=wanted, stats=stats):
        pass
    return stats.elements, time.process_time() - begun


def theirs(command: list[str]) -> float:
    """CPU seconds of a program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(paths: list[Path]) -> None:
    """One line a file."""
    wanted = drawn_from(paths[0])
    print(
        f"{'elements per core-second':44}{'bgpdump':>10}{'bgpkit':>10}{'all':>10}{'filter':>10}{'to bgpdump':>12}"
    )
    for path in paths:
        programs: dict[str, Callable[[], float]] = {
            "bgpdump": lambda path=path: theirs(["bgpdump", "-m", "-O", "/dev/null", str(path)]),
            "all": lambda path=path: ours(path, None)[1],
            "filter": lambda path=path: ours(path, wanted)[1],
        }
        if python := os.environ.get("BGPKIT_PYTHON"):
            programs["bgpkit"] = lambda path=path: theirs([python, "-c", _BGPKIT, str(path)])
        seconds = dict.fromkeys(programs, float("inf"))
        for _ in range(RUNS):
            for name, run in programs.items():
                seconds[name] = min(seconds[name], run())
        elements, _ = ours(path, wanted)
        rates = {name: elements / best for name, best in seconds.items()}
        print(
            f"{path.name[:42]:44}"
            + "".join(
                f"{rates[name]:10,.0f}" if name in rates else f"{'-':>10}"
                for name in ("bgpdump", "bgpkit", "all", "filter")
            )
            + f"{rates['filter'] / rates['bgpdump']:11.2f}x",
            flush=True,
        )


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
