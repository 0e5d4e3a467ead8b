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
        return Receipt(received_at=NOW)


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
