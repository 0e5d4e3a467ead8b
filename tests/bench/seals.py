"""What sealing costs beside keeping and rolling up, in CPU time of one process; and what checking costs.

    PYTHONPATH=. python tests/bench/seals.py

Half a day of one target from twenty vantages: requests twice a minute, a traceroute of twelve hops each five.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from monitor.history import Keep, Reader, Store
from probes.observation import Hop, HopReply, HttpObservation, Observation, TraceObservation

START = 1_700_000_000.0
HOURS = 12
VANTAGES = 20
FOREVER = Keep(facts_s=1e9, minutes_s=1e9, five_minutes_s=1e9)


def hour_of_facts(hour: int) -> Iterator[Observation]:
    """An hour, in the order in which it happens."""
    for step in range(120):
        for vantage in range(VANTAGES):
            at = round(START + hour * 3600 + step * 30 + vantage, 3)
            who = {"at": at, "vantage": f"vantage-{vantage}", "target": "shop", "address": "203.0.113.9"}
            yield HttpObservation(
                status=200, family=4, http_version="HTTP/2", dns_s=0.001, connect_s=0.02 + step / 1e5, tls_s=0.03,
                wait_s=0.1 + step / 1e4, receive_s=0.001, total_s=0.2 + step / 1e4, kernel_rtt_s=0.02,
                kernel_min_rtt_s=0.019, spki_sha256="a" * 64, certificate_sha256="b" * 64, issuer="CN=Example",
                not_after=1.8e9, body_bytes=500, body_sha256="c" * 64, **who,
            )  # fmt: skip
            if step % 10 == 0:
                hops = (
                    Hop(ttl=ttl, address=f"198.51.100.{ttl}", rtt_s=ttl / 1e3, reply=HopReply.TIME_EXCEEDED)
                    for ttl in range(1, 13)
                )
                yield TraceObservation(port=443, reached=True, hops=tuple(hops), **who)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        spent: dict[str, float] = defaultdict(float)
        longest, seals, facts = 0.0, 0, 0
        with Store.open(path) as store:
            for hour in range(HOURS):
                batch = list(hour_of_facts(hour))
                facts += len(batch)
                began = time.process_time()
                for start in range(0, len(batch), 1000):
                    store.add_observations(batch[start : start + 1000])
                spent["kept"] += time.process_time() - began
            more = True
            while more:
                began = time.process_time()
                tended = store.tend(START + 86_400.0, FOREVER)
                piece, more = time.process_time() - began, tended.more
                spent["sealed" if tended.sealed else "rolled up"] += piece
                if tended.sealed:
                    longest, seals = max(longest, piece), seals + 1
        began = time.process_time()
        with Reader.open(path) as reader:
            found = reader.check_seals()
        spent["checked"] = time.process_time() - began
        assert (found.facts, found.problems) == (facts, [])
        with closing(sqlite3.connect(path)) as connection:
            ((size,),) = connection.execute("SELECT sum(length(upto) + 64 + 16) FROM seal").fetchall()
    each = ", ".join(f"{name} {seconds / facts * 1e6:.1f} us" for name, seconds in spent.items())
    print(f"{facts} facts, CPU each: {each}; {seals} seals, the longest piece {longest * 1e3:.0f} ms,"
          f" about {size / facts:.1f} bytes a fact")  # fmt: skip


if __name__ == "__main__":
    main()
