"""MRT: elements per core-second, beside bgpdump and bgpkit's Python binding. `python tests/bench/mrt.py FILE...`

Each file is decoded whole, then filtered for 1,000 prefixes that are drawn from the first file, always the
same ones: name a table or a table transfer first. `bgpdump -m -O /dev/null` decodes and prints; bgpkit's
binding, where this interpreter or the one that `$BGPKIT_PYTHON` names has it, decodes into its objects.

What is measured is CPU time, each time of a fresh process so that no cache is warm, one program after another in
turns, so that a busy machine meets all alike; of `RUNS` turns the median. Our start-up (the interpreter, imports
and the filter) is a line of its own and not in the rates: it is once for a hub that reads such files all day, and
most of the time for one file of five minutes. bgpdump has none to speak of; bgpkit's is in its rate.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from monitor.bgp.mrt import MrtStats, read_mrt
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.watch import Watch
from monitor.model import RouteEvent, parse_prefix

WATCHED = 1_000
RUNS = 5
_READ_ONE = "--read-one"
_BGPKIT_VERSION = "from importlib.metadata import version; print(version('pybgpkit-parser'))"
_BGPKIT = "import sys; from pybgpkit_parser import Parser; print(sum(1 for _ in Parser(sys.argv[1])))"


def drawn_from(path: Path) -> str:
    """`WATCHED` prefixes of the file, one a line, none so wide that most of the table would be inside."""
    prefixes = {
        fact.prefix for fact in read_mrt(path) if isinstance(fact, RouteEvent) and fact.prefix.prefixlen > 8
    }
    return "\n".join(map(str, random.Random(1).sample(sorted(prefixes, key=str), WATCHED)))


def read_one(path: Path, watched: Path | None) -> None:
    """What a process of ours does; it prints its CPU seconds until it began to read, and those of reading."""
    wanted = None
    if watched is not None:
        watch = Watch(map(parse_prefix, watched.read_text().split()))
        wanted = PrefixFilter(watch.wants, watch.prefixes())
    begun = time.process_time()
    for _ in read_mrt(path, wanted=wanted):
        pass
    print(begun, time.process_time() - begun)


def ours(path: Path, watched: str) -> tuple[float, float]:
    """CPU seconds of start-up and of reading, in a process of its own; `watched` "-": all is decoded."""
    command = [sys.executable, __file__, _READ_ONE, watched, str(path)]
    idle, reading = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.split()
    return float(idle), float(reading)


def theirs(command: list[str]) -> tuple[float, float]:
    """CPU seconds of a program, none of them told apart as start-up."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 0.0, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bgpkit() -> tuple[str, str] | None:
    """An interpreter that has bgpkit's binding, and the binding's version."""
    for python in (os.environ.get("BGPKIT_PYTHON"), sys.executable):
        if python:
            said = subprocess.run([python, "-c", _BGPKIT_VERSION], check=False, capture_output=True, text=True)
            if said.returncode == 0:
                return python, said.stdout.strip()
    return None


def elements_in(path: Path) -> int:
    """How many elements the file holds."""
    stats = MrtStats()
    nothing = PrefixFilter(lambda version, key: False, [])
    for _ in read_mrt(path, wanted=nothing, stats=stats):
        pass
    return stats.elements


def programs(path: Path, watched: str, binding: str | None) -> dict[str, Callable[[], tuple[float, float]]]:
    """What reads the file, by name."""
    found: dict[str, Callable[[], tuple[float, float]]] = {
        "bgpdump": lambda: theirs(["bgpdump", "-m", "-O", "/dev/null", str(path)]),
        "all": lambda: ours(path, "-"),
        "filter": lambda: ours(path, watched),
    }
    if binding is not None:
        found["bgpkit"] = lambda: theirs([binding, "-c", _BGPKIT, str(path)])
    return found


def main(paths: list[Path], watched: Path) -> None:
    """One line a file."""
    watched.write_text(drawn_from(paths[0]))
    binding = bgpkit()
    print(f"bgpkit: pybgpkit-parser {binding[1]}" if binding else "bgpkit: pybgpkit-parser is not installed")
    print(
        f"{'elements per core-second':44}{'bgpdump':>10}{'all':>10}{'filter':>10}{'to bgpdump':>12}{'bgpkit':>10}"
    )
    idle: list[float] = []
    for path in paths:
        running = programs(path, str(watched), binding[0] if binding else None)
        turns = [{name: run() for name, run in running.items()} for _ in range(RUNS)]
        idle += [turn["filter"][0] for turn in turns]
        elements = elements_in(path)
        rates = {name: elements / statistics.median(turn[name][1] for turn in turns) for name in running}
        line = f"{path.name[:42]:44}{rates['bgpdump']:11,.0f}{rates['all']:11,.0f}{rates['filter']:11,.0f}"
        line += f"{rates['filter'] / rates['bgpdump']:10.2f}x"
        print(line + (f"{rates['bgpkit']:11,.0f}" if "bgpkit" in rates else f"{'-':>11}"), flush=True)
    print(f"our start-up with the filter: {statistics.median(idle):.3f} s of CPU, once a process")


if __name__ == "__main__":
    if sys.argv[1] == _READ_ONE:
        read_one(Path(sys.argv[3]), None if sys.argv[2] == "-" else Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main([Path(argument) for argument in sys.argv[1:]], Path(made) / "watched")
