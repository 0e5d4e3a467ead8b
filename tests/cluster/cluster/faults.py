"""What is done to a running cluster: each fault takes one part away, and gives it back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from cluster.database import Database
from cluster.stage import Stage

AWAY_S = 4.0
STALL_S = 12.0
UNWRITTEN_S = 3.0

Fault = Callable[[Stage, random.Random], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Done:
    """A fault that was injected: when, seconds from the start, and to whom."""

    at: float
    what: str


async def kill_role(stage: Stage, dice: random.Random, kind: str) -> str:
    """SIGKILL of one process of a kind; it is started again."""
    role = stage.roles[dice.choice([name for name in stage.roles if name.startswith(kind)])]
    await asyncio.to_thread(role.kill)
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(role.start)
    return f"SIGKILL of {role.name}"


async def kill_broker(stage: Stage, dice: random.Random) -> str:
    """SIGKILL of one broker; it comes back with what it had on its disk."""
    node = dice.choice(stage.brokers.nodes)
    await asyncio.to_thread(stage.brokers.kill, node)
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(stage.brokers.start, node)
    return f"SIGKILL of broker {node}"


async def cut_broker_off(stage: Stage, dice: random.Random) -> str:
    """One broker is partitioned away from clients and brokers, without a word to any of them."""
    node = dice.choice(stage.brokers.nodes)
    how = await asyncio.to_thread(stage.brokers.cut_off, node)
    await asyncio.sleep(STALL_S)
    await asyncio.to_thread(stage.brokers.join_again, node)
    return f"broker {node} {how}, for {STALL_S:.0f} s"


async def stall_brokers(stage: Stage, dice: random.Random) -> str:
    """All brokers stand still."""
    for node in stage.brokers.nodes:
        stage.brokers.pause(node)
    await asyncio.sleep(STALL_S)
    for node in stage.brokers.nodes:
        stage.brokers.go_on(node)
    return f"all brokers stood still for {STALL_S:.0f} s"


async def cut_power(stage: Stage, dice: random.Random) -> str:
    """All brokers lose power together, and with it what they acknowledged in the last seconds."""
    await asyncio.to_thread(stage.brokers.note_disks)
    await asyncio.sleep(UNWRITTEN_S)
    await asyncio.to_thread(stage.brokers.lose_power)
    return f"all brokers lost power, and the last {UNWRITTEN_S:.0f} s of their disks"


def faults_for(stage: Stage, database: Database | None) -> Mapping[str, Fault]:
    """The faults that this stage can have, by name."""
    found: dict[str, Fault] = {
        "broker": kill_broker,
        "cut": cut_broker_off,
        "stall": stall_brokers,
        "power": cut_power,
    }
    for kind in ("intake", "store", "diagnose", "alert", "feeds", "keeper"):
        if any(name.startswith(kind) for name in stage.roles):
            found[kind] = _killing(kind)
    if database is not None:

        async def restart(stage: Stage, dice: random.Random) -> str:
            await asyncio.to_thread(database.restart)
            return "PostgreSQL restarted"

        found["database"] = restart
    return found


def _killing(kind: str) -> Fault:
    return lambda stage, dice: kill_role(stage, dice, kind)
