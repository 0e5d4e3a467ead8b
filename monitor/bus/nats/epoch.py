"""A word that changes when the brokers may have lost what they acknowledged.

A broker writes to its disk and does not wait for that (its default; syncing each write costs a hundredfold).
What is lost by the crash of one process is nothing, for the kernel has it; by the power cut of one machine
nothing, for two others have it. When all lose power together, the last seconds are gone that were acknowledged
to agents.

Exactly then a replicated bucket in memory is gone too: it survives as long as a majority does. So the word stands
there. Who finds none makes a new one, and agents that see another word than before send again what they have kept.
A majority that was merely restarted changes the word as well; then all is repeated once, and refused.
"""

from __future__ import annotations

import asyncio
import secrets

import structlog
from nats.js.errors import KeyDeletedError, KeyNotFoundError, KeyWrongLastSequenceError

from monitor.bus.errors import BusError
from monitor.bus.nats.broker import EPOCH, Broker, named_errors
from monitor.bus.nats.connecting import AGAIN_S

LOOK_S = 5.0

_KEY = "epoch"


class Epoch:
    """`word`: the one in force as far as is known; empty before the first look."""

    def __init__(self, broker: Broker) -> None:
        self._bucket = broker.bucket(EPOCH)
        self._log = structlog.get_logger("bus")
        self.word = ""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self._try_to_look()

    async def known(self) -> None:
        """Wait until there is a word."""
        await self._try_to_look()
        while not self.word:
            await asyncio.sleep(AGAIN_S)
            await self._try_to_look()

    async def _try_to_look(self) -> None:
        try:
            await self._look()
        except BusError as error:
            self._log.debug("epoch_not_known", error=str(error))

    async def _look(self) -> None:
        """Look once, and make a word where there is none.

        :raises BusError: the brokers did not answer
        """
        with named_errors("tell the epoch"):
            try:
                found = (await self._bucket.get(_KEY)).value or b""
            except (KeyNotFoundError, KeyDeletedError):
                found = await self._begin()
        word = found.decode("ascii", "replace")[:64]
        if word and word != self.word:
            said = self._log.warning if self.word else self._log.info
            said("epoch", word=word, before=self.word)
            self.word = word

    async def _begin(self) -> bytes:
        word = secrets.token_hex(8).encode()
        try:
            await self._bucket.create(_KEY, word)
        except KeyWrongLastSequenceError:
            return b""  # somebody else made one; the next look finds it
        return word
