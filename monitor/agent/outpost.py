"""A vantage far from its hub: what `whydown agent` runs.

    rounds -> spool -> postmen -> hubs
    rounds <- errands <- hubs         (targets, boosts)
    rounds -> lone watch -> mails     (with [alert], while no hub is heard)

What is measured is durable in the spool before anybody is told of it, and probing waits for nothing but that: when
the disk is full, facts wait in memory. With two hubs each has its own postman and gets everything; the first one
of the file says what is measured while it is heard, the other one when it is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import structlog

from monitor.agent.errands import Errands
from monitor.agent.hub_link import HubLink, LinkError, hub_context, load_signer
from monitor.agent.instruments import Instruments, NetworkInstruments
from monitor.agent.lone_watch import LoneWatch
from monitor.agent.permit import permitted
from monitor.agent.postman import Postman
from monitor.agent.rounds import Rounds
from monitor.agent.spooler import Spooler
from monitor.config import ConfigError
from monitor.config.measures import with_measures
from monitor.model.settings import Config, HubAccess
from monitor.spool import Spool, SpoolError
from monitor.station.pulse import Pulse, Signs, longest_pause_s
from probes import Observation, clock

MEMO = "measures"

UNHEARD_S = 60.0
"""The standby's word counts when the first hub was not heard for this long."""

LAST_ROUND_S = 3.0
"""How long an end tries to bring what is fresh; the rest waits in the spool."""


