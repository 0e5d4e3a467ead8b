"""The polite goodbye of HTTP/2, taken out of the server's bytes before h2 sees them. Pure.

A server that means to serve no more says GOAWAY with NO_ERROR and the last stream that it still answers (RFC 9113
section 6.8), and then answers it: nginx does so before its answer where keep-alive is off, and every server that
is being reloaded may. h2 takes a GOAWAY for the end of the connection and refuses the answer that follows. We ask
once, on stream 1, and open no other, so one that lets us have our answer says nothing that we need.
"""

from __future__ import annotations

import struct

_HEAD = struct.Struct("!BHBBI")
"""Length (24 bits), type, flags, stream (RFC 9113 section 4.1)."""
_GOAWAY = 7
_REASON = struct.Struct("!II")
_MAX_LENGTH = 16384
"""Octets of a frame's payload: what we allow, as our settings do not raise it; h2 refuses a longer one."""


class GoodbyeFilter:
    """Lets a server's bytes through, but for GOAWAY frames that promise to answer `stream` and name no error."""

    def __init__(self, stream: int) -> None:
        self._stream = stream
        self._held = bytearray()
        self._passing = 0

    def pass_on(self, data: bytes) -> bytes:
        """What h2 may read of `data` and of what was held back; a GOAWAY is held until it is complete."""
        passed = bytearray()
        self._held += data
        at = 0
        while at < len(self._held):
            if not self._passing:
                end = self._frame_end(at)
                if end is None:
                    break
                if self._is_polite(at, end):
                    at = end
                    continue
                self._passing = end - at
            part = self._held[at : at + self._passing]
            self._passing -= len(part)
            at += len(part)
            passed += part
        del self._held[:at]
        return bytes(passed)

    def _frame_end(self, at: int) -> int | None:
        """Where the frame at `at` ends, known once its head is there; of a GOAWAY, once it is there as a whole."""
        if len(self._held) < at + _HEAD.size:
            return None
        high, low, kind, _, _ = _HEAD.unpack_from(self._held, at)
        length = high << 16 | low
        end = at + _HEAD.size + length
        is_awaited = kind == _GOAWAY and length <= _MAX_LENGTH and end > len(self._held)
        return None if is_awaited else end

    def _is_polite(self, at: int, end: int) -> bool:
        _, _, kind, _, stream = _HEAD.unpack_from(self._held, at)
        if kind != _GOAWAY or stream & 0x7FFFFFFF or not _REASON.size <= end - at - _HEAD.size <= _MAX_LENGTH:
            return False
        last, error = _REASON.unpack_from(self._held, at + _HEAD.size)
        return bool(error == 0 and last & 0x7FFFFFFF >= self._stream)
