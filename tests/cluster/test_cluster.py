"""A hub's roles over a real cluster of brokers, with processes killed under them: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cluster.brokers import nats_server
from cluster.database import Database
from cluster.play import play
from cluster.world import World
from postgres_server import postgres_server

from monitor.demo.namespaces import why_impossible

needs_brokers = pytest.mark.skipif(nats_server() is None, reason="nats-server is not installed")


@needs_brokers
def test_a_door_and_a_broker_are_killed_and_nobody_notices(tmp_path: Path) -> None:
    """Every fact is stored once, the incidents are those of a single engine, and each mail comes once."""
    world = World(seed=4, vantages=6, targets=30, interval_s=1.0, lasts_s=26.0)
    faults = [(5.0, "intake"), (13.0, "broker")]
    played = asyncio.run(play(world, tmp_path, tmp_path / "h.db", faults, partitions=3, judged_s=60.0))

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


@pytest.mark.slow
@pytest.mark.netns
@needs_brokers
def test_a_broker_is_cut_off_and_all_lose_power_and_nothing_is_lost(tmp_path: Path) -> None:
    """The command of RESULTS.md, whose brokers have a network of their own: agents bring again what they kept."""
    if os.geteuid() != 0:
        pytest.skip("brokers in namespaces beside a PostgreSQL of another user need root")
    if (because := why_impossible()) is not None:
        pytest.skip(because)
    program = Path(__file__).parent / "run.py"
    asked = ["--minutes", "3", "--rate", "100", "--faults", "9", "--keep", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, str(program), *asked], capture_output=True, text=True, timeout=900, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "its network lost every packet" in done.stdout
    assert "all brokers lost power" in done.stdout
