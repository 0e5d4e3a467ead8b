"""The JSON values of a stream, one a line or as the elements of one array, in bounded memory.

An array may be of any length and on one line, as download services send it; it is cut at the commas of its
first level without being parsed, so that one bad element does not spoil the others. Knows nothing of what
the values mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Protocol

from monitor.files.numbered_lines import MAX_LINE, numbered_lines

_CHUNK: Final = 1 << 16
# What decides where an element ends, and the line ends, which are only counted.
_TOKEN: Final = re.compile(rb'["\\\[\]{},\n]')

Value = tuple[int, bytes | None]


class _Stream(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...
    def readline(self, size: int = -1, /) -> bytes: ...


class _Again:
    """A stream whose first line was read already."""

    def __init__(self, first: bytes, rest: _Stream) -> None:
        self._first = first
        self._rest = rest

    def readline(self, size: int = -1, /) -> bytes:
        """That line, then the rest."""
        first, self._first = self._first, b""
        return first or self._rest.readline(size)


def json_values(stream: _Stream, limit: int = MAX_LINE) -> Iterator[Value]:
    """Each value with the number of the line on which it begins; None for one longer than `limit` bytes.

    A stream whose first line begins with `[` is one array. What stands there and is not JSON comes out as a
    value too, for the caller's parser to refuse.
    """
    first = stream.readline(limit + 1)
    if not first.lstrip().startswith(b"["):
        yield from numbered_lines(_Again(first, stream), limit)
        return
    array = _Array(limit)
    chunk = first.lstrip()[1:]
    while chunk or (chunk := stream.read(_CHUNK)):
        yield from array.feed(chunk)
        chunk = b""
    yield from array.end()


class _Array:
    """Cuts the text behind an array's opening bracket into elements."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._text = bytearray()
        self._too_long = False
        self._begin = self._line = 1
        self._depth = 0
        self._in_string = False
        self._escaped = False  # the first byte of the next chunk follows a backslash

    def feed(self, chunk: bytes) -> Iterator[Value]:
        """Take more text; the elements that end in it."""
        start, escaped_at = 0, 0 if self._escaped else -1
        self._escaped = False
        for token in _TOKEN.finditer(chunk):
            place, byte = token.start(), token[0]
            if byte == b"\n":
                self._line += 1
            if place == escaped_at:
                continue
            if byte == b"\\" and self._in_string:
                escaped_at = place + 1
                self._escaped = escaped_at == len(chunk)
            elif self._ends(byte):
                yield from self._cut(chunk[start:place])
                start = place + 1
        self._keep(chunk[start:])

    def end(self) -> Iterator[Value]:
        """What is left when the stream ends: nothing after a closing bracket."""
        yield from self._cut(b"")

    def _ends(self, byte: bytes) -> bool:
        """Whether an element ends before this byte; keeps account of strings and nesting."""
        if byte == b'"':
            self._in_string = not self._in_string
        elif self._in_string:
            return False
        elif byte in b"[{":
            self._depth += 1
        elif byte in b"]}":
            if self._depth == 0:
                return True
            self._depth -= 1
        return byte == b"," and self._depth == 0

    def _keep(self, text: bytes) -> None:
        if self._too_long:
            return
        self._text += text
        if len(self._text) > self._limit:
            self._begin = self._first_line()
            self._too_long = True
            self._text.clear()

    def _cut(self, text: bytes) -> Iterator[Value]:
        self._keep(text)
        if self._too_long:
            yield self._begin, None
        elif value := bytes(self._text.strip()):
            yield self._first_line(), value
        self._text.clear()
        self._too_long = False
        self._begin = self._line

    def _first_line(self) -> int:
        """The line on which what is kept begins, blanks aside."""
        blank = len(self._text) - len(self._text.lstrip())
        return self._begin + self._text.count(b"\n", 0, blank)
