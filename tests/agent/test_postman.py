"""The postman: a backlog gets through by itself, whether or not anything fresh comes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from monitor.agent.hub_link import HubLink, LinkError
from monitor.agent.postman import Postman
from monitor.link.messages import Batch, Receipt
from monitor.spool import Spool
from probes import NotMeasured

NOW = 1_700_000_000.0


class _Link(HubLink):
    """A hub that is not reached for the first tries, and then takes everything."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.epoch = ""
        self.brought: list[Batch] = []
        self.came = asyncio.Event()
        self._ahead_s = 0.0

    async def send(self, batch: Batch) -> Receipt:
        """Take a batch, or be away."""
        if self.away:
            self.away -= 1
            raise LinkError("not there")
        self.brought.append(batch)
        self.came.set()
        return Receipt(received_at=NOW, epoch=self.epoch)


def test_a_backlog_is_brought_when_the_hub_is_back_though_nothing_fresh_comes(tmp_path: Path) -> None:
    """An agent whose targets were all taken away still owes what it measured."""

    async def scenario() -> list[Batch]:
        link = _Link(away=1)
        with Spool.open(tmp_path / "s.db", ("hub",), NOW) as spool:
            seen = [
                NotMeasured(at=NOW + n, vantage="v", target="t", probe="http", reason="missed") for n in range(9)
            ]
            spool.add(seen, -3600.0)
            postman = Postman("v", "hub", spool, link, now=lambda: NOW, monotonic=lambda: 0.0)
            carrying = asyncio.create_task(postman.run())
            async with asyncio.timeout(20):
                await link.came.wait()
            carrying.cancel()
            await asyncio.wait([carrying])
        return link.brought

    assert [(batch.late, len(batch.facts)) for batch in asyncio.run(scenario())] == [(True, 9)]


def test_what_a_hub_took_is_sent_again_when_its_epoch_changes(tmp_path: Path) -> None:
    """Its brokers lost power together; in the first epoch, and while it stays the same, nothing is. New facts go
    before it.
    """

    def seen(number: int) -> NotMeasured:
        return NotMeasured(at=NOW, vantage="v", target="t", probe="http", reason=f"n{number}")

    async def scenario() -> tuple[list[list[int]], list[list[int]]]:
        link = _Link(away=0)
        with Spool.open(tmp_path / "s.db", ("hub",), NOW, keep_acknowledged_s=600.0) as spool:

            def owed() -> list[int]:
                return [one.sequence for one in spool.backlog("hub", 0.0, 99, 10**6)]

            postman = Postman("v", "hub", spool, link, now=lambda: NOW, monotonic=lambda: 0.0)
            again = []
            for number, epoch in enumerate(("a", "a", "b", "b")):
                link.epoch = epoch
                spool.add([seen(number)], 0.0)
                await postman.last_round()
                again.append(owed())
            # A new process has not forgotten what the epoch was.
            other = Postman("v", "hub", spool, link, now=lambda: NOW, monotonic=lambda: 0.0)
            spool.add([seen(4)], 0.0)
            await other.last_round()
            again.append(owed())
            link.epoch = "c"
            spool.add([seen(5)], 0.0)
            await other.last_round()
            again.append(owed())
        first = link.brought[0].facts[0].sequence
        brought = [[one.sequence - first for one in batch.facts] for batch in link.brought]
        return brought, [[number - first for number in numbers] for numbers in again]

    brought, again = asyncio.run(scenario())
    assert brought == [[0], [1], [2], [3], [4], [5]]
    assert again == [[], [], [0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2, 3, 4, 5]]
