"""What the monitor says, as one who reads its history learns of it: facts, changes of incidents, mails that came.

The history is read while the hub writes it, as `whydown status` does, so the monitor is not touched. A change
counts from when it could be read there, a mail from when the mail server had it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from monitor.demo.mailbox import Mail
from monitor.diagnose.fact import Fact
from monitor.history import Reader
from monitor.model.incident import IncidentChange
from probes import clock

_LOOK_EVERY_S = 0.1
_FACTS_EVERY_S = 0.5
# Facts are read again for this long, because some are stored seconds after they were complete.
_LATE_S = 8.0
_MOST_REMEMBERED = 20_000
_FOR_EVER = 1e10


class Ear(Protocol):
    """Who is told."""

    def heard(self, facts: Sequence[Fact]) -> None:
        """New facts are in the history."""

    def changed(self, at: float, changes: Sequence[IncidentChange]) -> None:
        """The monitor had concluded that by `at`, Unix seconds."""

    def mailed(self, at: float, mail: Mail) -> None:
        """The mail server had that in its hands at `at`."""


class Chronicle:
    """Follows a history from its beginning, and the mails in `mails` as they are appended, each with its time."""

    def __init__(self, history: Path, mails: Sequence[tuple[float, Mail]], ear: Ear) -> None:
        self._history = history
        self._mails = mails
        self._ear = ear
        self._read_since = 0.0
        self._mails_told = 0
        self._sequences: dict[str, int] = {}
        self._known: OrderedDict[object, None] = OrderedDict()

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Tell the ear meanwhile.

        :raises HistoryError: the history cannot be read
        """
        async with asyncio.TaskGroup() as group:
            following = [group.create_task(self._follow())]
            yield
            for task in following:
                task.cancel()

    async def _follow(self) -> None:
        with await asyncio.to_thread(Reader.open, self._history) as reader:
            facts_due = clock.monotonic()
            while True:
                await self._tell_news(reader)
                if clock.monotonic() >= facts_due:
                    facts_due = clock.monotonic() + _FACTS_EVERY_S
                    self._ear.heard(await asyncio.to_thread(self._new_facts, reader))
                await asyncio.sleep(_LOOK_EVERY_S)

    def _new_changes(self, reader: Reader) -> list[IncidentChange]:
        found = [
            change
            for incident in reader.incidents(0.0, _FOR_EVER)
            for change in reader.changes(incident.id)
            if change.sequence > self._sequences.get(incident.id, 0)
        ]
        self._sequences |= {change.incident.id: change.sequence for change in found}
        return sorted(found, key=lambda change: change.at)

    async def _tell_news(self, reader: Reader) -> None:
        """Changes, then mails: what a mail is about was in the history before it was sent."""
        came = self._mails[self._mails_told :]
        at = min([clock.wall(), *(at for at, _ in came)])
        changes = await asyncio.to_thread(self._new_changes, reader)
        if changes:
            self._ear.changed(at, changes)
        for mail_at, mail in came:
            self._ear.mailed(mail_at, mail)
        self._mails_told += len(came)

    def _new_facts(self, reader: Reader) -> list[Fact]:
        since, self._read_since = self._read_since, clock.wall() - _LATE_S
        read: list[Fact] = [*reader.observations(since, _FOR_EVER), *reader.routes(since, _FOR_EVER)]
        fresh = [fact for fact in read if fact not in self._known]
        self._known |= dict.fromkeys(fresh)
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return fresh
