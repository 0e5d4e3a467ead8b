"""The bundle's file: a ZIP archive with known names and a bound on everything, since it may come from anybody.

Chosen because whoever gets one can open it without any program of ours. What is written is the same for the same
contents: no times, no order of a file system. What is read is refused rather than understood: names outside the
list (so no path leads anywhere), a name twice, encryption, links, other methods than deflate, more bytes than
the manifest says (so no bomb grows further than its first surplus byte).
"""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

MANIFEST = "manifest.json"
NAMES = frozenset({
    MANIFEST, "README.txt", "report.html", "report.json", "verdict.jsonl", "config.toml", "observations.jsonl",
    "routes.jsonl", "routes-before.jsonl", "hours-before.jsonl", "vrps.json", "prefix_to_as.txt",
    "relationships.txt",
})  # fmt: skip
"""Everything that a bundle may hold."""

MOST_FILE_BYTES = 128 * 2**20
MOST_BYTES = 512 * 2**20
"""Of the contents, together: six hours of ten targets from a hundred vantages, measured twice a minute, is half of
it. Whoever replays it holds its facts in memory, which takes three times as much."""
MOST_MANIFEST_BYTES = 2**20

_CHUNK = 1 << 20
# The earliest that ZIP can say: when it was made stands in the manifest.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
# What zipfile lets through for archives that are not what they say, beside its own error: offsets before a file's
# beginning (ValueError), fields that are cut off (struct.error), versions and flags that it does not know.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, NotImplementedError,
    RuntimeError,
)  # fmt: skip


class BundleError(Exception):
    """The file is no bundle, was altered, or goes beyond a limit; the message says which."""


def write_archive(file: IO[bytes], contents: Mapping[str, Path]) -> None:
    """Write the files that `contents` names to the archive `file`, sorted by name."""
    with zipfile.ZipFile(file, "w") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            with contents[name].open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while piece := source.read(_CHUNK):
                    target.write(piece)


class Archive:
    """An archive open for reading; its names are checked, its contents not yet."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.path = path
        self._archive = archive
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in archive.infolist():
            self._check(entry)
            self._entries[entry.filename] = entry

    @property
    def names(self) -> frozenset[str]:
        """The files that it holds."""
        return frozenset(self._entries)

    def read(self, name: str, most: int) -> bytes:
        """A small file as a whole.

        :raises BundleError: it is not there, longer than `most` bytes, or damaged
        """
        entry = self._entries.get(name)
        if entry is None:
            raise BundleError(f"{self.path}: holds no {name}, so it is no bundle")
        try:
            with self._archive.open(entry) as source:
                found = source.read(most + 1)
        except (*_DAMAGE, OSError) as error:
            raise BundleError(f"{self.path}: {name} is damaged: {error}") from error
        if len(found) > most:
            raise BundleError(f"{self.path}: {name} is longer than {most} bytes")
        return found

    def extract(self, name: str, target: Path, size: int) -> str:
        """Copy a file of `size` bytes; its SHA-256 in hex.

        :raises BundleError: it has more or fewer bytes, or is damaged
        """
        digest = hashlib.sha256()
        left = size
        try:
            with self._archive.open(self._entries[name]) as source, target.open("xb") as file:
                while piece := source.read(min(_CHUNK, left + 1)):
                    left -= len(piece)
                    if left < 0:
                        raise BundleError(f"{self.path}: {name} has more than the {size} bytes of its manifest")
                    digest.update(piece)
                    file.write(piece)
        except _DAMAGE as error:
            raise BundleError(f"{self.path}: {name} is damaged: {error}") from error
        if left:
            raise BundleError(f"{self.path}: {name} has {left} bytes less than its manifest says")
        return digest.hexdigest()

    def _check(self, entry: zipfile.ZipInfo) -> None:
        name = entry.filename
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if name not in NAMES:
            raise BundleError(f"{self.path}: holds {name[:80]!r}, which no bundle has")
        if name in self._entries:
            raise BundleError(f"{self.path}: holds {name} twice")
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS or kind not in (0, stat.S_IFREG):
            raise BundleError(f"{self.path}: {name} is encrypted, a link, or packed in an unknown way")


def open_archive(file: IO[bytes], path: Path) -> Archive:
    """Open an archive for reading; `path` is what errors call it.

    :raises BundleError: no ZIP archive, too large, or with anything that no bundle has
    """
    size = file.seek(0, 2)
    if size > MOST_FILE_BYTES:
        raise BundleError(f"{path}: {size} bytes, more than the {MOST_FILE_BYTES} of the largest bundle")
    try:
        archive = zipfile.ZipFile(file)
    except (*_DAMAGE, OSError) as error:
        raise BundleError(f"{path}: no ZIP archive: {error}") from error
    return Archive(archive, path)
