"""A scenario told as it happens: line by line, or on a terminal with the monitor's own live status above.

It draws what the play has; it concludes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from lab.monitor_config import CONTROLS
from lab.play import Play
from rich.console import Console
from rich.live import Live

from monitor.station.live_status import Snapshot, draw
from probes import clock

_REFRESH_S = 0.5
_LINES = 12


class Telling:
    """`show` a line; on a terminal `watch` a play meanwhile. Lines begin with the seconds since the start."""

    def __init__(self, console: Console, *, live: bool, echo: Callable[[str], None]) -> None:
        self._echo = echo
        self._start = time.monotonic()
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._live = Live(console=console, auto_refresh=False) if live else None

    def __enter__(self) -> Telling:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def show(self, line: str) -> None:
        """Tell one thing that happened."""
        timed = f"{time.monotonic() - self._start:7.1f} s  {line}"
        if self._live is None:
            self._echo(timed)
        else:
            self._lines.append(timed)

    async def watch(self, play: Play) -> None:
        """Redraw the monitor's live status until cancelled."""
        while self._live is not None:
            snapshot = Snapshot(
                now=clock.wall(),
                title="the laboratory",
                board=play.board,
                incidents=tuple(play.open_incidents.values()),
                mails=tuple(play.mails[-3:]),
                log=tuple(self._lines),
                controls=CONTROLS,
            )
            self._live.update(draw(snapshot), refresh=True)
            await asyncio.sleep(_REFRESH_S)
