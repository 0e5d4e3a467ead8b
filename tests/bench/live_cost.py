"""Diagnosis: the share of a core that live judging takes. `python tests/bench/live_cost.py`

100 targets seen from 20 vantages every 30 s with traceroutes every 5 minutes, fed second by second as a hub does,
once calm and once with a tenth of the targets in trouble (their common server is overloaded, so that they share
one incident). CPU seconds of this process for each second of the facts' time, after a first part that is not
counted, in which all is learned.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "scenarios"))

from world import Place, Service, World, spread

from monitor.bgp.ip_to_as import PrefixTable
from monitor.config import parse_config
from monitor.diagnose import Engine, Fact, Knowledge, in_order, known_at

TARGETS, VANTAGES = 100, 20
LEARNING_S, COUNTED_S = 420.0, 300.0
START = 1_700_000_000.0
PLACES = tuple(Place(f"v{n}", 64600 + n, (64700 + n % 4,), 0.01 * (n + 1)) for n in range(VANTAGES))
SERVICES = tuple(
    Service(f"t{n}", ("198.51.0.10" if n < TARGETS // 10 else f"198.51.{n}.10",), (64500,)) for n in range(TARGETS)
)


def facts(*, troubled: bool) -> tuple[list[Fact], PrefixTable]:
    """All facts in order, and the table that maps their hops."""
    world = World(1)
    end = START + LEARNING_S + COUNTED_S
    made: list[Fact] = []
    for p, place in enumerate(PLACES):
        for s, service in enumerate(SERVICES):
            slow = troubled and s < TARGETS // 10
            for at in spread(START, end, 30, (p / VANTAGES + s / 7) % 1):
                bad = slow and at > START + LEARNING_S - 60
                made.append(world.ok(at, place, service, **({"think_s": 4.0} if bad else {})))
            made += [world.trace(at, place, service) for at in spread(START, end, 300, (p / VANTAGES + s / 7) % 1)]
    return in_order(made), PrefixTable.parse(world.table(("198.51.0.0/16", 64500)).splitlines())


def run(*, troubled: bool) -> tuple[float, int, int]:
    """CPU seconds a second of the counted part, its facts, and the incidents that are open at its end."""
    made, table = facts(troubled=troubled)
    text = "".join(f'[[target]]\nname = "{s.name}"\nurl = "https://{s.name}.example/"\n' for s in SERVICES)
    engine = Engine(Knowledge.from_config(parse_config(text, None), prefix_table=table))
    cut = next(n for n, fact in enumerate(made) if known_at(fact) > START + LEARNING_S)
    engine.feed(made[:cut])
    before, second = time.process_time(), START + LEARNING_S
    waiting: list[Fact] = []
    for fact in made[cut:]:
        if known_at(fact) >= second + 1.0:
            second = known_at(fact)
            engine.feed(waiting)
            engine.advance(second)
            waiting = []
        waiting.append(fact)
    used = time.process_time() - before
    return used / COUNTED_S, len(made) - cut, len(engine.open_incidents)


def main() -> None:
    """Print both runs."""
    for troubled in (False, True):
        share, count, incidents = run(troubled=troubled)
        name = f"{TARGETS // 10} of {TARGETS} in trouble" if troubled else "calm"
        print(f"{name:22} {count:6} facts in {COUNTED_S:.0f} s: {share:.1%} of a core, {incidents} incidents open")


if __name__ == "__main__":
    main()
