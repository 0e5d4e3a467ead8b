"""The history of many vantages: how large it is, table by table, and how long its questions take.

`python tests/bench/history_month.py [--targets N] [--hours H] [--keep FILE]` writes what 100 vantages would ship
of N targets every 30 s for H hours, in shipments of five minutes each, rolls it up, and asks. The full load is 200
targets for 30 days: a target's rows lie together, so neither a row's size nor a question about one target for
24 hours depends on how many other targets and days there are; how deep the trees are does, by a page or two.

Round trips differ from vantage to vantage (5 to 250 ms) and from request to request, one request in a hundred
fails, an answer's body is the same for an hour. `--living`: each body is new, which costs its digest.
"""

from __future__ import annotations

import argparse
import math
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from monitor.history import Keep, Reader, Shipment, Store
from probes.observation import Failure, HttpObservation

VANTAGES = 100
_PERIOD_S = 30
_SHIPMENT_S = 300
_START = 1_700_000_100 - 1_700_000_100 % 7200
_DAY_S = 86_400


def observation(at: float, vantage: int, target: int, dice: random.Random, *, living: bool) -> HttpObservation:
    """One request: TLS 1.3, a small answer."""
    rtt = 0.005 * 50 ** ((vantage * 37 % VANTAGES) / VANTAGES) * dice.lognormvariate(0, 0.02)
    rtt = round(rtt + dice.expovariate(1 / 0.0005), 6)
    phases = [
        round(dice.lognormvariate(math.log(0.002), 0.5), 6), rtt, round(rtt + dice.lognormvariate(-6.5, 0.2), 6),
        round(rtt + dice.lognormvariate(math.log(0.012), 0.4), 6), round(dice.lognormvariate(-8, 0.4), 6),
    ]  # fmt: skip
    dns, connect, tls, wait, receive = phases
    failed = dice.random() < 0.01
    body = dice.getrandbits(256) if living else target * 1000 + int(at // 3600)
    return HttpObservation(
        at=at, vantage=f"vantage-{vantage}", target=f"target-{target}", address=f"203.0.113.{target % 250}",
        family=4, status=503 if failed else 200, failure=Failure.STATUS_UNEXPECTED if failed else None,
        http_version="HTTP/1.1", dns_s=dns, connect_s=connect, tls_s=tls, wait_s=wait, receive_s=receive,
        total_s=round(sum(phases) + dice.uniform(0.0001, 0.0004), 6),
        kernel_rtt_s=round(rtt * dice.uniform(0.99, 1.02), 6), kernel_min_rtt_s=round(rtt * 0.985, 6),
        retransmits=0, spki_sha256=f"{target:064x}", certificate_sha256=f"{target:063x}f",
        issuer="CN=R3,O=Let's Encrypt,C=US", not_after=1_707_000_000.0, body_bytes=512, body_sha256=f"{body:064x}",
        tls_version="TLSv1.3", loop_lag_s=round(dice.lognormvariate(-7.5, 0.5), 6), alpn="http/1.1",
        certificate_names=(f"target-{target}.example",), chain_sha256=("ab" * 32,), not_before=1_699_000_000.0,
    )  # fmt: skip


def shipments(targets: int, start: int, *, living: bool) -> Iterator[Shipment]:
    """What all vantages ship of the five minutes from `start` on; numbers continue where the last ended."""
    dice = random.Random(start)
    first = (start - _START) // _PERIOD_S * targets + 1
    for vantage in range(VANTAGES):
        offsets = [round((vantage * 0.3 + target * 0.07) % _PERIOD_S, 3) for target in range(targets)]
        facts = [
            observation(start + turn * _PERIOD_S + offsets[target], vantage, target, dice, living=living)
            for turn in range(_SHIPMENT_S // _PERIOD_S)
            for target in range(targets)
        ]
        yield Shipment(
            vantage=f"vantage-{vantage}", received_at=start + _SHIPMENT_S + 1.0, sent_at=start + _SHIPMENT_S + 0.9,
            facts=list(enumerate(facts, first)),
        )  # fmt: skip


def build(path: Path, targets: int, hours: int, *, living: bool) -> int:
    """Write and roll up; how many facts. Prints what it cost."""
    keep = Keep(facts_s=30 * _DAY_S, minutes_s=90 * _DAY_S, five_minutes_s=400 * _DAY_S)
    count, folds = 0, list[float]()
    writing = 0.0
    with Store.open(path) as store:
        for start in range(_START, _START + hours * 3600, _SHIPMENT_S):
            sent = list(shipments(targets, start, living=living))
            before = time.process_time()
            for shipment in sent:
                count += len(store.take([shipment])[0].fresh)
            writing += time.process_time() - before
            more = True
            while more:
                before = time.process_time()
                more = store.tend(start + _SHIPMENT_S + 61, keep).more
                folds.append(time.process_time() - before)
    pieces = [took for took in folds if took > 0.001]
    print(f"taken:   {count:12,} facts, {count / writing:9,.0f} a CPU second in shipments of {targets * 10}")
    print(
        f"folded:  {len(pieces):12,} slots, {sum(folds) / count * 1e6:9.1f} us CPU a fact; a slot of {VANTAGES}"
        f" vantages {statistics.median(pieces) * 1e3:.1f} ms, longest {max(pieces) * 1e3:.1f} ms"
    )
    return count


def sizes(path: Path, count: int) -> None:
    """Bytes of each table and index for each fact, and how full its pages are."""
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT name, sum(pgsize), sum(payload) * 100 / sum(pgsize - 12) FROM dbstat GROUP BY name ORDER BY 2 DESC"
    ).fetchall()
    whole = sum(size for _, size, _ in rows)
    for name, size, full in rows:
        if size > whole / 500:
            print(f"  {name:24} {size / count:7.2f} bytes a fact  {full:3} % payload")
    print(f"  {'all':24} {whole / count:7.2f} bytes a fact")
    connection.close()


def ask(path: Path, hours: int) -> None:
    """The questions, each five times; the median."""
    end = _START + hours * 3600
    since = max(_START, end - _DAY_S)
    all_of_it = frozenset({"target", "vantage", "phase"})
    questions = {
        "24 h by vantage, a minute": ({"vantage": None, "by": frozenset({"target", "vantage"})}, 60),
        "24 h of a vantage by phase, a minute": ({"vantage": "vantage-7", "by": all_of_it}, 60),
        "24 h by vantage and phase, an hour": ({"vantage": None, "by": all_of_it}, 3600),
        "24 h by vantage and phase, a minute": ({"vantage": None, "by": all_of_it}, 60),
        "24 h by vantage from the facts": ({"vantage": None, "by": frozenset({"target", "vantage"})}, 59.9999),
    }
    with Reader.open(path) as reader:
        for name, (fields, bucket_s) in questions.items():
            took = []
            for _ in range(5):
                before = time.process_time()
                found = reader.latency(since, end, target="target-1", bucket_s=bucket_s, **fields)  # type: ignore[arg-type]
                took.append(time.process_time() - before)
            points = sum(len(series.points) for series in found)
            print(f"  {name:38} {statistics.median(took) * 1e3:8.1f} ms CPU, {points:9,} points")


def main() -> None:
    """Build, measure, ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=2)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--living", action="store_true")
    parser.add_argument("--keep", type=Path, help="write here and leave it; an existing one is only asked")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "history.db"
        if not path.exists():
            count = build(path, given.targets, given.hours, living=given.living)
            sizes(path, count)
        ask(path, given.hours)


if __name__ == "__main__":
    main()
