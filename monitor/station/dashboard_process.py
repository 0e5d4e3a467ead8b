"""Keeps the dashboard alive as a process of its own beside a monitor: started, restarted when it ends.

A page may take half a second of processor time. In the monitor's process that would delay every probe that is
under way, and show as a service that is slow; here it does not. The process reads the history and shares nothing
else. It ends with the monitor.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from monitor.station.child import bound_to_parent

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
WELL_S = 60.0
"""A process that lasted so long failed for a reason of its own: the next pause is the first again."""

END_S = 5.0

_log = structlog.get_logger("dashboard")


class DashboardProcess:
    """`whydown web` with the monitor's configuration file, whenever `wanted` says so.

    `quiet`: its logs would spoil a live status, so they go nowhere.
    """

    def __init__(self, path: Path, wanted: Callable[[], bool], *, quiet: bool) -> None:
        self._path = path
        self._wanted = wanted
        self._quiet = quiet
        self._process: asyncio.subprocess.Process | None = None
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Keep it running until cancelled."""
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                self._changed.clear()
                if not self._wanted():
                    await self._changed.wait()
                    continue
                began = loop.time()
                status = await self._once()
                if self._changed.is_set():
                    continue
                pause_s = FIRST_PAUSE_S if loop.time() - began > WELL_S else min(2 * pause_s, LONGEST_PAUSE_S)
                _log.error("dashboard_ended", status=status, again_in_s=pause_s)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), pause_s)
        finally:
            await self._end()

    def renew(self) -> None:
        """Begin anew, because the configuration changed."""
        self._changed.set()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    async def _once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor", "web", "--config", str(self._path)),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL if self._quiet else None,
            preexec_fn=bound_to_parent(signal.SIGTERM),
        )
        return await self._process.wait()

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), END_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
