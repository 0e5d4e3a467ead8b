"""The monitor's own lateness is seen, and only while somebody looks."""

import asyncio
import time

from probes.loop_lag import LagWindow, LoopLag


def hold_up(seconds):
    """Keep the loop from running, as a long computation does."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_stall_is_recorded_in_every_open_window():
    """A loop held up for 100 ms is late by most of it, for all who watched, and not for who came later."""

    async def main():
        lag, early, late = LoopLag(), LagWindow(), LagWindow()
        with lag.watch(early):
            hold_up(0.1)
            await asyncio.sleep(0)
        with lag.watch(late):
            await asyncio.sleep(0)
        return early.worst_s, late.worst_s

    early, late = asyncio.run(main())

    assert early > 0.07
    assert late < early


def test_no_timer_is_left_when_nobody_watches():
    """A finished watch leaves nothing scheduled: the loop has no other reason to wake."""

    async def main():
        lag = LoopLag()
        with lag.watch(LagWindow()):
            await asyncio.sleep(0)
        return [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]

    assert asyncio.run(main()) == []
