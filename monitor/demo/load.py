"""The demo's crowd: many real HTTPS clients at once, bounded in number and time, as a process of its own.

    python -m monitor.demo.load --address A --port P --name HOST --ca FILE --clients 60 --seconds 28

Each client keeps one connection and asks again soon after its answer; after a 503 it waits about a second
first, as Retry-After asks. With `--anew` it opens a connection for each request, as people who look in once do.
Prints one JSON object at the end: how many of each status it got. It knows nothing of the service's limits or of
the monitor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import ssl
from collections import Counter
from dataclasses import dataclass

MAX_CLIENTS = 200
MAX_SECONDS = 120.0
_EXCHANGE_TIMEOUT_S = 15.0
# The crowd gathers over this time, so that its TLS handshakes are not one burst.
_GATHER_S = 2.0
# Pauses before the next request. Short enough that 60 clients want more than the service's 40 a second, long
# enough that some requests find a place in the queue and wait, instead of all being shed.
_AFTER_ANSWER_S = (0.1, 0.5)
_AFTER_SHED_S = (0.7, 1.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Who asks for what: `clients` of them for `seconds`, each over TLS to `address`:`port` as `name`.

    `anew`: over a new connection each time.
    """

    address: str
    port: int
    name: str
    ca_file: str
    path: str = "/check-in"
    clients: int = 60
    seconds: float = 28.0
    anew: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.clients <= MAX_CLIENTS:
            raise ValueError(f"clients must be 1..{MAX_CLIENTS}, not {self.clients}")
        if not 0 < self.seconds <= MAX_SECONDS:
            raise ValueError(f"seconds must be above 0 and at most {MAX_SECONDS:g}, not {self.seconds:g}")


async def press(crowd: Crowd) -> Counter[str]:
    """Let the crowd in until its time is over; how often each status (or `error`) was its answer."""
    context = ssl.create_default_context(cafile=crowd.ca_file)
    answers: Counter[str] = Counter()
    chance = random.Random(2022)  # noqa: S311 - spreads the clients, protects nothing
    tasks = [
        asyncio.create_task(_client(crowd, context, answers, chance, chance.uniform(0, _GATHER_S)))
        for _ in range(crowd.clients)
    ]
    done, pending = await asyncio.wait(tasks, timeout=crowd.seconds)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
    return answers


async def _client(
    crowd: Crowd, context: ssl.SSLContext, answers: Counter[str], chance: random.Random, start_s: float
) -> None:
    await asyncio.sleep(start_s)
    while True:
        try:
            async with asyncio.timeout(_EXCHANGE_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(
                    crowd.address, crowd.port, ssl=context, server_hostname=crowd.name
                )
        except (OSError, TimeoutError):
            answers["error"] += 1
            await asyncio.sleep(chance.uniform(*_AFTER_SHED_S))
            continue
        try:
            asking = True
            while asking:
                # Not wait_for: cancelled in the moment of an answer, Python 3.11's goes on as if it were not.
                async with asyncio.timeout(_EXCHANGE_TIMEOUT_S):
                    status = await _ask(crowd, reader, writer)
                answers[status] += 1
                await asyncio.sleep(chance.uniform(*(_AFTER_SHED_S if status == "503" else _AFTER_ANSWER_S)))
                asking = not crowd.anew
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            answers["error"] += 1
        finally:
            writer.close()


async def _ask(crowd: Crowd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """One request and its whole answer; its status."""
    writer.write(f"GET {crowd.path} HTTP/1.1\r\nhost: {crowd.name}\r\n\r\n".encode("ascii"))
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lengths = [int(line.partition(":")[2]) for line in head.split("\r\n") if line.startswith("content-length:")]
    if len(lengths) != 1:
        raise ValueError(f"an answer with {len(lengths)} content-length fields")
    await reader.readexactly(lengths[0])
    return head.split(" ", 2)[1]


def main() -> None:
    """Press for the given time, then print the counts."""
    parser = argparse.ArgumentParser(prog="monitor.demo.load")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--clients", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=28.0)
    parser.add_argument("--anew", action="store_true")
    given = parser.parse_args()
    crowd = Crowd(
        address=given.address, port=given.port, name=given.name, ca_file=given.ca,
        clients=given.clients, seconds=given.seconds, anew=given.anew,
    )  # fmt: skip
    print(json.dumps(dict(asyncio.run(press(crowd)))), flush=True)


if __name__ == "__main__":
    main()
