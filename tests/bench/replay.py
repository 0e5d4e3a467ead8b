"""Diagnosis: facts per core-second, calm and in trouble. `python tests/bench/replay.py [--hours 24]`

Makes facts of 10 targets seen from 20 vantages every 30 s, with traceroutes every 5 minutes and route
messages, once with nothing wrong and once with one target overloaded all the time, and feeds both to the
engine. CPU seconds of this process; the two runs and their ratio are made in the same process.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "scenarios"))

import msgspec
from world import Place, Service, World, announcement, spread

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.ris_live import decode as decode_route
from monitor.config import parse_config
from monitor.diagnose import Engine, Fact, Knowledge, in_order

PLACES = tuple(Place(f"v{n}", 64600 + n, (64700 + n % 4,), 0.01 * (n + 1)) for n in range(20))
SERVICES = tuple(Service(f"t{n}", (f"198.51.{n}.10",), (64500 + n,)) for n in range(10))
START = 1_700_000_000.0


def facts(overloaded: bool, hours: float) -> tuple[list[Fact], PrefixTable]:
    """The facts of so many hours in order, and the table that maps their hops."""
    world = World(1)
    end = START + hours * 3600
    made: list[Fact] = []
    for p, place in enumerate(PLACES):
        for s, service in enumerate(SERVICES):
            slow = overloaded and s == 0
            for at in spread(START, end, 30, (p / 20 + s / 7) % 1):
                bad = slow and at > START + 1800
                made.append(world.ok(at, place, service, **({"think_s": 4.0} if bad else {})))
            made += [world.trace(at, place, service) for at in spread(START, end, 300, (p / 20 + s / 7) % 1)]
    for at in spread(START, end, 2.0, 0.5):
        peer = (f"198.19.0.{int(at) % 200}", 64700, "rrc00")
        number = int(at) % 10
        route = announcement(at, peer, (64700, 64777 + int(at) % 2, 64500 + number), f"198.51.{number}.0/24")
        made += decode_route(msgspec.json.encode(route))
    table = world.table(*((f"198.51.{n}.0/24", 64500 + n) for n in range(10)))
    return in_order(made), PrefixTable.parse(table.splitlines())


def run(overloaded: bool, hours: float) -> tuple[int, float, int]:
    """Facts, CPU seconds and incidents of one run."""
    made, table = facts(overloaded, hours)
    text = "".join(f'[[target]]\nname = "{s.name}"\nurl = "https://{s.name}.example/"\n' for s in SERVICES)
    engine = Engine(Knowledge.from_config(parse_config(text, None), prefix_table=table))
    before = time.process_time()
    changes = engine.feed(made)
    return len(made), time.process_time() - before, len({change.incident.id for change in changes})


def main() -> None:
    """Print both runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2.0, help="length of what is replayed (default 2)")
    hours = parser.parse_args().hours
    for overloaded in (False, True):
        count, seconds, incidents = run(overloaded, hours)
        day = seconds * 24 / hours
        print(
            f"{'one target overloaded' if overloaded else 'calm':22} {count:7} facts {seconds:6.2f} s CPU "
            f"{count / seconds:8.0f} facts/s, {incidents} incidents; a day of it: {day:.0f} s"
        )


if __name__ == "__main__":
    main()
