"""RIS Live: messages per core-second, memory, and how soon a message is known.

`python tests/bench/ris_live.py [--messages N] [--mrt FILE]`

First in this process, from bytes: decode, filter and the state of each peer (the route-event detector), with
1,000 watched prefixes. `whole feed` is what a collector says of 20,000 other prefixes, one message in a hundred
of a watched one; `subscribed` is of watched prefixes alone; `--mrt` adds the updates of a real collector's
file. Then `contest/subject.py`, the real feeds behind a real websocket: the same two, with the socket's cost;
the delay from sending a hijack to its line at 5,000 messages a second; and resident memory over N messages
(default 5 million; 50 million take some ten minutes). Seconds are CPU seconds of the process that works.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import itertools
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from contest.messages import ORIGIN, Message, churn, hijack, inside, strangers, usual, watched
from contest.monitors import Ours
from ris_live_beside_bgpalerter import STEP_S, ended, push, started, volleys

from monitor.bgp.episodes import Declared, RouteDetector
from monitor.bgp.mrt import read_mrt
from monitor.bgp.ris_live import Reader
from monitor.bgp.watch import Watch
from monitor.demo.ris_live_server import Prepared, RisLiveServer
from monitor.history.ris_lines import ris_line
from monitor.model import Asn, Prefix, RouteEvent

WATCHED = watched(1000)
RELEVANT_SHARE = 0.01
PIECE = 500


def whole_feed(count: int) -> list[Message]:
    """Mostly of others."""
    draw = random.Random(3)
    mixed = strangers(int(count * (1 - RELEVANT_SHARE))) + churn(WATCHED, int(count * RELEVANT_SHARE))
    draw.shuffle(mixed)
    return mixed


def as_lines(messages: list[Message]) -> list[bytes]:
    """As the server would write them."""
    return [json.dumps({"type": "ris_message", "data": message}).encode() for message in messages]


def from_mrt(path: Path) -> Iterator[bytes]:
    """A collector's updates, a prefix a message."""
    for fact in itertools.islice(read_mrt(path), 100_000):
        line = ris_line(fact)
        if line is not None:
            yield b'{"type":"ris_message","data":%s}' % line


def in_process(name: str, lines: list[bytes], nets: list[Prefix]) -> None:
    """Messages per core-second from bytes to each peer's state."""
    watch, detector = Watch(nets), RouteDetector()
    for net in nets:
        detector.watch_prefix("service", net, Declared(origins=frozenset({Asn(ORIGIN)})))
    detector.settle(time.time())
    reader, relevant = Reader(watch.wants), 0
    for line in as_lines(usual(WATCHED[:100])):
        for fact in reader.receive(line).facts:
            detector.apply(fact)  # type: ignore[arg-type]
    begun = time.process_time()
    for line in lines:
        facts = reader.receive(line).facts
        relevant += bool(facts)
        for fact in facts:
            detector.apply(fact)  # type: ignore[arg-type]
    rate = len(lines) / (time.process_time() - begun)
    print(f"{name:34} {rate:9,.0f} messages/core-second, {relevant / len(lines):6.1%} relevant")


async def over_websocket(name: str, server: RisLiveServer, messages: list[Message], *, to_all: bool) -> None:
    """The same through the real feeds: CPU of their process, user and kernel."""
    subject = Ours()
    await started(server, subject, WATCHED[:100] if not to_all else WATCHED, tell=False)
    prepared = [Prepared(message) for message in messages]
    sent, before = 0, subject.cpu_s()
    send = server.push_to_all if to_all else server.push_many
    for _ in range(5):
        for start in range(0, len(prepared), PIECE):
            send(prepared[start : start + PIECE])
            await server.wait_until_read(256 * 1024)
        sent += len(prepared)
    taken = inside(WATCHED[0], 5)
    push(server, hijack(taken))
    assert await subject.reported(taken, within_s=60)
    print(f"{name:34} {sent / (subject.cpu_s() - before):9,.0f} messages/core-second")
    await ended(server, subject)


