"""Tells those who watch the monitor that it lives: systemd's watchdog, and a heartbeat to a URL elsewhere.

What counts as living is `pulse`'s to say; how a daemon does is asked anew each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import structlog

from monitor import __version__
from monitor.model.settings import HeartbeatSettings
from monitor.report.safe_text import one_line
from monitor.station import service_manager
from monitor.station.pulse import Signs, cut_off, stuck
from probes import clock

ANSWER_S = 10.0
UNSET_S = 10.0
"""Between two looks whether a reload has brought a heartbeat."""

_log = structlog.get_logger("lifeline")


async def feed_watchdog(signs: Callable[[], Signs], *, monotonic: Callable[[], float] = clock.monotonic) -> None:
    """Give systemd a sign of life three times in its WatchdogSec, while there is one; returns if none is asked."""
    within_s = service_manager.watchdog_s()
    if within_s is None:
        return
    was_stuck = False
    while True:
        reason = stuck(signs(), monotonic())
        if reason is None:
            service_manager.notify(WATCHDOG="1")
        elif not was_stuck:
            _log.error("watchdog_not_fed", reason=reason)
            service_manager.notify(STATUS=f"stuck: {reason}")
        was_stuck = reason is not None
        await asyncio.sleep(within_s / 3)


class Heartbeat:
    """Calls a URL while an outage would be heard of. A reload may change the `settings`, so they are asked for.

    The URL is a secret, often: whoever has it can keep us alive. Only its host is told in logs.
    """

    def __init__(
        self,
        settings: Callable[[], HeartbeatSettings | None],
        signs: Callable[[], Signs],
        *,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._settings = settings
        self._signs = signs
        self._monotonic = monotonic
        self._trouble: str | None = None

    async def run(self) -> None:
        """Call until cancelled; the first time after one interval, when there is something to be alive for."""
        while True:
            settings = self._settings()
            await asyncio.sleep(UNSET_S if settings is None else settings.interval_s)
            if settings is not None:
                await self.beat(settings)

    async def beat(self, settings: HeartbeatSettings) -> bool:
        """Call the URL once, unless there is a reason not to; whether it was called and answered with 2xx."""
        reason = cut_off(self._signs(), self._monotonic())
        if reason is not None:
            self._tell("heartbeat_withheld", reason)
            return False
        try:
            status = await call(settings)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            host = urlsplit(settings.url).hostname
            self._tell("heartbeat_not_taken", f"{host}: {type(error).__name__}: {one_line(str(error), 200)}")
            return False
        if not 200 <= status < 300:
            self._tell("heartbeat_not_taken", f"{urlsplit(settings.url).hostname}: status {status}")
            return False
        self._trouble = None
        return True

    def _tell(self, event: str, reason: str) -> None:
        if self._trouble != event:
            _log.warning(event, reason=reason)
        self._trouble = event


async def call(settings: HeartbeatSettings) -> int:
    """Call the URL; the status of its answer, whose body is not read.

    :raises httpx.HTTPError: it was not reached
    :raises TimeoutError: there was no answer within `ANSWER_S`
    """
    async with (
        asyncio.timeout(ANSWER_S),
        httpx.AsyncClient(headers={"user-agent": f"whydown/{__version__}"}, timeout=ANSWER_S) as client,
        client.stream(settings.method, settings.url) as response,
    ):
        return response.status_code
