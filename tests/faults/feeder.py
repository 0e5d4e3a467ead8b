"""An agent's shipping half as a process that can be killed: numbered facts into a spool, from there to the hub.

    python tests/faults/feeder.py FOLDER HUB_URL FIRST COUNT [--clock-off S] [--elapsed S] [--spooler]

The spool, the postman and the link are the agent's own. A fact's number is printed when it is durable in the
spool; `--clock-off` sets the wall clock by which facts are stamped and batches are dated wrong by so much,
`--elapsed` lets so many seconds pass, by the spool's clock, between the facts and the first try to send them: an
hour without a network in a moment. Ends when the hub has everything.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from shutil import disk_usage

from monitor.agent.hub_link import HubLink, hub_context, load_signer
from monitor.agent.postman import Postman
from monitor.agent.spooler import Spooler
from monitor.spool import Spool
from monitor.station import logs
from probes import NotMeasured, clock

VANTAGE, TARGET = "seoul-1", "shop"
ROOM = 2**20


def _measured(number: int, wall: float) -> NotMeasured:
    return NotMeasured(at=round(wall, 3), vantage=VANTAGE, target=TARGET, probe="http", reason=f"n{number}")


async def _feed(spool: Spool, postman: Postman, numbers: range, wall: float, elapsed_s: float) -> None:
    for number in numbers:
        await asyncio.to_thread(spool.add, [_measured(number, wall)], clock.monotonic() - elapsed_s)
        print(number, flush=True)
        postman.wake()


async def _feed_by_spooler(spool: Spool, postman: Postman, numbers: range, wall: float, folder: Path) -> None:
    spooler = Spooler(spool, postman.wake)
    writing = asyncio.create_task(spooler.run())
    for number in numbers:
        await spooler.take([_measured(number, wall)])
        print(number, flush=True)
        await asyncio.sleep(0.001)
    while disk_usage(folder).free < ROOM:  # noqa: ASYNC110  (an agent that ends on a full disk loses what waits)
        await asyncio.sleep(0.1)
    spooler.finish()
    await writing


async def _run(given: argparse.Namespace) -> None:
    def wall() -> float:
        return clock.wall() + given.clock_off

    link = HubLink(
        given.url, load_signer(given.folder / "key.pem"), hub_context(given.folder / "hub-certificate.pem")
    )
    with Spool.open(given.folder / "spool" / "spool.db", [given.url], wall()) as spool:
        postman = Postman(VANTAGE, given.url, spool, link, now=wall)
        carrying = asyncio.create_task(postman.run())
        numbers = range(given.first, given.first + given.count)
        if given.spooler:
            await _feed_by_spooler(spool, postman, numbers, wall(), given.folder / "spool")
        else:
            await _feed(spool, postman, numbers, wall(), given.elapsed)
        while await asyncio.to_thread(spool.waiting, given.url):  # noqa: ASYNC110  (the spool tells nobody)
            await asyncio.sleep(0.1)
        carrying.cancel()
    await link.aclose()


def main() -> None:
    """Feed until all is taken, or until killed."""
    parser = argparse.ArgumentParser(prog="feeder")
    parser.add_argument("folder", type=Path)
    parser.add_argument("url")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--clock-off", type=float, default=0.0)
    parser.add_argument("--elapsed", type=float, default=0.0)
    parser.add_argument("--spooler", action="store_true")
    logs.configure()  # on standard error
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
