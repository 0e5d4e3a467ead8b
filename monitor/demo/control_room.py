"""The real monitor, wired for the demo: RIS Live source, history, engine, hub, mail notices, outbox.

Nothing in it is the demo's own; it is what `whydown run` wires, with a temporary history, a local RIS Live
server as the feed, and a local SMTP server for the mails. It is told nothing of the story.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from monitor.alert.mail import notices
from monitor.alert.outbox import Outbox
from monitor.alert.smtp import SmtpDelivery
from monitor.bgp.sources import RisLiveSource
from monitor.demo import registry, setting
from monitor.demo.board import Board
from monitor.demo.stage import Stage
from monitor.diagnose.engine import Engine
from monitor.diagnose.fact import Fact
from monitor.diagnose.knowledge import Knowledge
from monitor.history import Store
from monitor.hub.hub import Hub, Listeners
from monitor.hub.pipeline import Pipeline, Step
from monitor.hub.reaction import Reaction
from monitor.model.settings import AlertSettings, BgpSource, BgpSourceKind, MailSettings
from probes import clock


class ControlRoom:
    """Takes facts by `put`, listens to BGP by itself, shows everything on the board.

    `ca_file`: authorities that the targets' settings name. `smtp_port`: the local mail server.
    """

    def __init__(
        self, store: Store, stage: Stage, board: Board, *, ca_file: str, smtp_port: int, ris_url: str
    ) -> None:
        self._board = board
        target = setting.target(stage.service, stage.topology, ca_file)
        knowledge = Knowledge(
            targets=(target,),
            controls=(setting.control(stage.control, ca_file),),
            vantages=setting.vantages(stage.topology),
            prefix_table=registry.prefix_table(stage.topology),
            vrps=registry.vrps(stage.topology),
        )
        mail = MailSettings(
            to=("noc@example.net",), sender="whydown@example.net", smtp=f"smtp://127.0.0.1:{smtp_port}"
        )
        alerts = AlertSettings(mail=mail)
        self._pipeline = Pipeline(store, Engine(knowledge), lambda change: notices(change, alerts))
        self._reaction = Reaction((target,))
        # The vantages of the demo already probe every second: there is nothing to boost.
        listeners = Listeners(boost=lambda target: None, stepped=self._stepped)
        self._hub = Hub(listeners)
        self._outbox = Outbox(store, SmtpDelivery(settings=mail), clock.wall)
        feed = BgpSource(kind=BgpSourceKind.RIS_LIVE, name="ris-live", url=ris_url)
        self._source = RisLiveSource(feed, (stage.topology.service_prefix,))

    async def put(self, facts: Sequence[Fact]) -> None:
        """Facts from the vantages or the route feed."""
        for fact in facts:
            self._board.fact(fact)
        await self._hub.put(facts)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen, store, conclude and mail until `stop` is set; then end in order: facts first, mails last.

        :raises HistoryError: the store failed
        """
        mails_stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            source = group.create_task(self._source.run(self.put))
            mails = group.create_task(self._outbox.run(mails_stop))
            await self._hub.run(self._pipeline, self._reaction, stop)
            source.cancel()
            await self._outbox.run_once()
            mails_stop.set()
            await mails

    def _stepped(self, step: Step) -> None:
        for change in step.changes:
            self._board.change(change)
        self._board.verdicts(step.verdicts)
