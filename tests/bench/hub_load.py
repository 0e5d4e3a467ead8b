"""How long a hub takes to acknowledge: 100 agents with 200 targets every 30 s, 667 facts a second, diagnosis on.

`python tests/bench/hub_load.py [--seconds 60]` starts `whydown hub` as a process of its own and brings it facts
with the agents' own link: TLS, signatures, one batch a second from each. Prints the time from sending a batch to
its receipt (the facts are on the disk then), what of a processor the hub used, and both again while every agent
has an outage's backlog besides, of which it brings 500 facts at a time as fast as the hub lets it. The backlog has
a process of its own here, so that what it costs to make is not measured as the hub's slowness; and the hub has one
processor to itself, where there are several. `--nice -15` (root) for a machine that others use.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from monitor.agent.hub_link import HubLink, LinkError, hub_context
from monitor.agent.postman import BACKLOG_EVERY_S
from monitor.link.enrolment import make_hub_certificate
from monitor.link.messages import Batch, Numbered, Receipt
from monitor.link.signature import Signer
from probes import HttpObservation

AGENTS, TARGETS, INTERVAL_S = 100, 200, 30.0
LATE_BATCH = 500
FACTS_PER_S = TARGETS / INTERVAL_S
REPOSITORY = Path(__file__).resolve().parents[2]


class Agent:
    """Facts of one vantage, as its spool would hand them out."""

    def __init__(self, number: int, url: str, key: Ed25519PrivateKey, certificate: Path, *, ago_s: float = 0.0):
        self.vantage = f"vantage-{number:03}"
        self.link = HubLink(url, Signer(key), hub_context(certificate))
        self._dice = random.Random(number)
        self._sequence = int((time.time() - ago_s) * 1e6)
        self._target = self._dice.randrange(TARGETS)
        self._owed = 0.0

    def fresh(self, passed_s: float) -> list[Numbered]:
        """What was measured in the last `passed_s` seconds."""
        self._owed += passed_s * FACTS_PER_S
        count, self._owed = int(self._owed), self._owed % 1.0
        return [self._numbered(time.time() - self._dice.random()) for _ in range(count)]

    def late(self, count: int) -> list[Numbered]:
        """What was measured an hour ago."""
        return [self._numbered(time.time() - 3600.0 + number * 0.1) for number in range(count)]

    async def bring(self, facts: list[Numbered], *, late: bool = False) -> Receipt:
        """Until the receipt.

        :raises LinkError: the hub did not take it
        """
        batch = Batch(vantage=self.vantage, sent_at=time.time(), facts=tuple(facts), late=late)
        return await self.link.send(batch)

    def _numbered(self, at: float) -> Numbered:
        self._sequence += 1
        self._target = (self._target + 1) % TARGETS
        rtt = 0.01 + self._dice.random() / 1000
        seen = HttpObservation(
            at=round(at, 3), vantage=self.vantage, target=f"target-{self._target:03}", address="198.51.100.7",
            family=4, status=200, http_version="HTTP/1.1", dns_s=0.002, connect_s=round(rtt, 6), tls_s=0.012,
            wait_s=round(rtt + 0.03, 6), receive_s=0.001, total_s=round(3 * rtt + 0.05, 6),
            kernel_rtt_s=round(rtt, 6),
            spki_sha256="ab" * 32, certificate_sha256="cd" * 32, issuer="CN=Example CA", body_bytes=512,
            body_sha256="ef" * 32,
        )  # fmt: skip
        return Numbered(self._sequence, msgspec.Raw(msgspec.msgpack.encode(seen)))


def _configure(folder: Path, signers: list[Signer]) -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    make_hub_certificate(folder / "hub-certificate.pem", folder / "hub-key.pem", ["127.0.0.1"], datetime.now(UTC))
    text = f'[history]\npath = "h.db"\n[hub]\nlisten = "127.0.0.1:{port}"\n'
    for number in range(TARGETS):
        text += f'[[target]]\nname = "target-{number:03}"\nurl = "https://t{number}.example/"\n'
    text += "[vantages]\n"
    text += "".join(f'vantage-{number:03}.keys = ["{signer.key}"]\n' for number, signer in enumerate(signers))
    (folder / "config.toml").write_text(text)
    return f"https://127.0.0.1:{port}"


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _steady(agent: Agent, until: float, times: list[float | None]) -> None:
    await asyncio.sleep(random.Random(agent.vantage).random())
    last = time.monotonic()
    while time.monotonic() < until:
        await asyncio.sleep(max(1.0 - (time.monotonic() - last), 0.0))
        now = time.monotonic()
        facts, began = agent.fresh(now - last), time.perf_counter()
        try:
            await agent.bring(facts)
            times.append(time.perf_counter() - began)
        except LinkError as error:
            print(f"{agent.vantage}: {error}", file=sys.stderr)
            times.append(None)
        last = now


async def _backlog(agent: Agent, until: float) -> int:
    """How many late facts the hub took; as the agent's postman, which waits as the hub asks."""
    brought = 0
    while time.monotonic() < until:
        began, facts = time.monotonic(), agent.late(LATE_BATCH)
        while time.monotonic() < until:
            try:
                pause_s = (await agent.bring(facts, late=True)).backlog_pause_s
            except LinkError as error:
                if error.retry_after_s is None:
                    raise
                await asyncio.sleep(error.retry_after_s * random.uniform(1.0, 1.5))
                continue
            brought += len(facts)
            await asyncio.sleep(max(BACKLOG_EVERY_S - (time.monotonic() - began), pause_s))
            break
    return brought


