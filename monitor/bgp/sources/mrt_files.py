"""MRT files as a source: those that match a glob now, tables first, then new ones as they appear.

How far each file was read is told as a `FileMark` together with its facts, so that whoever keeps both in one go
finds neither twice after a new start. A plain file is followed as it grows: routers' daemons write one for days.
A compressed one is read when its size has stayed the same for a pause: collectors write for minutes.

Files are read in a thread, a piece at a time, so that a table of a million routes neither stops the loop nor
fills the memory.
"""

from __future__ import annotations

import asyncio
import glob
import hashlib
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.bgp.mrt import MrtStats, read_mrt_from
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.sources.sink import Sink
from monitor.files import CompressedFile
from monitor.model import FileMark
from probes import clock

HEAD_BYTES = 4096
"""By which a file is known again: some dozens of records with their times."""

_POLL_S = 10.0


@dataclass(frozen=True, slots=True)
class _Found:
    """A file that is there: its size, and how much of it was read."""

    size: int
    is_plain: bool
    mark: FileMark | None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing in it that was not read."""
        if self.mark is None:
            return False
        return self.mark.size == self.size or (self.is_plain and self.mark.offset == self.size)


class MrtSource:
    """Reads every file that matches `pattern`, then looks again every `poll_s` seconds.

    `marks`: how far the files were read before, by path; `name` is the feed's, under which further marks go to
    the sink. `told` is called after each reading with what was in it; the `damage` of a file that could not be
    read says why. `wanted` is asked before each reading which prefixes to read. `wait` is how to pause.
    """

    def __init__(
        self,
        pattern: str,
        wanted: Callable[[], PrefixFilter | None] = lambda: None,
        *,
        name: str = "mrt",
        marks: Mapping[str, FileMark] | None = None,
        told: Callable[[Path, MrtStats], object] = lambda path, stats: None,
        poll_s: float = _POLL_S,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pattern = pattern
        self._wanted = wanted
        self._name = name
        self._marks = dict(marks or {})
        self._told = told
        self._poll_s = poll_s
        self._wait = wait

    async def run(self, sink: Sink) -> None:
        """Give all facts to `sink`, for ever; what `sink` raises ends it."""
        await self.read_present(sink)
        sizes: dict[Path, int] = {}
        while True:
            await self._wait(self._poll_s)
            now = await asyncio.to_thread(self._unread)
            for path, found in now.items():
                rests = sizes.get(path) == found.size
                if rests or found.is_plain:
                    await self._read(path, found, sink, is_growing=not rests)
            sizes = {path: found.size for path, found in now.items()}

    async def read_present(self, sink: Sink) -> None:
        """Give the facts of the files that are there now, then return."""
        for path, found in (await asyncio.to_thread(self._unread)).items():
            await self._read(path, found, sink, is_growing=False)

    def _unread(self) -> dict[Path, _Found]:
        """The files that hold something unread: tables first, then by name, which for collectors is by time."""
        # pathlib's glob would need a folder to start from.
        paths = sorted(Path(name) for name in glob.glob(self._pattern, recursive=True))  # noqa: PTH207
        found = {path: one for path in paths if (one := self._look_at(path)) is not None and not one.is_done}
        return dict(sorted(found.items(), key=lambda entry: (not _is_table(entry[0]), entry[0])))

    def _look_at(self, path: Path) -> _Found | None:
        """A file; None for what is none, or was moved away since the folder was listed."""
        try:
            about = path.stat()
            if not stat.S_ISREG(about.st_mode):
                return None
            mark = self._marks.get(str(path))
            if mark is not None and mark.size == about.st_size:
                return _Found(about.st_size, is_plain=False, mark=mark)
            with CompressedFile(path) as raw:
                same = mark is not None and _hashed(raw.read_fully(mark.head_bytes)) == mark.head
                if mark is not None and raw.is_plain and about.st_size < mark.offset:
                    same = False
                return _Found(about.st_size, raw.is_plain, mark if same else None)
        except OSError:
            return None

    async def _read(self, path: Path, found: _Found, sink: Sink, *, is_growing: bool) -> None:
        stats = MrtStats()
        start = found.mark.offset if found.mark is not None else 0
        head = (
            await asyncio.to_thread(_head, path)
            if found.mark is None
            else (found.mark.head, found.mark.head_bytes)
        )
        # Not closed here: when this task is cancelled, its thread is still inside the generator for a moment.
        # The file is closed with the generator, by whoever lets go of it last.
        pieces = read_mrt_from(path, start, None, self._wanted(), stats, is_growing=is_growing)
        reached = start
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                facts, reached = piece
                if facts:
                    await sink([*facts, self._marked(path, reached, head)])
        except OSError as error:
            stats.damage = str(error)
        # A growing file is not done with its present size, and one that ends within a record has told it now.
        done = 0 if is_growing else found.size
        await sink([self._marked(path, reached, head, done)])
        if stats.records or stats.damage:
            self._told(path, stats)

    def _marked(self, path: Path, offset: int, head: tuple[bytes, int], size: int = 0) -> FileMark:
        mark = FileMark(
            at=clock.wall(), source=self._name, path=str(path), offset=offset, head=head[0], head_bytes=head[1],
            size=size,
        )  # fmt: skip
        self._marks[str(path)] = mark
        return mark


def _head(path: Path) -> tuple[bytes, int]:
    """A digest of the first bytes, and of how many."""
    try:
        with CompressedFile(path) as raw:
            data = raw.read_fully(HEAD_BYTES)
    except OSError:
        data = b""
    return _hashed(data), len(data)


def _hashed(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _is_table(path: Path) -> bool:
    """`rib.*` is Route Views' name for a table, `bview.*` RIS's."""
    return path.name.startswith(("rib", "bview"))
