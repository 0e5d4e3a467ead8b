"""The hub's half of the monitor: the product's own parts, fed by the vantages' pipes instead of an agent.

What `monitor.station` wires for a machine that is vantage and hub in one, without the vantage: feeds, hub,
pipeline, reaction, outbox. It knows nothing of the laboratory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from monitor.alert.mail import notices
from monitor.alert.outbox import Outbox
from monitor.alert.smtp import SmtpDelivery
from monitor.diagnose.engine import Engine
from monitor.diagnose.fact import Fact
from monitor.diagnose.knowledge import Knowledge
from monitor.history import Store
from monitor.hub.feeds import Feeds
from monitor.hub.hub import Hub, Listeners
from monitor.hub.pipeline import Pipeline, Step
from monitor.hub.reaction import Reaction
from monitor.hub.tables import TableLoader, Tables
from monitor.model.settings import Config
from probes import clock


class HubRoom:
    """Takes facts by `put`; calls `boost` with a target to look at closer."""

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        boost: Callable[[str], None],
    ) -> None:
        if config.alert.mail is None:
            raise ValueError("the hub's configuration tells nobody")
        self._config = config
        self._store = store
        self._feeds = Feeds(self.put)
        self._hub = Hub(Listeners(boost=boost, located=self._feeds.learn, stepped=self._step_done))
        self._outbox = Outbox(store, SmtpDelivery(settings=config.alert.mail), clock.wall)

    async def put(self, facts: Sequence[Fact]) -> None:
        """Facts from a vantage, or from a route feed."""
        await self._hub.put(facts)

    async def run(self, stop: asyncio.Event) -> None:
        """Monitor until `stop`.

        :raises HistoryError: the store failed
        """
        tables = await TableLoader().load(self._config, Tables())
        self._feeds.configure(self._config, tables.prefixes)
        knowledge = Knowledge.from_config(
            self._config, prefix_table=tables.prefixes, vrps=tables.vrps, relationships=tables.relationships
        )
        pipeline = Pipeline(self._store, Engine(knowledge), lambda change: notices(change, self._config.alert))
        mails_stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            feeds = group.create_task(self._feeds.run())
            mails = group.create_task(self._outbox.run(mails_stop))
            await self._hub.run(pipeline, Reaction(self._config.targets), stop)
            feeds.cancel()
            mails_stop.set()
            await mails

    def _step_done(self, step: Step) -> None:
        if step.subjects:
            self._outbox.wake()
