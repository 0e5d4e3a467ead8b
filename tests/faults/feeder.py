"""An agent's shipping half as a process that can be killed: numbered facts into a spool, from there to the hub.

    python tests/faults/feeder.py FOLDER HUB_URL FIRST COUNT [--clock-off S] [--elapsed S]

The spool, the postman and the link are the agent's own. A fact's number is printed when it is durable in the
spool; `--clock-off` sets the wall clock by which facts are stamped and batches are dated wrong by so much,
`--elapsed` lets so many seconds pass, by the spool's clock, between the facts and the first try to send them: an
hour without a network in a moment. Ends when the hub has everything.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from monitor.agent.hub_link import HubLink, hub_context, load_signer
from monitor.agent.postman import Postman
from monitor.spool import Spool
from monitor.station import logs
from probes import NotMeasured, clock

VANTAGE, TARGET = "seoul-1", "shop"


async def _feed(spool: Spool, postman: Postman, first: int, count: int, wall: float, elapsed_s: float) -> None:
    for number in range(first, first + count):
        seen = NotMeasured(at=round(wall, 3), vantage=VANTAGE, target=TARGET, probe="http", reason=f"n{number}")
        await asyncio.to_thread(spool.add, [seen], clock.monotonic() - elapsed_s)
        print(number, flush=True)
        postman.wake()


async def _run(given: argparse.Namespace) -> None:
    def wall() -> float:
        return clock.wall() + given.clock_off

    link = HubLink(
        given.url, load_signer(given.folder / "key.pem"), hub_context(given.folder / "hub-certificate.pem")
    )
    with Spool.open(given.folder / "spool.db", [given.url], wall()) as spool:
        postman = Postman(VANTAGE, given.url, spool, link, now=wall)
        carrying = asyncio.create_task(postman.run())
        await _feed(spool, postman, given.first, given.count, wall(), given.elapsed)
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
    logs.configure()  # on standard error
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
