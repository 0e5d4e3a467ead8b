"""Leases: one holder at a time, by the engine's own compare-and-set.

Theory of operation. A lease is an entry of a bucket. Its holder renews it every `RENEW_S` by an update that
names the revision that it wrote last, so nobody can have written in between. Who wants it looks as often; when
it has looked `LOOKS` times and the revision was always the same, the holder is gone, and it takes over by the
same update, which only one can win. Clocks are not compared, and looks that were not answered do not count:
while the brokers stand still, nobody loses anything.

A holder that stood still itself (a paused machine) learns at its next renewal that it is none any more. Until
then it may act; so what must never happen twice is fenced where it is done: incident changes by a tenure in the
history, messages by their states in the outbox.

nats-server 2.9 has no consumer that is pinned to one client, and `max_ack_pending: 1` would give each message, not
each partition, to one: the next fact could go to another process, whose window does not know the last.
"""

from __future__ import annotations

import asyncio

import msgspec
from nats.js.errors import KeyDeletedError, KeyNotFoundError, KeyWrongLastSequenceError

from monitor.bus.errors import BusError
from monitor.bus.nats.broker import LEASES, Broker, named_errors

RENEW_S = 2.0
LOOKS = 5
"""With RENEW_S between them: a holder that is gone is followed within 8 to 12 s."""


class _Entry(msgspec.Struct, frozen=True):
    """What stands in the bucket. `owner` "": given back. `note`: what a follower needs to know."""

    owner: str
    note: bytes


_ENTRIES = msgspec.json.Decoder(_Entry)


class Lease:
    """One lease as `owner` sees it. `try_take` every RENEW_S until it is held, then `renew` as often."""

    def __init__(self, broker: Broker, name: str, owner: str) -> None:
        self.name = name
        self._bucket = broker.bucket(LEASES)
        self._owner = owner
        self._seen: int | None = None
        self._looks = 0
        self.revision: int | None = None
        """While it is held: the entry's revision."""
        self.note = b""
        """What the last holder left."""

    @property
    def held(self) -> bool:
        """Whether it is ours as far as we know."""
        return self.revision is not None

    async def revision_now(self) -> int:
        """What its holder wrote last; another one each time that it is renewed.

        :raises BusError: the brokers did not answer
        """
        return (await self._read())[0]

    async def is_free(self) -> bool:
        """Look once; whether nobody seems to hold it.

        :raises BusError: the brokers did not answer, so the look does not count
        """
        revision, entry = await self._read()
        if revision != self._seen:
            self._seen, self._looks = revision, 0
        self._looks += 1
        self.note = entry.note
        return not entry.owner or entry.owner == self._owner or self._looks >= LOOKS

    async def take(self) -> bool:
        """Take it after `is_free`; False: somebody was quicker.

        :raises BusError: it is not known whether it was taken; look again
        """
        return await self._write(_Entry(self._owner, self.note), self._seen or 0)

    async def renew(self, note: bytes) -> bool:
        """Stay the holder; False: somebody else is now.

        :raises BusError: it is not known; try again
        """
        if self.revision is None:
            return False
        if await self._write(_Entry(self._owner, note), self.revision):
            return True
        # Perhaps our own last try was heard and its answer was not.
        revision, entry = await self._read()
        if entry.owner == self._owner:
            return await self._write(_Entry(self._owner, note), revision)
        self.revision = None
        return False

    async def give_back(self, note: bytes) -> None:
        """Let the next one in at once, if we hold it; failing that it waits."""
        if self.revision is not None:
            try:
                await self._write(_Entry("", note), self.revision)
            except BusError:
                pass
            finally:
                self.revision = None

    async def _read(self) -> tuple[int, _Entry]:
        with named_errors(f"read the lease {self.name}"):
            try:
                found = await self._bucket.get(self.name)
            except KeyDeletedError as deleted:
                return int(deleted.entry.revision or 0), _Entry("", b"")
            except KeyNotFoundError:
                return 0, _Entry("", b"")
        try:
            return int(found.revision or 0), _ENTRIES.decode(found.value or b"")
        except msgspec.DecodeError:
            # Another version's, or damaged: its holder, if any, renews it; else it is free by and by.
            return int(found.revision or 0), _Entry("?", b"")

    async def _write(self, entry: _Entry, last: int) -> bool:
        with named_errors(f"write the lease {self.name}"):
            try:
                self.revision = await self._bucket.update(self.name, msgspec.json.encode(entry), last=last)
            except KeyWrongLastSequenceError:
                return False
        self._seen, self._looks = self.revision, 0
        return True


async def held_on(lease: Lease) -> None:
    """Renew until the lease is another's; then return. Renewals that were not answered are tried again."""
    while True:
        await asyncio.sleep(RENEW_S)
        try:
            if not await lease.renew(b""):
                return
        except BusError:
            continue


async def taken(lease: Lease) -> None:
    """Wait until the lease is ours."""
    while True:
        try:
            if await lease.is_free() and await lease.take():
                return
        except BusError:
            pass
        await asyncio.sleep(RENEW_S)
