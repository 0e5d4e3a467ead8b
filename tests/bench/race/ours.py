"""Our own tracer as a process: a line on standard input is one race, a line on standard output its result.

In: `{"addresses", "method", "rate", "expected_hops"}`. Out: `{"wall_s", "cpu_s", "traces": [[[ttl, address,
rtt_s], ...], ...]}`; the CPU is user and system time of the whole process during the race.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from monitor.station.heap import tame_collector
from probes.traceroute import Tracer, TraceRequest


async def race(tracer: Tracer, order: dict[str, Any]) -> dict[str, Any]:
    """Trace all addresses at once."""
    tracer.rate = order["rate"]
    requests = [
        TraceRequest(
            address=address,
            method=order["method"],
            port=80 if order["method"] == "tcp" else None,
            timeout_s=600.0,
            mode="raw",
            expected_hops=order["expected_hops"],
        )
        for address in order["addresses"]
    ]
    wall, cpu = time.monotonic(), time.process_time()
    seen = await asyncio.gather(*(tracer.trace(one, vantage="bench", target="far") for one in requests))
    wall_s, cpu_s = time.monotonic() - wall, time.process_time() - cpu
    traces = [[[hop.ttl, hop.address, hop.rtt_s] for hop in one.hops] for one in seen]
    return {"wall_s": wall_s, "cpu_s": cpu_s, "traces": traces, "unstamped": tracer.unstamped}


async def main() -> None:
    """Serve until standard input ends."""
    tame_collector(tracing=True)  # as `whydown run` does
    async with Tracer() as tracer:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await race(tracer, json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