class Echo:
    """`cat` in a process of its own: what a line through another process takes on this machine just now."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def start(self) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self._reading = asyncio.create_task(self._read())

    def ask(self) -> None:
        """Send it the time."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{time.monotonic()!r}\n".encode())

    async def stop(self) -> None:
        """End it once it has answered all."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._reading
        await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.waits.append(time.monotonic() - float(line))


def percentiles(waits: list[float]) -> str:
    """Of seconds, in milliseconds."""
    ordered = sorted(waits)
    shown = (f"p{share} {ordered[len(ordered) * share // 100] * 1e3:.1f}" for share in (50, 90, 99))
    return f"{', '.join(shown)}, max {ordered[-1] * 1e3:.1f} ms"


async def delays(server: RisLiveServer, per_s: int, count: int) -> None:
    """From sending a hijack to its line, amid relevant messages; beside it, at the same moments, a line through a
    process that does nothing, which is what the machine adds, and its load."""
    subject, echo = Ours(), Echo()
    await started(server, subject, WATCHED[:50])
    await echo.start()
    life = volleys(server, churn(WATCHED[:50], per_s), int(per_s * STEP_S))
    taken = [inside(WATCHED[n % 50], n // 50) for n in range(count)]
    sent: dict[str, float] = {}
    every = 10
    before, begun = subject.cpu_s(), time.monotonic()
    for step in range(count * every):
        server.push_volley(life[step % len(life)])
        if step % every == 0:
            prefix = taken[step // every]
            sent[prefix] = push(server, hijack(prefix))
            echo.ask()
        await asyncio.sleep(max(begun + (step + 1) * STEP_S - time.monotonic(), 0))
    busy = (subject.cpu_s() - before) / (time.monotonic() - begun)
    await subject.reported(taken[-1])
    known = {line.split()[2]: at for at, line in ((r.at, r.line) for r in subject.reports) if "opened" in line}
    waits = [known[prefix] - at for prefix, at in sent.items() if prefix in known]
    await echo.stop()
    print(
        f"{f'hijack known, at {per_s:,}/s':34} {percentiles(waits)}; {len(waits)} of {count}; an idle process "
        f"beside it {percentiles(echo.waits)}; ours took {busy:.0%} of a core, load {os.getloadavg()[0]:.1f}"
    )
    await ended(server, subject)


async def memory(server: RisLiveServer, count: int) -> None:
    """Resident memory while ever other prefixes pass by."""
    subject = Ours()
    await started(server, subject, WATCHED, tell=False)
    sizes: list[tuple[int, float]] = []
    sent, tenth = 0, max(count // 10, PIECE)
    pool = [[Prepared(message) for message in strangers(20_000, 1_000_000, seed)] for seed in range(5)]
    pool.append([Prepared(message) for message in churn(WATCHED, 20_000)])
    while sent < count:
        for messages in pool:
            for start in range(0, len(messages), PIECE):
                server.push_to_all(messages[start : start + PIECE])
                await server.wait_until_read(256 * 1024)
                sent += PIECE
                if sent // tenth > len(sizes):
                    sizes.append((sent, subject.rss_mb()))
    shown = ", ".join(f"{mb:.0f}" for _, mb in sizes)
    (first_at, first), (last_at, last) = sizes[1], sizes[-1]
    slope = (last - first) / (last_at - first_at) * 1e6
    print(f"{f'memory over {count:,}':34} {shown} MB; {slope:+.2f} MB a million after the first fifth")
    await ended(server, subject)


async def with_server(count: int) -> None:
    """All that goes over a socket."""
    async with RisLiveServer(most_waiting_bytes=256 * 1024 * 1024) as server:
        feed, life = whole_feed(50_000), churn(WATCHED[:100], 20_000)
        await over_websocket("whole feed, over the websocket", server, feed, to_all=True)
        await over_websocket("subscribed, over the websocket", server, life, to_all=False)
        await delays(server, 5_000, 200)
        await memory(server, count)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--mrt", type=Path, default=None)
    asked = parser.parse_args()
    nets: list[Prefix] = [ipaddress.ip_network(text) for text in WATCHED]
    in_process("whole feed", as_lines(whole_feed(100_000)), nets)
    in_process("subscribed", as_lines(churn(WATCHED[:100], 100_000)), nets)
    if asked.mrt is not None:
        lines = list(from_mrt(asked.mrt))
        seen = sorted({fact.prefix for fact in read_mrt(asked.mrt) if isinstance(fact, RouteEvent)}, key=str)
        in_process(f"{asked.mrt.name[:33]}", lines, random.Random(1).sample(seen, min(1000, len(seen))))
    asyncio.run(with_server(asked.messages))


if __name__ == "__main__":
    main()
