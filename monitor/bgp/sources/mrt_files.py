"""MRT files as a source: those that match a glob now, tables first, then new ones as they appear.

Files are read in a thread, a piece at a time, so that a table of a million routes neither stops the loop nor
fills the memory.
"""

from __future__ import annotations

import asyncio
import glob
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

from monitor.bgp.mrt import MrtStats, read_mrt_batches
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.sources.sink import Sink

_POLL_S = 10.0


class MrtSource:
    """Reads every file that matches `pattern` once, then looks again every `poll_s` seconds.

    A file that appears later is read when its size has stayed the same for one such pause: collectors
    write for minutes. `told` is called after each file with what was in it; the `damage` of a file that could
    not be read says why. `wanted` is asked before each file which prefixes to read. `wait` is how to pause.
    """

    def __init__(
        self,
        pattern: str,
        wanted: Callable[[], PrefixFilter | None] = lambda: None,
        *,
        told: Callable[[Path, MrtStats], object] = lambda path, stats: None,
        poll_s: float = _POLL_S,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._begun: set[Path] = set()
        self._pattern = pattern
        self._wanted = wanted
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
            for path, size in now.items():
                if sizes.get(path) == size:
                    await self._read(path, sink)
            sizes = now

    async def read_present(self, sink: Sink) -> None:
        """Give the facts of the files that are there now, then return."""
        for path in await asyncio.to_thread(self._unread):
            await self._read(path, sink)

    def _unread(self) -> dict[Path, int]:
        """The files not yet read and their sizes: tables first, then by name, which for collectors is by time."""
        # pathlib's glob would need a folder to start from.
        paths = (Path(name) for name in glob.glob(self._pattern, recursive=True))  # noqa: PTH207
        sizes = {path: _size(path) for path in paths if path not in self._begun}
        fresh = [(path, size) for path, size in sizes.items() if size is not None]
        return dict(sorted(fresh, key=lambda found: (not _is_table(found[0]), found[0])))

    async def _read(self, path: Path, sink: Sink) -> None:
        self._begun.add(path)
        stats = MrtStats()
        # Not closed here: when this task is cancelled, its thread is still inside the generator for a moment.
        # The file is closed with the generator, by whoever lets go of it last.
        batches = read_mrt_batches(path, wanted=self._wanted(), stats=stats)
        try:
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                if batch:
                    await sink(batch)
        except OSError as error:
            stats.damage = str(error)
        self._told(path, stats)


def _size(path: Path) -> int | None:
    """The size of a file; None for what is none, or was moved away since the folder was listed."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def _is_table(path: Path) -> bool:
    """`rib.*` is Route Views' name for a table, `bview.*` RIS's."""
    return path.name.startswith(("rib", "bview"))
