"""The same facts into both engines: what a fact costs, what two writers gain, and how large it gets.

`python tests/bench/history_engines.py [--targets N] [--minutes M]` writes what 100 vantages would ship of N
targets every 30 s for M minutes, in shipments of five minutes each, into a SQLite file and into a PostgreSQL
server that it starts, with its disk synced; there with one and with two processes, which have half of the vantages
each. Then both are rolled up and asked. CPU is that of the writers and, apart, of the server's processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TESTS = Path(__file__).parents[1]
sys.path += [str(_TESTS / "history"), str(_TESTS / "bench"), str(_TESTS.parent)]

from asking import ask  # noqa: E402
from history_month import _SHIPMENT_S, _START, shipments  # noqa: E402
from postgres_server import PostgresServer, postgres_server  # noqa: E402

from monitor.history import Keep, Reader, Shipment, Store  # noqa: E402
from monitor.model.history_place import DatabaseUrl, HistoryPlace  # noqa: E402

DAY_S = 86_400.0
KEEP = Keep(facts_s=30 * DAY_S, minutes_s=90 * DAY_S, five_minutes_s=400 * DAY_S)
_TOGETHER = 10
"""Shipments that a hub takes in one transaction."""


def batches(targets: int, minutes: int, share: int, of: int) -> Iterator[list[Shipment]]:
    """What every `of`th vantage ships, beginning with the one of number `share`."""
    for start in range(_START, _START + minutes * 60, _SHIPMENT_S):
        sent = [one for one in shipments(targets, start, living=False) if int(one.vantage[8:]) % of == share]
        yield from (sent[first : first + _TOGETHER] for first in range(0, len(sent), _TOGETHER))


class Share(NamedTuple):
    """What one writer did: seconds of its CPU, and of the clock."""

    facts: int
    cpu_s: float
    took_s: float


def write(place: HistoryPlace, targets: int, minutes: int, share: int, of: int) -> Share:
    """Write a share."""
    sent = list(batches(targets, minutes, share, of))
    began, before = time.perf_counter(), time.process_time()
    with Store.open(place) as store:
        count = sum(len(taken.fresh) for batch in sent for taken in store.take(batch))
    return Share(count, time.process_time() - before, time.perf_counter() - began)


def server_cpu_s(server: PostgresServer) -> float:
    """CPU seconds of the server's processes, of those that ended too."""
    children = (Path("/proc") / str(server.pid) / "task" / str(server.pid) / "children").read_text().split()
    ticks = 0
    for pid in (str(server.pid), *children):
        values = (Path("/proc") / pid / "stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, values[11:15] if pid == str(server.pid) else values[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def tend(place: HistoryPlace, minutes: int) -> float:
    """Roll all of it up; CPU seconds of this process."""
    before = time.process_time()
    with Store.open(place) as store:
        while store.tend(_START + minutes * 60 + 61, KEEP).more:
            pass
    return time.process_time() - before


def asked(place: HistoryPlace, minutes: int) -> float:
    """Seconds for a target by vantage with its percentiles a minute; the quickest of five."""
    took = []
    with Reader.open(place) as reader:
        for _ in range(5):
            before = time.perf_counter()
            reader.latency(
                _START, _START + minutes * 60, target="target-1", by=frozenset({"target", "vantage"}), bucket_s=60
            )
            took.append(time.perf_counter() - before)
    return min(took)


def size(place: HistoryPlace) -> int:
    """Bytes of the facts, the dictionaries and their indexes."""
    if isinstance(place, DatabaseUrl):
        ask(place, "VACUUM ANALYZE")
        return int(ask(place, "SELECT pg_database_size(current_database())")[0][0])
    return int(ask(place, "SELECT sum(pgsize) FROM dbstat")[0][0])


def report(name: str, place: HistoryPlace, shares: list[Share], minutes: int, note: str) -> None:
    """A line of the table."""
    count, cpu_s = sum(one.facts for one in shares), sum(one.cpu_s for one in shares)
    took_s = max(one.took_s for one in shares)
    folding = tend(place, minutes)
    print(
        f"{name:24} {count / cpu_s:9,.0f} facts a writer's CPU s {count / took_s:9,.0f} a second  {note}"
        f"  fold {folding / count * 1e6:5.1f} us  asked {asked(place, minutes) * 1e3:6.1f} ms"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--minutes", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        share = write(path, given.targets, given.minutes, 0, 1)
        report("SQLite", path, [share], given.minutes, f"{size(path) / share.facts:6.1f} bytes a fact")
    with postgres_server(("max_connections=20", "shared_buffers=256MB")) as server:
        if server is None:
            print("PostgreSQL is not installed")
            return
        for writers in (1, 2):
            place = server.history()
            empty, before = size(place), server_cpu_s(server)
            with multiprocessing.get_context("spawn").Pool(writers) as pool:
                pool.map(abs, range(writers))
                asked_for = [(place, given.targets, given.minutes, share, writers) for share in range(writers)]
                shares = pool.starmap(write, asked_for)
            spent, count = server_cpu_s(server) - before, sum(share.facts for share in shares)
            grown = (size(place) - empty) / count
            note = f"{grown:6.1f} bytes a fact  server {spent / count * 1e6:5.1f} us CPU a fact"
            report(f"PostgreSQL, {writers} writer(s)", place, shares, given.minutes, note)
    print(f"largest process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