class Outpost:
    """All parts of one agent. `run` it once; `reload` while it runs. Make it inside a running loop.

    :raises OSError: the key or the authorities' file cannot be read
    :raises ValueError: the key file holds no usable key, or the file names no hub
    """

    def __init__(self, config: Config, spool: Spool, *, instruments: Instruments | None = None) -> None:
        if config.hub is None:
            raise ValueError("[hub] url is missing: an agent sends to a hub")
        self._own = config
        self._refused: tuple[str, ...] = ()
        self._spool = spool
        self._log = structlog.get_logger("outpost")
        self._links = _links(config.hub)
        self._postmen = [Postman(config.vantage, link.url, spool, link) for link in self._links]
        self._errands: list[Errands] = []
        for place, link in enumerate(self._links):
            self._errands.append(self._errands_of(place, link))
        self._spooler = Spooler(spool, self._wrote)
        instruments = instruments or NetworkInstruments()
        remembered = self._remembered()
        self._rounds = Rounds(remembered, instruments, self._take)
        self._lone_watch = self._lone_watch_of(remembered, config.hub, instruments)
        self._pulse = Pulse()

    @property
    def config(self) -> Config:
        """The configuration in use, with the targets that the hub ordered."""
        return self._rounds.config

    @property
    def signs(self) -> Signs:
        """How it is just now; what is to be told goes to the hubs, and one of them is enough."""
        refused = [postman.refused_since for postman in self._postmen]
        return Signs(
            round_at=self._pulse.round_at,
            round_within_s=longest_pause_s(self.config),
            unkept_since=self._pulse.unkept_since,
            untold_since=max((since for since in refused if since is not None), default=None)
            if None not in refused
            else None,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Measure and send until `stop`; returns when what was measured is in the spool."""
        self._log.info("started", vantage=self._own.vantage, targets=len(self.config.targets))
        try:
            async with asyncio.TaskGroup() as group:
                spooler = group.create_task(self._spooler.run())
                carriers = [group.create_task(one.run()) for one in self._postmen]
                carriers += [group.create_task(one.run()) for one in self._errands]
                if self._lone_watch is not None:
                    group.create_task(self._lone_watch.run(stop))
                await self._rounds.run(stop)
                self._spooler.finish()
                await spooler
                for carrier in carriers:
                    carrier.cancel()
            await self._say_farewell()
        finally:
            for link in self._links:
                await link.aclose()

    async def reload(self, config: Config) -> None:
        """Go on with what the file says now. Hubs and keys need a restart."""
        if config.hub != self._own.hub or config.spool != self._own.spool or config.vantage != self._own.vantage:
            self._log.warning("restart_needed", key="hub, spool or vantage.name")
            config = replace(config, hub=self._own.hub, spool=self._own.spool, vantage=self._own.vantage)
        if config.alert.tells_somebody != self._own.alert.tells_somebody:
            self._log.warning("restart_needed", key="alert")
        self._own = config
        self._configure(self._remembered())

    def _configure(self, config: Config) -> None:
        self._rounds.configure(config)
        if self._lone_watch is not None:
            self._lone_watch.configure(config)

    def _lone_watch_of(self, config: Config, access: HubAccess, instruments: Instruments) -> LoneWatch | None:
        if not config.alert.tells_somebody:
            return None
        path = config.spool.path
        return LoneWatch(
            config,
            access,
            path.with_name(f"{path.stem}-alone.db"),
            ask=instruments.ask,
            heard_at=self._heard_at,
            boost=self._rounds.boost,
        )

    def _heard_at(self) -> float | None:
        """When any hub last took facts or gave orders, by the monotonic clock."""
        times = [one.heard_at for one in self._errands] + [one.reached_at for one in self._postmen]
        return max((at for at in times if at is not None), default=None)

    def _errands_of(self, place: int, link: HubLink) -> Errands:
        return Errands(
            self._own.vantage,
            link,
            boost=self._boost,
            measure=partial(self._measure, place),
            waiting=partial(self._spool.waiting, link.url),
            refused=lambda: self._refused,
            first_unheard_s=self._first_unheard_s if place else None,
            first_told=(lambda: self._errands[0].told) if place else tuple,
            has_standby=place == 0 and len(self._links) > 1,
        )

    def _first_unheard_s(self) -> float:
        """For how long the first hub neither gave orders nor took facts: to a second, while facts flow."""
        unheard_s, reached_at = self._errands[0].unheard_s, self._postmen[0].reached_at
        return unheard_s if reached_at is None else min(unheard_s, clock.monotonic() - reached_at)

    async def _take(self, facts: Sequence[Observation]) -> None:
        self._pulse.came(facts)
        await self._spooler.take(facts)
        if self._lone_watch is not None:
            self._lone_watch.take(facts)

    def _wrote(self) -> None:
        self._pulse.kept()
        for postman in self._postmen:
            postman.wake()

    def _boost(self, target: str) -> None:
        self._log.info("boost", target=target)
        self._rounds.boost(target)

    def _measure(self, place: int, measures: str) -> None:
        """A hub says what is to be measured."""
        if place > 0 and self._errands[0].heard_at is not None and self._first_unheard_s() < UNHEARD_S:
            return
        try:
            config = self._with(measures)
        except ConfigError as error:
            self._log.error("measures_refused", hub=self._links[place].url, error=str(error))
            return
        self._configure(config)
        self._log.info("measures_changed", hub=self._links[place].url, targets=len(config.targets))
        try:
            self._spool.remember(MEMO, measures)
        except SpoolError as error:
            self._log.error("measures_not_remembered", error=str(error))

    def _remembered(self) -> Config:
        """The configuration with what the hub said last, before a restart."""
        try:
            return self._with(self._spool.recall(MEMO) or "{}")
        except ConfigError as error:
            self._log.error("measures_refused", hub="of the last run", error=str(error))
            return self._with("{}")

    def _with(self, measures: str) -> Config:
        config, self._refused = permitted(with_measures(self._own, measures))
        if self._refused:
            self._log.warning(
                "targets_not_permitted", targets=", ".join(self._refused[:10]), count=len(self._refused)
            )
        return config

    async def _say_farewell(self) -> None:
        with suppress(LinkError, SpoolError, TimeoutError):
            async with asyncio.timeout(LAST_ROUND_S):
                await asyncio.gather(*(postman.last_round() for postman in self._postmen))


def _links(access: HubAccess) -> Sequence[HubLink]:
    signer, context = load_signer(access.key_file), hub_context(access.ca_file)
    return [HubLink(url, signer, context) for url in access.urls]
