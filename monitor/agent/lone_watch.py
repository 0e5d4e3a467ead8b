"""The judge that an agent keeps for the time when it is alone and has to tell: own history, engine and outbox.

    rounds -> (spool, postmen, hubs)
        \\-> lone watch: centre -> solitude -> desk -> mails, hooks

It concludes from what this agent measures and from nothing that a hub says, and never keeps a probe waiting: facts
that come faster than it takes them are left out here, not in the spool. When it fails, measuring goes on, and it
begins anew. Which troubles are its own is `solitude`'s to decide; when they are told is the desk's, by the policy
of every monitor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import structlog

from monitor.agent.solitude import Solitude
from monitor.alert.alone import HEARD_AGAIN, Alone, heard_again
from monitor.alert.desk import Desk
from monitor.alert.mail import Foreword
from monitor.history import Notice, NoticeState, Reader, Store
from monitor.hub.centre import Audience, Centre
from monitor.hub.origin_lookups import Asking
from monitor.hub.tending import DAY_S
from monitor.model.incident import IncidentChange
from monitor.model.settings import AlertSettings, Config, HistorySettings, HubAccess
from probes import Observation, clock

KEPT_DAYS = 2
"""Of its own history: enough for baselines; the hub keeps the rest."""

NOTICES_S = 30 * DAY_S

CHECK_S = 1.0
AGAIN_S = 60.0
"""After a failure, until it begins anew."""

MOST_WAITING = 200
"""Rounds on their way to the judge: minutes of a large agent."""

_OUT = (NoticeState.SENT, NoticeState.UNKNOWN, NoticeState.HANDED_OVER)


class LoneWatch:
    """`run` it once; `take` and `configure` from the loop's thread, also before.

    `access`: the hubs; `path`: the history file, its own. `heard_at`: when a hub was last heard, by the monotonic
    clock. `boost` a target to probe faster: called only while this agent is alone, else the hub says so.
    """

    def __init__(
        self,
        config: Config,
        access: HubAccess,
        path: Path,
        *,
        ask: Asking,
        heard_at: Callable[[], float | None],
        boost: Callable[[str], object],
    ) -> None:
        self._access = access
        self._path = path
        self._desk = Desk(path, voice=self._voice)
        self._ask = ask
        self._heard_at = heard_at
        self._boost = boost
        self._facts: asyncio.Queue[Sequence[Observation]] = asyncio.Queue(MOST_WAITING)
        self._changed = asyncio.Event()
        self._log = structlog.get_logger("lone_watch")
        self.configure(config)
        self._solitude = self._solitude_after(())

    def take(self, facts: Sequence[Observation]) -> None:
        """Judge these too; when too much waits already, not."""
        with suppress(asyncio.QueueFull):
            self._facts.put_nowait(facts)

    def configure(self, config: Config) -> None:
        """Judge by another configuration from now on."""
        keep = HistorySettings(
            place=self._path, keep_days=KEPT_DAYS, keep_minutes_days=KEPT_DAYS, keep_five_minutes_days=KEPT_DAYS
        )
        self._config = replace(config, history=keep)
        self._changed.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Judge until `stop`; a failure is logged and is nobody else's."""
        while not stop.is_set():
            try:
                await self._judge(stop)
            except Exception:
                self._log.exception("lone_watch_failed", again_in_s=AGAIN_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_S):
                        await stop.wait()

    async def _judge(self, stop: asyncio.Event) -> None:
        with Store.open(self._path) as store:
            said = await asyncio.to_thread(self._said)
            self._solitude = self._solitude_after([notice.incident_id for notice in said])
            audience = Audience(
                boost=self._boost_alone, look=self._look, heard=lambda facts: None, stepped=lambda step: None,
                notices=self._notices, due=self._due, overtaken=self._overtaken,
            )  # fmt: skip
            self._changed.clear()
            centre = Centre(self._config, store, audience, self._ask)
            async with asyncio.TaskGroup() as group:
                chores = [
                    group.create_task(one)
                    for one in (self._bring(centre), self._follow(centre), self._tell(centre))
                ]
                await centre.run(stop)
                for chore in chores:
                    chore.cancel()

    def _solitude_after(self, told: Sequence[str]) -> Solitude:
        after_s = self._access.alone_after_s
        return Solitude(self._heard_at, after_s, own=told, monotonic=clock.monotonic)

    # The chores beside the centre

    async def _bring(self, centre: Centre) -> None:
        while True:
            await centre.put(await self._facts.get())

    async def _follow(self, centre: Centre) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await centre.reload(self._config)

    async def _tell(self, centre: Centre) -> None:
        """Say when this agent becomes alone and is no longer, and take up what is its own then."""
        alone, may_owe = False, True
        while True:
            if self._solitude.alone != alone:
                alone = not alone
                self._log.warning("alone" if alone else "heard_again", unheard_s=round(self._solitude.unheard_s))
                may_owe = True
                # Not on this thread: the desk may just be asking somebody whose network it is.
                await asyncio.to_thread(self._desk.stand_down)
            if released := self._solitude.released():
                await asyncio.to_thread(self._desk.enter, released)
            if may_owe and self._solitude.heard:
                may_owe = False
                await centre.owe(await asyncio.to_thread(self._closing))
            await asyncio.sleep(CHECK_S)

    # What the parts call

    def _boost_alone(self, target: str) -> None:
        if self._solitude.alone:
            self._boost(target)

    def _look(self, target: str, vantage: str) -> None:
        # The only vantage that it hears is its own.
        self._boost_alone(target)

    def _notices(self, change: IncidentChange, config: Config, desk: Desk) -> Sequence[Notice]:
        return self._desk.told(change, config) if self._solitude.passed(change) else ()

    def _due(self, now: float, config: Config, desk: Desk) -> Sequence[Notice]:
        """What was released, was kept, or is to be reminded of; a hub that is heard does that itself."""
        return self._desk.due(now, config) if self._solitude.alone else ()

    def _overtaken(self, notice: Notice) -> str | None:
        if notice.incident_id.startswith(HEARD_AGAIN) or self._solitude.alone:
            return None
        return "a hub is heard again, and tells of it"

    # Messages

    def _voice(self, settings: AlertSettings, at: float) -> Foreword:
        return self._who().foreword(settings, at)

    def _who(self) -> Alone:
        since = clock.wall() - self._solitude.unheard_s
        return Alone(vantage=self._config.vantage, hubs=self._access.urls, since=since)

    def _closing(self) -> tuple[Notice, ...]:
        """The closing mail, if anything went out since the last one, also before a restart."""
        subjects: list[str] = []
        for notice in self._said():
            if notice.incident_id.startswith(HEARD_AGAIN):
                subjects.clear()
            elif notice.state in _OUT:
                subjects.append(notice.subject)
        return (
            heard_again(self._who(), list(dict.fromkeys(subjects)), clock.wall(), self._config.alert)
            if subjects
            else ()
        )

    def _said(self) -> list[Notice]:
        """The messages of the last weeks, oldest first."""
        now = clock.wall()
        with Reader.open(self._path) as reader:
            return reader.notices(now - NOTICES_S, now + DAY_S)