def _bring_backlogs(url: str, keys: list[bytes], certificate: Path, seconds: float, out: Connection) -> None:
    """A process of its own: all agents' backlogs."""

    async def run() -> int:
        private = [Ed25519PrivateKey.from_private_bytes(key) for key in keys]
        agents = [Agent(n, url, key, certificate, ago_s=1e5) for n, key in enumerate(private)]
        until = time.monotonic() + seconds
        found = await asyncio.gather(*(_backlog(agent, until) for agent in agents))
        for agent in agents:
            await agent.link.aclose()
        return sum(found)

    out.send(asyncio.run(run()))


def _say(what: str, times: list[float | None], cpu_s: float, seconds: float) -> None:
    good = sorted(one for one in times if one is not None)
    p50, p95, p99 = (good[int(len(good) * share)] * 1e3 for share in (0.5, 0.95, 0.99))
    print(
        f"{what}: {len(good)} batches, {len(times) - len(good)} refused; "
        f"acknowledged within p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms; "
        f"hub used {cpu_s / seconds:.2f} processors, {cpu_s / len(times) * 1e3:.1f} ms a batch of these"
    )


async def _measure(agents: list[Agent], pid: int, seconds: float, backlogs: Callable[[], int] | None) -> None:
    times: list[float | None] = []
    late = asyncio.create_task(asyncio.to_thread(backlogs)) if backlogs else None
    cpu_s, until = _cpu_s(pid), time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(_steady(agent, until, times))
    _say("with a backlog besides" if late else "steady", times, _cpu_s(pid) - cpu_s, seconds)
    if late:
        rate = await late / seconds
        ratio = rate / (AGENTS * FACTS_PER_S)
        print(f"  of the backlog {rate:.0f} facts a second, {ratio:.1f} times what is measured")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--nice", type=int, default=0)
    given = parser.parse_args()
    os.nice(given.nice)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = [Ed25519PrivateKey.generate() for _ in range(AGENTS)]
        url, certificate = _configure(folder, [Signer(key) for key in keys]), folder / "hub-certificate.pem"
        context = multiprocessing.get_context("spawn")
        with (folder / "log").open("wb") as log:
            processors = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, processors[-1:])  # the hub's, which inherits it
            hub = subprocess.Popen([sys.executable, "-m", "monitor", "hub"], cwd=folder, stdout=log, stderr=log,
                                   env=os.environ | {"PYTHONPATH": str(REPOSITORY)})  # fmt: skip
            os.sched_setaffinity(0, processors[:-1] or processors)
        try:
            while b"event=listening" not in (folder / "log").read_bytes():
                if hub.poll() is not None:
                    sys.exit((folder / "log").read_text())
                time.sleep(0.1)

            def backlogs() -> int:
                mine, theirs = context.Pipe(duplex=False)
                given_keys = [key.private_bytes_raw() for key in keys]
                process = context.Process(
                    target=_bring_backlogs, args=(url, given_keys, certificate, given.seconds, theirs)
                )
                process.start()
                found: int = mine.recv()
                process.join()
                return found

            async def run() -> None:
                agents = [Agent(number, url, key, certificate) for number, key in enumerate(keys)]
                for agent in agents:  # handshakes, and the vantages' first rows
                    await agent.bring([])
                await _measure(agents, hub.pid, given.seconds, None)
                await _measure(agents, hub.pid, given.seconds, backlogs)
                for agent in agents:
                    await agent.link.aclose()

            asyncio.run(run())
        finally:
            hub.send_signal(signal.SIGTERM)
            hub.wait(30)


if __name__ == "__main__":
    main()
