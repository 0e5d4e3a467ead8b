"""RPKI: validity checks per core-second against 600,000 VRPs. `python tests/bench/vrps.py`

Makes an export as rpki-client writes it, with the lengths that the world's ROAs have, loads it, and asks for
different routes of which half are covered, in random order; no answer is remembered. CPU seconds of this process;
memory is its peak, and what the table itself takes.
"""

from __future__ import annotations

import ipaddress
import random
import resource
import time
import tracemalloc

import msgspec

from monitor.bgp.rpki import VrpTable
from monitor.model import Asn, Prefix

VRPS = 600_000
ROUTES = 200_000

# Shares as they are among the world's VRPs, roughly; four of five are of IPv4.
_V4 = random.Random(0).choices((16, 17, 18, 19, 20, 21, 22, 23, 24), (2, 1, 2, 4, 6, 6, 15, 11, 53), k=1000)
_V6 = random.Random(0).choices((29, 32, 36, 40, 44, 48), (5, 25, 5, 8, 7, 50), k=1000)


def prefix(rng: random.Random) -> Prefix:
    """A prefix of the unicast space."""
    if rng.random() < 0.8:
        length = rng.choice(_V4)
        return ipaddress.IPv4Network((rng.randrange(1 << length - 8, 224 << length - 8) << 32 - length, length))
    length = rng.choice(_V6)
    return ipaddress.IPv6Network((1 << 125 | rng.getrandbits(length - 3) << 128 - length, length))


def export(rng: random.Random) -> tuple[bytes, list[tuple[Prefix, Asn]]]:
    """The JSON, and the routes that its ROAs are for."""
    roas, routes = [], []
    for number in range(VRPS):
        where, asn = prefix(rng), Asn(rng.randrange(1, 80_000))
        routes.append((where, asn))
        longest = min(where.prefixlen + rng.choice((0, 0, 0, 2)), where.max_prefixlen)
        anchor = ("ripe", "apnic", "arin", "lacnic", "afrinic")[number % 5]
        roas.append(
            {"asn": asn, "prefix": str(where), "maxLength": longest, "ta": anchor, "expires": 1_800_000_000}
        )
    return msgspec.json.encode({"metadata": {"buildtime": "2026-07-27T18:56:02Z"}, "roas": roas}), routes


def rate(table: VrpTable, asked: list[tuple[Prefix, Asn]]) -> float:
    """Checks in a CPU second."""
    before = time.process_time()
    for where, origin in asked:
        table.validate(where, origin)
    return len(asked) / (time.process_time() - before)


def main() -> None:
    """Print the figures."""
    rng = random.Random(4)
    data, authorised = export(rng)
    asked = [
        (where, asn if rng.random() < 0.7 else Asn(1)) for where, asn in rng.sample(authorised, ROUTES // 2)
    ] + [(prefix(rng), Asn(1)) for _ in range(ROUTES // 2)]
    rng.shuffle(asked)
    # A route that was just decoded is near the processor; 200,000 picked from all over the memory are not.
    asked = [(ipaddress.ip_network(str(where)), origin) for where, origin in asked]
    del authorised
    before = time.process_time()
    table = VrpTable.from_json(data)
    print(f"load        {time.process_time() - before:.1f} s for {len(table):,} VRPs of {len(data) / 1e6:.0f} MB")
    for turn in ("first", "again"):
        print(f"{turn}       {rate(table, asked):,.0f} checks a core-second, {ROUTES:,} different routes")
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak_kb / 1024:.0f} MB, export and routes included")
    tracemalloc.start()
    kept = VrpTable.from_json(data)
    print(f"table alone {tracemalloc.get_traced_memory()[0] / 1e6:.0f} MB for {len(kept):,} VRPs")


if __name__ == "__main__":
    main()
