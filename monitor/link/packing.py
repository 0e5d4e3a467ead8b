"""Messages to bytes and back: MessagePack, compressed with Zstandard (RFC 8878), both sides bounded.

Reading is total: any bytes become a value of the wanted type, or a `PackingError` that says what is wrong and
names the limit. A small body that would grow without end is cut at the limit, not after.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
import zstandard

Message = TypeVar("Message", bound=msgspec.Struct)

MOST_PACKED = 2 * 2**20
"""Bytes of a body as it travels. 2,000 facts are some 100 kB, 2,000 traceroutes with long paths 1 MB."""

MOST_UNPACKED = 16 * 2**20
"""Bytes after decompression: 2,000 facts of 8 kB each, which no observation is."""

_WINDOW = 2**23
"""Bytes that a sender may make us look back (RFC 8878 section 3.1.1.1.2 asks for 8 MB at least)."""

_LEVEL = 3

_ENCODER = msgspec.msgpack.Encoder()


class PackingError(Exception):
    """A body that is not the message. `too_large`: it is beyond a limit; else it is malformed."""

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large


def pack(message: msgspec.Struct) -> bytes:
    """The message as it travels."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(_ENCODER.encode(message))


def unpack(body: bytes, kind: type[Message]) -> Message:
    """The message in `body`.

    :raises PackingError: it is too large, not compressed as it must be, or no such message
    """
    if len(body) > MOST_PACKED:
        raise PackingError(f"a body of {len(body)} bytes; at most {MOST_PACKED} are taken", too_large=True)
    plain = _decompress(body)
    try:
        return msgspec.msgpack.decode(plain, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise PackingError(f"not a {kind.__name__}: {str(error)[:200]}") from error


def _decompress(body: bytes) -> bytes:
    try:
        announced = zstandard.frame_content_size(body)
        if announced > MOST_UNPACKED:
            raise _too_much()
        decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        if announced >= 0:
            # What our own side sends: a reader would want room for the most there may be, for each message.
            return bytes(decompressor.decompress(body))
        with decompressor.stream_reader(body) as reader:
            plain = reader.read(MOST_UNPACKED + 1)
    except (zstandard.ZstdError, MemoryError) as error:
        raise PackingError(f"not compressed with Zstandard: {error}") from error
    if len(plain) > MOST_UNPACKED:
        raise _too_much()
    return bytes(plain)


def _too_much() -> PackingError:
    return PackingError(f"more than {MOST_UNPACKED} bytes after decompression", too_large=True)
