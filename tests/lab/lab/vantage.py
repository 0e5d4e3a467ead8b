"""One vantage: the product's own agent and schedule on a configuration file, as a process inside a namespace.

    python -m lab.vantage config.toml

Prints each observation as a line of JSON. Lines on standard input are the hub's wishes, `boost TARGET`. The
product ships observations over HTTPS one day; until then these two pipes are the way between agent and hub.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from lab.api import commands

from monitor.agent.agent import Agent
from monitor.agent.instruments import NetworkInstruments
from monitor.agent.schedule import Schedule
from monitor.agent.timetable import Timetable, jobs_of
from monitor.config import load_config
from probes import Observation
from probes.observation import encode


async def _print(seen: Sequence[Observation]) -> None:
    for observation in seen:
        print(encode(observation).decode(), flush=True)


async def watch(path: Path) -> None:
    """Probe as the configuration says until standard input ends."""
    config = load_config(path)
    agent = Agent(config, NetworkInstruments(), _print)
    schedule = Schedule(Timetable(jobs_of(config), config.boost), agent.round, _print, vantage=config.vantage)
    wishes = await commands()
    schedule.start()
    try:
        while line := await wishes.readline():
            match line.decode().split():
                case ["boost", target]:
                    schedule.boost(target)
    finally:
        await schedule.stop()
        await agent.aclose()


def main() -> None:
    """Probe until standard input ends."""
    parser = argparse.ArgumentParser(prog="lab.vantage")
    parser.add_argument("config", type=Path)
    asyncio.run(watch(parser.parse_args().config))


if __name__ == "__main__":
    main()
