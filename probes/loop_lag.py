"""How late the event loop runs: the monitor's own share in what it measures.

A loop that is late by 100 ms adds up to 100 ms to every phase that a probe times in user space. Observations
carry the figure (`loop_lag_s`), so that a slow monitor is not taken for a slow service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from probes import clock

_TICK_S = 0.02  # a stall shorter than this, in a probe shorter than this, is not seen; 50 wake-ups a second


class LagWindow:
    """The greatest lateness of the loop since the window was opened, seconds."""

    __slots__ = ("worst_s",)

    def __init__(self) -> None:
        self.worst_s = 0.0


class LoopLag:
    """One timer for all probes in flight; it runs only while somebody watches."""

    def __init__(self) -> None:
        self._windows: set[LagWindow] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    @contextmanager
    def watch(self, window: LagWindow) -> Iterator[None]:
        """Record in `window` for as long as the block runs. Must be entered inside a running loop."""
        self._windows.add(window)
        if self._timer is None:
            self._arm()
        try:
            yield
        finally:
            self._record()  # a tick that is overdue now was held up by what this probe met last
            self._windows.discard(window)
            if not self._windows and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _arm(self) -> None:
        self._due = clock.monotonic() + _TICK_S
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _tick(self) -> None:
        self._record()
        self._arm()

    def _record(self) -> None:
        late = clock.monotonic() - self._due
        if late <= 0:
            return  # the usual case when a probe ends; with fifty in flight the loop below is worth sparing
        for window in self._windows:
            window.worst_s = max(window.worst_s, late)
