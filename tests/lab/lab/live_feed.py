"""From a collector's recording to RIS Live: follows the MRT file that BIRD writes, and pushes what is new.

BIRD stamps its records in whole seconds (RFC 6396 without the extended timestamp), so each message gets the
time at which it was read here instead, as RIS Live's collectors stamp what arrives.
"""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from struct import Struct

import msgspec

from monitor.bgp.mrt import MrtReader
from monitor.demo.ris_live_server import RisLiveServer
from monitor.history.ris_lines import ris_line
from monitor.model.route import PeerState, RouteEvent
from probes import clock

COLLECTOR = "rrc00"
_HEADER = Struct("!IHHI")
# BIRD writes each record with one write(2); this long a message waits at most.
_LOOK_EVERY_S = 0.05


class LiveFeed:
    """Pushes the messages of a growing MRT file to a RIS Live server."""

    def __init__(self, recording: Path, server: RisLiveServer) -> None:
        self._recording = recording
        self._server = server
        self._rest = b""
        self.pushed = 0

    async def run(self) -> None:
        """Follow the file until cancelled."""
        # BIRD appends; whoever comes first makes it.
        self._recording.touch()
        with self._recording.open("rb") as file:
            while True:
                if data := file.read():
                    await self._push(data)
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _push(self, data: bytes) -> None:
        whole, self._rest = whole_records(self._rest + data)
        for fact in MrtReader(io.BytesIO(whole), COLLECTOR):
            if not isinstance(fact, RouteEvent | PeerState):
                continue
            line = ris_line(msgspec.structs.replace(fact, at=clock.wall()))
            if line is not None:
                await self._server.push(json.loads(line))
                self.pushed += 1


def whole_records(data: bytes) -> tuple[bytes, bytes]:
    """The bytes of the whole MRT records at the start of `data`, and the rest."""
    end = 0
    while end + _HEADER.size <= len(data):
        length = _HEADER.unpack_from(data, end)[3]
        if end + _HEADER.size + length > len(data):
            break
        end += _HEADER.size + length
    return data[:end], data[end:]
