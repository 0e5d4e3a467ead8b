"""What a fact costs each role of a hub at a bus, in processor time and bytes; without brokers, TLS, PostgreSQL.

`python tests/bench/bus_cost.py [--vantages 40] [--targets 100] [--rounds 6]` takes the facts of simulated
vantages the way that they take: decoded and checked as at a door, loaded into crates and packed; unpacked, joined
and kept in a SQLite file; unpacked, known as new, and judged by all partitions' engines; and read again from that
file by who takes a partition over. Marginal costs: what a process costs that has nothing to do (leases, marks) is
not among them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import msgspec

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "cluster"), str(HERE.parents[2])]

from cluster.world import World  # noqa: E402

from monitor.bus.crate import pack_crate, unpack_crate  # noqa: E402
from monitor.bus.loading import Load, joined, load  # noqa: E402
from monitor.bus.partition import Partitions  # noqa: E402
from monitor.bus.seen import Seen  # noqa: E402
from monitor.diagnose.engine import Engine  # noqa: E402
from monitor.diagnose.fact import known_at  # noqa: E402
from monitor.diagnose.knowledge import Knowledge  # noqa: E402
from monitor.history import Store  # noqa: E402
from monitor.history.shipment import Shipment  # noqa: E402
from monitor.hub.fact_order import FactOrder  # noqa: E402
from monitor.hub.keeping import Keeper  # noqa: E402
from monitor.hub.roles.share import share_of  # noqa: E402
from monitor.hub.warm_start import engine_from_history  # noqa: E402
from monitor.link.messages import Batch, Numbered  # noqa: E402
from monitor.link.packing import pack, unpack  # noqa: E402
from probes.observation import Observation  # noqa: E402

START = 1_800_000_000.0
INTERVAL_S = 30.0
TOGETHER = 20
"""Batches that come while a door waits for others: those of 20 ms."""


def _batches(world: World) -> list[bytes]:
    """What agents send: a batch for each vantage and round."""
    found = []
    for number in range(world.vantages):
        rounds: dict[int, list[Observation]] = defaultdict(list)
        for fact in world.facts(number, START):
            rounds[int((fact.at - START) / world.interval_s)].append(fact)
        for place, facts in rounds.items():
            numbered = tuple(
                Numbered(1 + place * 10_000 + n, msgspec.Raw(msgspec.msgpack.encode(fact)))
                for n, fact in enumerate(facts)
            )
            sent_at = START + (place + 1) * world.interval_s
            batch = Batch(vantage=world.vantage_names[number], sent_at=sent_at, facts=numbered)
            found.append((place, pack(batch)))
    return [body for _, body in sorted(found, key=lambda one: one[0])]


def _at_the_door(bodies: list[bytes], partitions: Partitions) -> list[tuple[Load, bytes]]:
    decoder: msgspec.msgpack.Decoder[Observation] = msgspec.msgpack.Decoder(Observation)
    sent: list[tuple[Load, bytes]] = []
    for first in range(0, len(bodies), TOGETHER):
        shipments = []
        for body in bodies[first : first + TOGETHER]:
            batch = unpack(body, Batch)
            facts = [(one.sequence, decoder.decode(one.fact)) for one in batch.facts]
            shipments.append(
                Shipment(vantage=batch.vantage, received_at=batch.sent_at, sent_at=batch.sent_at, facts=facts)
            )
        sent += [(one, pack_crate(one.crate)) for one in load(shipments, (), partitions)]
    return sent


def _in_the_store(sent: list[tuple[Load, bytes]], folder: Path) -> None:
    homes = [body for one, body in sent if not one.is_copy]
    with Store.open(folder / "h.db") as store:
        keeper = Keeper(store)
        for first in range(0, len(homes), 100):
            parts = [part for body in homes[first : first + 100] for part in unpack_crate(body).shipments]
            keeper.keep((), joined(parts))


def _at_the_judges(sent: list[tuple[Load, bytes]], world: World, partitions: Partitions) -> None:
    knowledge = Knowledge.from_config(world.config())
    for partition in partitions.used:
        engine, order, seen = Engine(share_of(knowledge, partition, partitions)), FactOrder(), Seen()
        for body in (body for one, body in sent if one.partition == partition):
            for part in unpack_crate(body).shipments:
                facts = list(seen.fresh(part.vantage, part.facts))
                order.push(facts)
                until = max((known_at(fact) for fact in facts), default=START) - world.interval_s
                engine.feed(order.release(until))
                engine.advance(until)


def _taken_over(world: World, partitions: Partitions, folder: Path) -> tuple[int, float]:
    """The first partition's owner begins anew: how many facts concern it, and the time for all of them."""
    partition = partitions.used[0]
    knowledge = share_of(Knowledge.from_config(world.config()), partition, partitions)
    began = time.process_time()
    engine_from_history(folder / "h.db", knowledge, START + world.lasts_s + 60.0)
    spent = time.process_time() - began
    names = len(knowledge.targets) + len(knowledge.control_names)
    return world.vantages * names * round(world.lasts_s / world.interval_s), spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vantages", type=int, default=40)
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--partitions", type=int, default=16)
    given = parser.parse_args()
    world = World(
        seed=1, vantages=given.vantages, targets=given.targets, interval_s=INTERVAL_S,
        lasts_s=given.rounds * INTERVAL_S,
    )  # fmt: skip
    partitions = Partitions(world.config().targets, given.partitions)
    bodies = _batches(world)
    count = world.vantages * (world.targets + 2) * given.rounds
    with tempfile.TemporaryDirectory() as name:
        began = time.process_time()
        sent = _at_the_door(bodies, partitions)
        door = time.process_time()
        _in_the_store(sent, Path(name))
        store = time.process_time()
        _at_the_judges(sent, world, partitions)
        judge = time.process_time()
        read, taking_over = _taken_over(world, partitions, Path(name))
    print(f"{count} facts, {len(partitions.used)} partitions in use, {len(sent)} messages")
    for role, spent in (("intake", door - began), ("store", store - door), ("diagnose", judge - store)):
        print(f"{role:9} {spent / count * 1e6:6.1f} µs of processor a fact")
    print(f"takeover  {taking_over / read * 1e6:6.1f} µs of processor for each of {read} facts that are read")
    home = sum(len(body) for one, body in sent if not one.is_copy)
    copies = sum(len(body) for one, body in sent if one.is_copy)
    print(f"from agents {sum(map(len, bodies)) / count:.1f}, in the stream {home / count:.1f} and copies"
          f" {copies / count:.1f} bytes a fact")  # fmt: skip


if __name__ == "__main__":
    main()
