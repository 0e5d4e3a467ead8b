"""A hub's roles over a real cluster of brokers, with processes killed under them: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cluster.brokers import nats_server
from cluster.database import Database
from cluster.play import play
from cluster.world import World
from postgres_server import postgres_server

needs_brokers = pytest.mark.skipif(nats_server() is None, reason="nats-server is not installed")


@needs_brokers
def test_a_door_and_a_broker_are_killed_and_nobody_notices(tmp_path: Path) -> None:
    """Every fact is stored once, the incidents are those of a single engine, and each mail comes once."""
    world = World(seed=4, vantages=6, targets=30, interval_s=1.0, lasts_s=26.0)
    faults = [(5.0, "intake"), (13.0, "broker")]
    played = asyncio.run(play(world, tmp_path, tmp_path / "h.db", faults, partitions=3, judged_s=5.0))

    assert played.outcome.incidents > 0
    assert played.outcome.sent == played.outcome.stored
    assert played.outcome.holds, "\n".join(played.outcome.lines())
    assert [fault.what[:7] for fault in played.faults] == ["SIGKILL", "SIGKILL"]


@pytest.mark.slow
@needs_brokers
def test_every_part_is_killed_once_over_postgresql(tmp_path: Path) -> None:
    """Two stores and three diagnosers: none is missed, and nothing is concluded otherwise than by one engine."""
    world = World(seed=2, vantages=10, targets=40, interval_s=3.0, lasts_s=120.0)
    faults = [(12.0, "intake"), (25.0, "store"), (40.0, "broker"), (55.0, "diagnose"), (75.0, "database"),
              (90.0, "alert")]  # fmt: skip
    with postgres_server() as server:
        if server is None:
            pytest.skip("PostgreSQL is not installed")
        played = asyncio.run(play(world, tmp_path, server.history(), faults, database=Database(server)))

    assert played.outcome.incidents > 0
    assert len(played.faults) == len(faults)
    assert played.outcome.holds, "\n".join(played.outcome.lines())
