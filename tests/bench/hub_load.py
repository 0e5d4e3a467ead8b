"""How long a hub takes to acknowledge: 100 agents with 200 targets every 30 s, 667 facts a second, diagnosis on.

`python tests/bench/hub_load.py [--seconds 30] [--outage 300]` starts `whydown hub` as a process of its own and
brings it facts with the agents' own link: TLS, signatures, one batch a second from each. Prints the time from
sending a batch to its receipt (the facts are on the disk then) and what of a processor the hub used; and both
again while every agent has the backlog of an outage besides, of so many seconds, of which it brings 500 facts at
a time as fast as the hub lets it, and how long that took. What is fresh and what is late are measured before and
after, from one hub.

The hub has one processor, and nobody else of this program; the backlog has a process of its own, so that what it
costs to make is not measured as the hub's slowness. `--nice -15` (root) for a machine that others use: also that
of the sessions, by which Linux shares processors among those who work (autogroup in sched(7)).
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
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess as Process
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


async def _steady(agent: Agent, until: Callable[[], bool], times: list[float | None]) -> None:
    await asyncio.sleep(random.Random(agent.vantage).random())
    last = time.monotonic()
    while not until():
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


async def _backlog(agent: Agent, owed: int, until: float) -> int:
    """How many late facts the hub took; as the agent's postman, which waits as the hub asks."""
    brought = 0
    while brought < owed and time.monotonic() < until:
        began, facts = time.monotonic(), agent.late(min(LATE_BATCH, owed - brought))
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


def _bring_backlogs(
    url: str, keys: list[bytes], certificate: Path, outage_s: float, longest_s: float, out: Connection
) -> None:
    """A process of its own: all agents' backlogs; how many facts were brought, and in how many seconds."""

    os.nice(10)  # a hundred machines' work beside those on which the time is taken

    async def run() -> tuple[int, float]:
        private = [Ed25519PrivateKey.from_private_bytes(key) for key in keys]
        agents = [Agent(n, url, key, certificate, ago_s=1e5) for n, key in enumerate(private)]
        for agent in agents:
            await agent.bring([])
        out.send(None)
        began, owed = time.monotonic(), round(outage_s * FACTS_PER_S)
        found = await asyncio.gather(*(_backlog(agent, owed, began + longest_s) for agent in agents))
        took_s = time.monotonic() - began
        for agent in agents:
            await agent.link.aclose()
        return sum(found), took_s

    out.send(asyncio.run(run()))


def _say(what: str, times: list[float | None], cpu_s: float, seconds: float) -> None:
    good = sorted(one for one in times if one is not None)
    p50, p95, p99 = (good[int(len(good) * share)] * 1e3 for share in (0.5, 0.95, 0.99))
    print(
        f"{what}: {len(good)} batches, {len(times) - len(good)} refused; "
        f"acknowledged within p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, all {good[-1] * 1e3:.0f} ms; "
        f"hub used {cpu_s / seconds:.2f} processors, {cpu_s / len(times) * 1e3:.1f} ms a batch of these"
    )


async def _measure(what: str, agents: list[Agent], pid: int, until: Callable[[], bool]) -> None:
    times: list[float | None] = []
    cpu_s, began = _cpu_s(pid), time.monotonic()
    async with asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(_steady(agent, until, times))
    _say(what, times, _cpu_s(pid) - cpu_s, time.monotonic() - began)


async def _measure_burst(
    agents: list[Agent], pid: int, backlogs: Process, ends: Connection, its: Connection
) -> None:
    """While a backlog is brought, until it is at an end.

    :raises EOFError: its process died
    """
    backlogs.start()
    its.close()  # ours of it, so that its end is known
    await asyncio.to_thread(ends.recv)
    cpu_s = _cpu_s(pid)
    await _measure("while a backlog is brought", agents, pid, ends.poll)
    brought, took_s = ends.recv()
    cpu_s = _cpu_s(pid) - cpu_s
    backlogs.join()
    rate = brought / took_s
    print(
        f"  of the backlog {brought} facts in {took_s:.0f} s: {rate:.0f} a second,"
        f" {rate / (AGENTS * FACTS_PER_S):.1f} times what is measured; {cpu_s / brought * 1e6:.0f} us of the hub's"
        " processor a fact, with what is fresh"
    )


def _go_before_others(pid: int, nice: int) -> None:
    os.setpriority(os.PRIO_PROCESS, pid, nice)
    with suppress(OSError):  # a kernel without autogroups
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--outage", type=float, default=300.0, help="seconds of facts in each agent's backlog")
    parser.add_argument("--longest", type=float, default=120.0, help="seconds after which the backlog is given up")
    parser.add_argument("--nice", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = [Ed25519PrivateKey.generate() for _ in range(AGENTS)]
        url, certificate = _configure(folder, [Signer(key) for key in keys]), folder / "hub-certificate.pem"
        context = multiprocessing.get_context("spawn")
        with (folder / "log").open("wb") as log:
            processors = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, processors[-1:])  # the hub's, which inherits it
            hub = subprocess.Popen(
                [sys.executable, "-m", "monitor", "hub"], cwd=folder, stdout=log, stderr=log,
                env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, start_new_session=True,
            )  # fmt: skip
            os.sched_setaffinity(0, processors[:-1] or processors)
        if given.nice:
            _go_before_others(hub.pid, given.nice)
            _go_before_others(os.getpid(), given.nice)
        try:
            while b"event=listening" not in (folder / "log").read_bytes():
                if hub.poll() is not None:
                    sys.exit((folder / "log").read_text())
                time.sleep(0.1)

            mine, theirs = context.Pipe(duplex=False)
            given_keys = [key.private_bytes_raw() for key in keys]
            backlogs = context.Process(
                target=_bring_backlogs, args=(url, given_keys, certificate, given.outage, given.longest, theirs)
            )

            async def run() -> None:
                agents = [Agent(number, url, key, certificate) for number, key in enumerate(keys)]
                for agent in agents:  # handshakes, and the vantages' first rows
                    await agent.bring([])
                ends_at = time.monotonic() + given.seconds
                await _measure("steady", agents, hub.pid, lambda: time.monotonic() >= ends_at)
                await _measure_burst(agents, hub.pid, backlogs, mine, theirs)
                for agent in agents:
                    await agent.link.aclose()

            asyncio.run(run())
        finally:
            hub.send_signal(signal.SIGTERM)
            hub.wait(30)


if __name__ == "__main__":
    main()
