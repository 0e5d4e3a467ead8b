"""Ten minutes of facts over a cluster whose parts are taken away at random, and what became of them.

    python tests/cluster/run.py --minutes 10 --rate 5000 [--seed 1] [--faults 12] [--file] [--write]

Starts on this machine: a JetStream cluster of three brokers, PostgreSQL, two intakes, two stores, three
diagnosers, feeds, alert, and a mail server; brings the facts of simulated vantages over TLS and injects faults.
`--file`: the history is a SQLite file, with stores, diagnosis and alert in one process. Prints a table, which
`--write` puts at the top of RESULTS.md. Exit 1: something was lost, came twice, or was concluded otherwise than by
a single engine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "history"), str(HERE.parents[1])]

from cluster.broker_network import BrokerNetwork  # noqa: E402
from cluster.brokers import NODES  # noqa: E402
from cluster.database import Database  # noqa: E402
from cluster.play import Played, play  # noqa: E402
from cluster.world import CONTROLS, World  # noqa: E402
from postgres_server import postgres_server  # noqa: E402

from monitor.demo.namespaces import enter_private  # noqa: E402
from monitor.model.history_place import HistoryPlace  # noqa: E402

FAULTS = ("intake", "broker", "store", "diagnose", "cut", "database", "stall", "alert", "power")
FAULTS_ON_A_FILE = ("intake", "broker", "keeper", "cut", "stall", "power")
QUIET_S = 20.0
"""At the beginning and at the end, and between two faults at least half of it."""


def _network() -> BrokerNetwork | None:
    """Inside a private network, which this becomes; None: that may not be, and a broker is cut off by standing
    still.
    """
    if os.geteuid() != 0:
        return None
    because = enter_private([sys.executable, *sys.argv])
    if because is not None:
        print(f"brokers are on the loopback: {because}", file=sys.stderr)
        return None
    return BrokerNetwork(NODES)


def _world(given: argparse.Namespace) -> World:
    """Vantages and targets for the rate; each target is measured every five seconds."""
    interval_s = 5.0
    vantages = max(5, min(50, round((given.rate * interval_s) ** 0.5 / 2)))
    targets = max(1, round(given.rate * interval_s / vantages) - len(CONTROLS))
    return World(
        seed=given.seed, vantages=vantages, targets=targets, interval_s=interval_s, lasts_s=60.0 * given.minutes
    )


def _faults(world: World, count: int, names: tuple[str, ...]) -> list[tuple[float, str]]:
    """Every kind in turn, at times by the seed."""
    dice = random.Random(world.seed)
    step = (world.lasts_s - 2 * QUIET_S) / max(count, 1)
    return [
        (QUIET_S + (number + dice.uniform(0.0, 0.5)) * step, names[number % len(names)]) for number in range(count)
    ]


@contextmanager
def _history(on_a_file: bool, folder: Path) -> Iterator[tuple[HistoryPlace, Database | None]]:
    if on_a_file:
        yield folder / "h.db", None
        return
    with postgres_server(("max_connections=60", "shared_buffers=128MB")) as server:
        if server is None:
            sys.exit("PostgreSQL is not installed")
        yield server.history(), Database(server)


def _report(
    world: World, played: Played, given: argparse.Namespace, before: tuple[float, float, float]
) -> list[str]:
    facts = played.outcome.sent
    return [
        f"# {facts:,} facts over a cluster with faults",
        "",
        f"`python tests/cluster/run.py --minutes {given.minutes:g} --rate {given.rate:g} --seed {given.seed}"
        f" --faults {given.faults}{' --file' * given.file}`, on {os.cpu_count()} processors: {world.vantages}"
        f" vantages, {world.targets} targets, {len(world.troubles())} troubles; wanted {world.rate:.0f} facts a"
        f" second, reached {facts / played.took_s:.0f} over {played.took_s:.0f} s. Agents tried"
        f" {played.count.tries} batches again, and brought {played.count.again} facts once more."
        f" Load of the machine: {before[0]:.0f} at the start, {os.getloadavg()[0]:.0f} at the end."
        f" History: {'SQLite' if given.file else 'PostgreSQL'}."
        + (f" Behind in the end: {', '.join(played.unjudged)}." if played.unjudged else ""),
        "",
        "| | |",
        "|---|---|",
        *played.outcome.lines(),
        "",
        "| second | fault |",
        "|---|---|",
        *(f"| {fault.at:.0f} | {fault.what} |" for fault in played.faults),
        "",
        "| process | processor time | a fact |",
        "|---|---|---|",
        *(f"| {name} | {spent:.1f} s | {spent / facts * 1e6:.0f} µs |" for name, spent in played.cpu_s.items()),
    ]


def main() -> None:
    """Run, print, and say whether it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--rate", type=float, default=500.0, help="facts a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=8)
    parser.add_argument("--file", action="store_true", help="SQLite instead of PostgreSQL")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for logs that stays")
    parser.add_argument("--write", action="store_true", help="put it into RESULTS.md")
    given = parser.parse_args()
    # Who ends it wants its processes ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    network = _network()
    world, load = _world(given), os.getloadavg()
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        folder.mkdir(exist_ok=True)
        with _history(given.file, folder) as (place, database):
            faults = _faults(world, given.faults, FAULTS_ON_A_FILE if given.file else FAULTS)
            played = asyncio.run(play(world, folder, place, faults, database=database, network=network))
    report = "\n".join(_report(world, played, given, load)) + "\n"
    print(report)
    if given.write:
        results = HERE / "RESULTS.md"
        results.write_text(f"{report}\n{results.read_text()}")
    sys.exit(0 if played.outcome.holds else 1)


if __name__ == "__main__":
    main()
