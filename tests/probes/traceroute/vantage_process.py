"""A vantage inside a network namespace: reads one trace request a line, writes one observation a line."""

from __future__ import annotations

import asyncio
import json
import sys

from probes.observation import encode
from probes.traceroute import Tracer, TraceRequest


async def main() -> None:
    """Serve until standard input ends; requests of one line are traced at the same time."""
    async with Tracer() as tracer:
        while line := await asyncio.to_thread(sys.stdin.readline):
            traces = [
                tracer.trace(TraceRequest(**fields), vantage="client", target="server")
                for fields in json.loads(line)
            ]
            for observation in await asyncio.gather(*traces):
                print(encode(observation).decode())
            print("end", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
