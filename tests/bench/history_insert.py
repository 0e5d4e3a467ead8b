"""How fast observations go into the history, beside sqlite-utils' `insert_all` in the same run.

`python tests/bench/history_insert.py [ROWS]` prints rows a second of both, their ratio, and bytes a row in
the file. Both write the same facts in batches of 1,000 with the same journal and sync settings; the other
side writes each observation's JSON fields as columns, which is what one would write without thinking.
Every body differs, the dearer case.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlite_utils import Database

from monitor.history import Reader, Store
from probes.observation import Hop, HopReply, HttpObservation, Observation, TraceObservation

_BATCH = 1000
_TRACE_EVERY = 10


def facts(count: int) -> Iterator[Observation]:
    """Requests from 20 vantages to 10 targets, a traceroute of 15 hops for every ten of them."""
    dice = random.Random(1)
    for number in range(count):
        at = 1_700_000_000 + number // 20 * 0.15
        vantage, target = f"vantage-{number % 20}", f"target-{number // 20 % 10}"
        if number % _TRACE_EVERY == 0:
            yield _trace(round(at, 3), vantage, target, dice)
        else:
            yield _request(round(at, 3), vantage, target, dice)


def _request(at: float, vantage: str, target: str, dice: random.Random) -> HttpObservation:
    dns, connect, tls, wait, receive = (round(dice.uniform(0.001, 0.08), 6) for _ in range(5))
    return HttpObservation(
        at=at, vantage=vantage, target=target, address="203.0.113.10", family=4, status=200,
        http_version="HTTP/1.1", dns_s=dns, connect_s=connect, tls_s=tls, wait_s=wait, receive_s=receive,
        total_s=round(dns + connect + tls + wait + receive, 6), kernel_rtt_s=connect, kernel_min_rtt_s=connect,
        retransmits=0, spki_sha256="ab" * 32, certificate_sha256="cd" * 32, issuer="CN=R3,O=Let's Encrypt,C=US",
        not_after=1_707_000_000.0, body_bytes=512, body_sha256=f"{dice.getrandbits(256):064x}",
        tls_version="TLSv1.3", loop_lag_s=0.0004,
    )  # fmt: skip


def _trace(at: float, vantage: str, target: str, dice: random.Random) -> TraceObservation:
    hops = tuple(
        Hop(ttl=ttl, address=f"10.{vantage[8:]}.{target[7:]}.{ttl}", rtt_s=round(dice.uniform(0.001, 0.2), 6),
            reply=HopReply.TIME_EXCEEDED)
        for ttl in range(1, 16)
    )  # fmt: skip
    return TraceObservation(
        at=at, vantage=vantage, target=target, address="203.0.113.10", port=443, flow=1, reached=True, hops=hops,
        elapsed_s=1.5,
    )  # fmt: skip


def batches(everything: list[Observation]) -> Iterator[list[Observation]]:
    """Slices of a thousand."""
    for start in range(0, len(everything), _BATCH):
        yield everything[start : start + _BATCH]


def by_store(path: Path, everything: list[Observation]) -> float:
    """Seconds that the store takes, each batch durable before the next."""
    with Store.open(path) as store:
        start = time.perf_counter()
        for batch in batches(everything):
            store.add_observations(batch)
        return time.perf_counter() - start


def by_insert_all(path: Path, everything: list[Observation]) -> float:
    """Seconds that `insert_all` takes, from the same objects."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    database = Database(connection)
    start = time.perf_counter()
    for batch in batches(everything):
        for kind in (HttpObservation, TraceObservation):
            rows = [msgspec.to_builtins(fact) for fact in batch if isinstance(fact, kind)]
            database.table(kind.__name__).insert_all(rows, batch_size=_BATCH)
    took = time.perf_counter() - start
    connection.close()
    return took


def main() -> None:
    """Measure both and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=50_000)
    everything = list(facts(parser.parse_args().rows))
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours.db", Path(folder) / "theirs.db"
        our_rate = len(everything) / by_store(ours, everything)
        their_rate = len(everything) / by_insert_all(theirs, everything)
        our_size, their_size = (path.stat().st_size / len(everything) for path in (ours, theirs))
        start = time.perf_counter()
        with Reader.open(ours) as reader:
            back = sum(1 for _ in reader.observations(0, float("inf")))
        read_rate = back / (time.perf_counter() - start)
    print(f"store:      {our_rate:9,.0f} rows/s {our_size:6.0f} bytes/row")
    print(f"insert_all: {their_rate:9,.0f} rows/s {their_size:6.0f} bytes/row")
    print(f"ratio:      {our_rate / their_rate:9.1f} x      {their_size / our_size:6.1f} x smaller")
    print(f"read back:  {read_rate:9,.0f} rows/s, {back} of {len(everything)}")


if __name__ == "__main__":
    main()
