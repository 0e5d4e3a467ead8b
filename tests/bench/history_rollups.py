"""A month of roll-ups of 200 targets from 100 vantages: how long its questions and its upkeep take.

`python tests/bench/history_rollups.py --keep FILE [--targets N] [--days D]` writes every hour's block of every
target from every vantage, in the order in which a hub would (8 GB at full size), made by the roll-ups' own code of
measurements as in `history_month.py`; each vantage has a day of different blocks, which its targets share. Then it
asks for the last 24 hours of targets, by vantage and minute, each for the first time with nothing of the file in
memory, and again; takes five minutes more of facts, rolls them up, and lets a day's minutes become five-minutes.
An existing FILE is asked and tended.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from history_month import VANTAGES, observation, shipments

from monitor.history import Keep, Reader, Store
from monitor.history.glossary import WritingGlossary
from monitor.history.latency_scale import place
from monitor.history.rollup_block import PHASES, Slot, compressor, empty, pack, replace

_HOUR_S, _DAY_S = 3600, 86_400
_END = 1_700_000_100 - 1_700_000_100 % 7200
"""Where `history_month` begins: the facts that come later."""
_ASKED = 20


def day_of_blocks(vantage: int) -> list[bytes]:
    """A block for each hour: two requests a minute."""
    dice = random.Random(vantage)
    found = []
    for hour in range(24):
        slots = []
        for minute in range(60):
            pair = [observation(hour * 3600.0 + minute * 60, vantage, 1, dice, living=False) for _ in range(2)]
            spans = [[getattr(one, f"{phase}_s") for one in pair] for phase in PHASES]
            slots.append(
                Slot([bytes(sorted(place(round(span * 1e6)) for span in few)) for few in spans], {"http": 2})
            )
        block = empty(60)
        replace(block, 0, slots)
        found.append(pack(block, compressor()))
    return found


def build(path: Path, targets: int, days: int) -> None:
    """Write the month, hour after hour."""
    bodies = [day_of_blocks(vantage) for vantage in range(VANTAGES)]
    with Store.open(path):
        pass
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    glossary = WritingGlossary(connection)
    glossary.day = _END // _DAY_S
    whom = [glossary.number("target", (f"target-{number}",)) for number in range(targets)]
    whence = [glossary.number("vantage", (f"vantage-{number}",)) for number in range(VANTAGES)]
    for hour in range(_END // _HOUR_S - days * 24, _END // _HOUR_S):
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO minute_block (target, block, vantage, body) VALUES (?, ?, ?, ?)",
            (
                (target, hour, who, bodies[at][(hour + target) % 24])
                for target in whom
                for at, who in enumerate(whence)
            ),
        )
        connection.execute("COMMIT")
    connection.close()


def cold(path: Path) -> None:
    """Let the system forget what it has of the file."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds by the clock, and of the processor."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - began) * 1e3, (time.process_time() - cpu) * 1e3


def ask(path: Path, targets: int) -> None:
    """Twenty targets, each once with a cold file, then once more."""
    for way in ("cold", "again"):
        if way == "cold":
            cold(path)
        took = []
        for number in range(_ASKED):
            with Reader.open(path) as reader:

                def day(reader: Reader = reader, name: str = f"target-{number * targets // _ASKED}") -> None:
                    found = reader.latency(
                        _END - _DAY_S, _END, target=name, by=frozenset({"target", "vantage"}), bucket_s=60
                    )
                    assert sum(len(series.points) for series in found) == VANTAGES * 1440

                took.append(timed(day))
        wall, cpu = (sorted(column) for column in zip(*took, strict=True))
        print(
            f"24 h of a target by vantage, a minute, {way}: p50 {wall[_ASKED // 2]:.0f} ms,"
            f" longest {wall[-1]:.0f} ms; CPU p50 {cpu[_ASKED // 2]:.0f} ms"
        )


def tend(path: Path, targets: int) -> None:
    """Upkeep beside a month: its pieces are what a fresh fact may have to wait for."""
    keep = Keep(facts_s=30 * _DAY_S, minutes_s=90 * _DAY_S, five_minutes_s=400 * _DAY_S)
    with Store.open(path) as store:
        for shipment in shipments(min(targets, 4), _END, living=False):
            store.take([shipment])
        for what, now, kept in (
            ("five minutes folded", _END + 400.0, keep),
            (
                "minutes made five-minutes",
                _END + 400.0,
                Keep(facts_s=1e9, minutes_s=29 * _DAY_S, five_minutes_s=1e9),
            ),
        ):
            pieces, more = list[float](), True
            while more and len(pieces) < 400:
                began = time.perf_counter()
                more = store.tend(now, kept).more
                pieces.append((time.perf_counter() - began) * 1e3)
            busy = [took for took in pieces if took > 1.0] or [0.0]  # nothing in a file that was tended before
            print(
                f"{what}: {len(busy)} pieces that did something, median {statistics.median(busy):.1f} ms,"
                f" longest {max(busy):.1f} ms"
            )


def main() -> None:
    """Build, ask, tend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--keep", type=Path, default=None)
    given = parser.parse_args()
    path = given.keep or Path("build/rollups.db")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        build(path, given.targets, given.days)
        print(f"{path}: {path.stat().st_size / 1e9:.2f} GB")
    ask(path, given.targets)
    tend(path, given.targets)


if __name__ == "__main__":
    main()
