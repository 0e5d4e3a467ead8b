"""A hub's roles over a real cluster of brokers, with processes killed under them: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cluster.brokers import nats_server
from cluster.play import play
from cluster.world import World

needs_brokers = pytest.mark.skipif(nats_server() is None, reason="nats-server is not installed")


@needs_brokers
def test_a_door_and_a_broker_are_killed_and_nobody_notices(tmp_path: Path) -> None:
    """Every fact is stored once, the incidents are those of a single engine, and each mail comes once."""
    world = World(seed=4, vantages=6, targets=30, interval_s=1.0, lasts_s=26.0)
    played = asyncio.run(
        play(world, tmp_path, tmp_path / "h.db", [(5.0, "intake"), (13.0, "broker")], partitions=3)
    )

    assert played.outcome.incidents > 0
    assert played.outcome.sent == played.outcome.stored
    assert played.outcome.holds, "\n".join(played.outcome.lines())
    assert [fault.what[:7] for fault in played.faults] == ["SIGKILL", "SIGKILL"]
