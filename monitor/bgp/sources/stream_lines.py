"""Pieces of a stream -> its lines, in bounded memory. Pure."""

from __future__ import annotations


class LineReader:
    """Cuts a stream at its line feeds. Of a line above `most_bytes` one byte too many is given at once, so that
    who reads it sees that it is too long; the rest of it is passed over."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._pieces: list[bytes] = []
        self._have = 0
        self._is_skipping = False

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that are complete now, without their ends; blank ones are left out."""
        *lines, rest = piece.split(b"\n")
        if not lines:
            return self._hold(rest)
        found = self._hold(lines[0]) + self._end()
        found += [line for line in lines[1:] if line and not line.isspace()]
        return found + self._hold(rest)

    def _hold(self, piece: bytes) -> list[bytes]:
        """Keep a piece of an unfinished line; the line if it is too long now."""
        if self._is_skipping or not piece:
            return []
        self._pieces.append(piece)
        self._have += len(piece)
        if self._have <= self._most_bytes:
            return []
        line = b"".join(self._pieces)[: self._most_bytes + 1]
        self._pieces.clear()
        self._is_skipping = True
        return [line]

    def _end(self) -> list[bytes]:
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._have, self._is_skipping = 0, False
        return [line] if line and not line.isspace() else []
