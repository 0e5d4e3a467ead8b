"""Coverage-guided fuzzing: `python tests/fuzz/hunt.py [--seconds N] [TARGET...]`, or `make fuzz`.

Each target runs in a process of its own under atheris (libFuzzer), from its seeds and from what earlier hunts
found worth keeping in build/fuzz. Prints executions, executions a second and findings; ends with status 1 if
there are findings, each of which lies as a file under build/fuzz and is read again by

    python tests/fuzz/hunt.py --again FILE TARGET
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_KEPT = _ROOT / "build" / "fuzz"
_MOST_BYTES = 4096
_SLOW_S = 10
"""A single input that takes longer is a finding too."""

_OUR_MODULES = ["probes", "monitor"]


def main() -> int:
    """Hunt in each target; how many had findings, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all when none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--again", type=Path, help="read this file once instead")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        _fuzz(options.targets[0], options.seconds)
    from fuzzed.registry import TARGETS

    if options.again:
        TARGETS[options.targets[0]].run(options.again.read_bytes())
        return 0
    results = [_hunt(name, options.seconds) for name in options.targets or TARGETS]
    return int(not all(results))


def _hunt(name: str, seconds: int) -> bool:
    """Run one target in a process of its own; whether nothing was found."""
    command = [sys.executable, __file__, "--inside", "--seconds", str(seconds), name]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    executed = re.search(r"stat::number_of_executed_units: *(\d+)", done.stderr)
    rate = re.search(r"stat::average_exec_per_sec: *(\d+)", done.stderr)
    found = re.findall(r"Test unit written to (\S+)", done.stderr)
    if executed is None or rate is None:
        print(f"{name:<14} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
        return False
    print(f"{name:<14} {int(executed[1]):>10,} executions {int(rate[1]):>8,}/s  {len(found)} findings", flush=True)
    if found:
        print("\n".join([*found, done.stderr.partition(" === Uncaught")[2][:3000] or done.stderr[-3000:]]))
    return not found


def _fuzz(name: str, seconds: int) -> None:
    """Never returns: libFuzzer ends the process."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: `make fuzz` does it")
    with atheris.instrument_imports(include=_OUR_MODULES):
        from fuzzed.registry import TARGETS
    target = TARGETS[name]
    folder = _KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (folder / f"seed-{number}").write_bytes(seed)
    arguments = [
        f"-max_total_time={seconds}", f"-max_len={_MOST_BYTES}", f"-timeout={_SLOW_S}", "-print_final_stats=1",
        "-rss_limit_mb=2048", f"-artifact_prefix={_KEPT}/{name}-",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *arguments, str(folder)], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
