"""A websocket connection that gives each message to a function, as fast as they come.

The library (websockets) opens and closes the connection, goes through proxies and TLS, answers pings and
sends. Only its way of a message to the reader, a queue and a task switch each, is too dear for a feed of tens
of thousands a second: the messages go from the socket's bytes straight to `take`, which must not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import CloseCode
from websockets.protocol import State

from monitor.bgp.sources.websocket_frames import ControlFrame, FrameError, FrameReader

_END_OF_HEAD = b"\r\n\r\n"


class LineConnection(ClientConnection):
    """Reads frames itself once the handshake is done; `send` and `close` are the library's."""

    def __init__(self, *args: Any, take: Callable[[bytes], None], most_bytes: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._take = take
        self._frames = FrameReader(most_bytes)
        self._is_open = False
        self._has_failed = False
        self._last = b""

    def data_received(self, data: bytes) -> None:
        """Bytes from the socket: the library's until the answer to the handshake has ended, then ours."""
        if self._is_open:
            self._read(data)
            return
        joined = self._last + data
        end = joined.find(_END_OF_HEAD)
        cut = len(data) if end < 0 else end + len(_END_OF_HEAD) - len(self._last)
        self._last = joined[1 - len(_END_OF_HEAD) :]
        super().data_received(data[:cut])
        self._is_open = self.protocol.state is State.OPEN
        if self._is_open:
            self._read(data[cut:])
        elif data[cut:]:
            super().data_received(data[cut:])

    def _read(self, data: bytes) -> None:
        if self._has_failed:
            return
        try:
            found = self._frames.feed(data)
        except FrameError as error:
            self._has_failed = True
            code = CloseCode.MESSAGE_TOO_BIG if error.too_big else CloseCode.PROTOCOL_ERROR
            self.protocol.fail(code, str(error))
            # Without data, but it sends what closes the connection and waits for its end.
            super().data_received(b"")
            return
        for item in found:
            if isinstance(item, ControlFrame):
                super().data_received(item.raw)
            else:
                self._take(item)


def open_lines(
    url: str, take: Callable[[bytes], None], *, most_bytes: int, open_s: float, close_s: float
) -> connect:
    """`async with open_lines(…) as connection:` gives each message to `take` until the connection ends.

    Compression is not offered: it costs the client 10 µs a message and saves a network that has enough.
    """

    def create(*args: Any, **options: Any) -> LineConnection:
        return LineConnection(*args, take=take, most_bytes=most_bytes, **options)

    return connect(
        url,
        create_connection=create,  # type: ignore[arg-type]  # only ever called
        compression=None,
        ping_interval=None,
        open_timeout=open_s,
        close_timeout=close_s,
        max_size=most_bytes,
    )
