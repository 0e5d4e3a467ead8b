"""The latency trigger beside a plain CUSUM, on series in which a person marked the changes.

`PYTHONPATH=. python tests/bench/latency_trigger.py ../shared/data/rtt-labelled/*.csv.gz`

Ours is the baseline's test for a raised round trip, with the limits that the engine uses, two in a row as a
view needs to be confirmed. The CUSUM is two-sided on (value - median) / MAD of the last 100 values, drift
0.5, limit 8; both start anew after a change. An alarm is right when a mark lies within `SLACK` values of it;
each mark counts once.

| detector | marks | alarms | precision | recall |
| --- | --- | --- | --- | --- |
| ours | 98 | 8 | 62.5 % | 5.1 % |
| CUSUM | 98 | 494 | 15.6 % | 78.6 % |

Ours is not the better detector of changes: nearly all that were marked are of some milliseconds in hundreds, up
and down, none a rise by a fifth, which is what it asks for. It is quieter, and misses what a CUSUM would find.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from monitor.diagnose.baseline import NORMAL_CONSISTENCY, Baseline
from monitor.diagnose.symptom import RTT_RAISED

SLACK = 5

Detector = Callable[[Sequence[float]], list[int]]


def ours(values: Sequence[float]) -> list[int]:
    """Where the round trip has been raised twice in a row, as the engine has it."""
    usual, alarms, run = Baseline(), [], 0
    for index, value in enumerate(values):
        raised = usual.is_raised(value / 1000, **RTT_RAISED)
        run = run + 1 if raised else 0
        if run == 2:
            alarms.append(index - 1)
        if not raised:
            usual.add(value / 1000)
        elif run > 30:  # it has become the usual one
            usual, run = Baseline(), 0
    return alarms


def cusum(values: Sequence[float]) -> list[int]:
    """Where the sums of what lies above or below the median pass the limit."""
    alarms, window, up, down = [], list[float](), 0.0, 0.0
    for index, value in enumerate(values):
        if len(window) >= 10:
            centre = median(window)
            spread = max(NORMAL_CONSISTENCY * median(abs(one - centre) for one in window), 0.01)
            step = (value - centre) / spread
            up, down = max(up + step - 0.5, 0.0), max(down - step - 0.5, 0.0)
            if max(up, down) > 8:
                alarms.append(index)
                window, up, down = [], 0.0, 0.0
        window = [*window[-99:], value]
    return alarms


def score(alarms: Sequence[int], marks: Sequence[int]) -> tuple[int, int, int]:
    """Right alarms, all alarms, all marks."""
    left, right = list(marks), 0
    for alarm in alarms:
        near = [mark for mark in left if abs(mark - alarm) <= SLACK]
        if near:
            left.remove(min(near, key=lambda mark: abs(mark - alarm)))
            right += 1
    return right, len(alarms), len(marks)


def read(path: Path) -> tuple[list[float], list[int]]:
    """Milliseconds of the answered ones, and the marks."""
    with gzip.open(path, "rt") as file:
        rows = [row for row in list(csv.reader(file, delimiter=";"))[1:] if float(row[1]) > 0]
    return [float(row[1]) for row in rows], [index for index, row in enumerate(rows) if row[2] == "1"]


def main() -> None:
    """The command."""
    series = [read(Path(name)) for name in sys.argv[1:]]
    print("| detector | marks | alarms | precision | recall |\n| --- | --- | --- | --- | --- |")
    for name, detector in (("ours", ours), ("CUSUM", cusum)):
        scores = [score(detector(values), marks) for values, marks in series]
        right, alarms, marked = (sum(column) for column in zip(*scores, strict=True))
        share = (f"{100 * right / whole:.1f} %" if whole else "-" for whole in (alarms, marked))
        print(f"| {name} | {marked} | {alarms} | {' | '.join(share)} |")


if __name__ == "__main__":
    main()
