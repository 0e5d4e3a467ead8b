"""RIS Live over plain HTTP: a response that does not end, a message a line, for where a websocket cannot be had.

The filter stands in a header, so a changed watch list needs another request. It is opened before the old one
is closed, and what both bring is taken once. HTTP knows no ping: the kernel's keepalive finds a dead
connection, and after a long silence a new request must prove that the server is there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import httpx

from monitor.bgp.ris_live import MAX_LINE_BYTES
from monitor.bgp.ris_live_requests import FILTER_HEADER, stream_filter, stream_url, with_client
from monitor.bgp.sources.ris_live_session import Client, LostError, Session
from monitor.bgp.sources.stream_lines import LineReader
from probes import clock

_KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""A peer that is gone is noticed after 45 s, as by the websocket's pings."""

_MOST_REMEMBERED = 200_000
"""Lines of an overlap that are known again, by their hashes: some 20 MB at worst."""


class StreamSession(Session):
    """Live from when the server answers the first request."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._seen: set[int] | None = None

    async def _stay(self, tasks: asyncio.TaskGroup) -> None:
        timeout = httpx.Timeout(self._times.open_s, read=None)
        async with httpx.AsyncClient(timeout=timeout) as http:
            stream = await self._open(http, tasks)
            self._become_live()
            while True:
                await self._until_another_is_due()
                self._seen = set()
                newer = await self._open(http, tasks)
                stream.is_retired = True
                await asyncio.sleep(self._times.overlap_s)
                stream.task.cancel()
                stream, self._seen = newer, None

    async def _until_another_is_due(self) -> None:
        """Return when other prefixes are wanted, or after a silence that proves nothing any more."""
        while (left := self._times.renew_s - self._silent_s) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._client.watch_changed.wait()
                    return

    async def _open(self, http: httpx.AsyncClient, tasks: asyncio.TaskGroup) -> _Stream:
        """Ask for what is wanted now; a stream that the server has begun to answer."""
        address, wanted = stream_url(self._client.source.url), self._client.wanted()
        if address is None:
            raise LostError("its url does not end in /ws/, so no HTTP stream is known")
        if not wanted:
            raise LostError("nothing to watch")
        self._client.watch_changed.clear()
        request = http.build_request(
            "GET", with_client(address), headers={
                FILTER_HEADER: stream_filter(sorted(wanted, key=str), self._client.source.host),
                "Accept-Encoding": "identity",
            },
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._times.open_s):
                response = await http.send(request, stream=True)
        except TimeoutError:
            raise LostError(f"no answer within {self._times.open_s:g} s") from None
        if response.status_code != httpx.codes.OK:
            raise LostError(f"the server answers {response.status_code}")
        self._heard_at = clock.monotonic()
        return _Stream(response, tasks, self._hear_once)

    def _hear_once(self, line: bytes) -> None:
        """Hear a line, unless the other stream of an overlap has brought it: a message has an id."""
        if self._seen is not None:
            known = hash(line)
            if known in self._seen:
                return
            if len(self._seen) < _MOST_REMEMBERED:
                self._seen.add(known)
        self._hear(line)


class _Stream:
    """One response that is being read. Its end is a loss, unless another one has taken its place."""

    def __init__(self, response: httpx.Response, tasks: asyncio.TaskGroup, hear: Callable[[bytes], None]) -> None:
        self.is_retired = False
        self._response = response
        self._hear = hear
        self.task = tasks.create_task(self._read())
        connection = response.extensions["network_stream"].get_extra_info("socket")
        for level, option, value in _KEEPALIVE:
            connection.setsockopt(level, option, value)

    async def _read(self) -> None:
        lines = LineReader(MAX_LINE_BYTES)
        try:
            async for piece in self._response.aiter_raw():
                for line in lines.feed(piece):
                    self._hear(line)
        except httpx.HTTPError:
            if not self.is_retired:
                raise
        finally:
            await self._response.aclose()
        if not self.is_retired:
            raise LostError("the server closed the stream")
