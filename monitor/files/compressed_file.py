"""A file read whole or compressed, told by its first bytes and not by its name: gzip, bzip2, zstd, plain.

Reads a damaged file up to the damage and then says what it was, because a torn download of a routing
table is still worth its first half. Output is made in bounded steps, so that a decompression bomb costs
time, not memory. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import bz2
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

_MAGIC_BYTES = 4
_GZIP, _BZIP2, _ZSTD = b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd"
_CHUNK = 64 * 1024
_MAX_ZSTD_WINDOW = 1 << 27
"""128 MiB, the most that the `zstd` program accepts without being told."""


class CompressedFile(io.RawIOBase):
    """The uncompressed bytes of a file; `damage` says, after the end, why it ended early, or None.

    A cut zstd frame ends without a word: its reader cannot tell it from the end.
    """

    def __init__(self, path: Path) -> None:
        self.damage: str | None = None
        self._file = path.open("rb")
        self._at = 0
        self._is_plain = not self._file.read(_MAGIC_BYTES).startswith((_GZIP, _BZIP2, _ZSTD))
        self._file.seek(0)
        self._blocks = _blocks(self._file)
        self._block = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` as far as the current block goes; 0 at the end or at the damage."""
        if self._is_plain:
            return self._read_plain(buffer)
        while not self._block:
            try:
                block = next(self._blocks, None)
            except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
                self.damage = f"{error}"
                self._blocks = iter(())
                return 0
            if block is None:
                return 0
            self._block = memoryview(block)
        size = min(len(buffer), len(self._block))
        buffer[:size] = self._block[:size]
        self._block = self._block[size:]
        self._at += size
        return size

    def _read_plain(self, buffer: bytearray | memoryview) -> int:
        """A table of two gigabytes is not to be copied once more."""
        try:
            size = self._file.readinto(buffer)
        except OSError as error:
            self.damage = f"{error}"
            return 0
        self._at += size
        return size

    @property
    def is_plain(self) -> bool:
        """Whether the file is not compressed, so that what is appended to it can be read on."""
        return self._is_plain

    def read_fully(self, size: int) -> bytes:
        """So many bytes, or all that there are."""
        data = bytearray()
        while len(data) < size and (more := self.read(size - len(data))):
            data += more
        return bytes(data)

    def skip_to(self, offset: int) -> None:
        """Read on from another place, not before the one reached where the file is compressed."""
        if self.is_plain:
            self._file.seek(offset)
            self._at = offset
            return
        while self._at < offset and self.read(min(_CHUNK, offset - self._at)):
            pass

    def close(self) -> None:
        """Close the file beneath too."""
        self._file.close()
        super().close()


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """What a compressed file holds; of a plain one nothing, it is read as it is."""
    magic = file.read(_MAGIC_BYTES)
    file.seek(0)
    if magic.startswith(_GZIP):
        return _gzip_blocks(file)
    if magic.startswith(_BZIP2):
        return _bzip2_blocks(file)
    if magic == _ZSTD:
        return _zstd_blocks(file)
    return iter(())


def _gzip_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Every member of the file; zero padding behind the last is no damage, as gzip itself has it."""
    data = file.read(_CHUNK)
    while data:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            if not data:
                raise EOFError("gzip data ends in the middle")
            yield member.decompress(data, _CHUNK * 16)
            data = member.unconsumed_tail or (b"" if member.unused_data else file.read(_CHUNK))
        data = (member.unused_data or data).lstrip(b"\0") or file.read(_CHUNK).lstrip(b"\0")


def _bzip2_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Every stream of the file."""
    data = file.read(_CHUNK)
    while data:
        stream = bz2.BZ2Decompressor()
        while not stream.eof:
            if stream.needs_input and not data:
                raise EOFError("bzip2 data ends in the middle")
            yield stream.decompress(data, _CHUNK * 16)
            data = file.read(_CHUNK) if stream.needs_input and not stream.eof else b""
        data = stream.unused_data or file.read(_CHUNK)


def _zstd_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Every frame of the file."""
    unpack = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
    with unpack.stream_reader(file, read_across_frames=True, closefd=False) as reader:
        yield from iter(lambda: reader.read(_CHUNK * 16), b"")
