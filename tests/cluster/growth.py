"""What a second intake and a second store are worth, on a machine that has not the processors to show it.

    python tests/cluster/growth.py [--facts 60000] [--share 0.2]

Brokers, generator and PostgreSQL take most of two processors before an intake or a store takes a whole one. So
each process that is measured may only run for a `share` of every tenth of a second and is stopped for the rest, as
on a machine of its own that is so much slower; what is left of the real machine is room for all else. Agents bring
a backlog as fast as the intakes take it, with the stores standing still; then the stores keep what waits, with the
agents gone. Prints the table of GROWTH.md, which `--write` puts there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "history"), str(HERE.parents[1])]

from cluster.feeder import Feeder  # noqa: E402
from cluster.hub_roles import RoleProcess  # noqa: E402
from cluster.stage import Stage, stage  # noqa: E402
from cluster.world import World  # noqa: E402
from postgres_server import postgres_server  # noqa: E402

from monitor.bus.nats.broker import connected  # noqa: E402
from monitor.bus.nats.reader import progress  # noqa: E402
from monitor.history import Reader  # noqa: E402
from monitor.model.settings import BusSettings  # noqa: E402

PERIOD_S = 0.1
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Measured:
    """How long one kind of process was at work for all facts, and the processor time of all of them."""

    kind: str
    processes: int
    took_s: float
    spent_s: float


@contextmanager
def slowed(roles: Sequence[RoleProcess], share: float) -> Iterator[None]:
    """Each may run for its share of every period, all at the same time, for who waits for whom stays the same."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(PERIOD_S * share):
            _all(roles, signal.SIGSTOP)
            done.wait(PERIOD_S * (1.0 - share))
            _all(roles, signal.SIGCONT)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        _all(roles, signal.SIGCONT)


def _all(roles: Sequence[RoleProcess], number: signal.Signals) -> None:
    for role in roles:
        role.signal(number)


async def _kept(settings: BusSettings) -> None:
    """Until the stores have everything."""
    async with connected(settings, "growth") as broker:
        while True:
            reached = await progress(broker)
            if reached.kept >= reached.end:
                return
            await asyncio.sleep(LOOK_S)


async def _measure(up: Stage, share: float) -> list[Measured]:
    stores = [role for name, role in up.roles.items() if name.startswith("store")]
    doors = [role for name, role in up.roles.items() if name.startswith("intake")]
    world = up.world
    _all(stores, signal.SIGSTOP)
    feeder = Feeder(world, up.signers, up.urls, up.certificate)
    with slowed(doors, share):
        brought = await _timed(doors, feeder.run(float(int(time.time() - world.lasts_s - 5.0))))
    _all(doors, signal.SIGSTOP)  # they would mark on, and stores are never done with marks
    _all(stores, signal.SIGCONT)
    with slowed(stores, share):
        kept = await _timed(stores, _kept(up.brokers.settings))
    _all(doors, signal.SIGCONT)
    return [Measured("intake", len(doors), *brought), Measured("store", len(stores), *kept)]


async def _timed(roles: Sequence[RoleProcess], work: Awaitable[None]) -> tuple[float, float]:
    began, spent = time.monotonic(), sum(role.cpu_s for role in roles)
    await work
    return time.monotonic() - began, sum(role.cpu_s for role in roles) - spent


def _one(world: World, processes: int, share: float) -> list[Measured]:
    with tempfile.TemporaryDirectory() as name, postgres_server(("max_connections=60",)) as server:
        if server is None:
            sys.exit("PostgreSQL is not installed")
        place = server.history()
        doors = [f"intake-{number}" for number in range(1, processes + 1)]
        others = {f"store-{number}": ("store",) for number in range(1, processes + 1)}
        with stage(world, Path(name), place, 25, doors=doors, others=others) as up:
            found = asyncio.run(_measure(up, share))
        with Reader.open(place) as reader:
            stored = sum(1 for _ in reader.observations(0.0, 1e11, kind="http"))
        wanted = round(world.rate * world.lasts_s)
        if stored != wanted:
            sys.exit(f"{stored} of {wanted} facts are stored")
        return found


def _report(world: World, share: float, found: Sequence[Measured]) -> str:
    facts = round(world.rate * world.lasts_s)
    alone = {one.kind: one.took_s for one in found if one.processes == 1}
    lines = [
        "# What a second process is worth",
        "",
        f"`python tests/cluster/growth.py --facts {facts} --share {share:g}`, on {os.cpu_count()} processors:"
        f" {facts:,} facts of {world.vantages} vantages; each process measured may run {share:.0%} of the time.",
        "",
        "| role | processes | facts a second | with one | processor time a fact |",
        "|---|---|---|---|---|",
        *(
            f"| {one.kind} | {one.processes} | {facts / one.took_s:,.0f} | {alone[one.kind] / one.took_s:.2f}"
            f" | {one.spent_s / facts * 1e6:.0f} µs |"
            for one in sorted(found, key=lambda one: (one.kind, one.processes))
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=60_000)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--write", action="store_true", help="write GROWTH.md")
    given = parser.parse_args()
    vantages, targets = 20, 98
    world = World(seed=1, vantages=vantages, targets=targets, interval_s=5.0,
                  lasts_s=5.0 * max(1, given.facts // (vantages * (targets + 2))))  # fmt: skip
    found = [one for processes in (1, 2) for one in _one(world, processes, given.share)]
    report = _report(world, given.share, found)
    print(report)
    if given.write:
        (HERE / "GROWTH.md").write_text(report)


if __name__ == "__main__":
    main()
