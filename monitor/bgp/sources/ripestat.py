"""RIPEstat over HTTPS, politely: one question at a time, a pause between two, retries that obey the server.

RIPEstat's rules (https://stat.ripe.net/docs/data_api, Rules of Usage): at most 8 questions at a time from one
address, a `sourceapp` to be known by, registration above 1,000 questions a day. An investigation asks some
ten; here one runs at a time, at most two a second start. What an answer means is `monitor.bgp.ripestat`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

import httpx
import stamina

from monitor.bgp.ripestat import MAX_ANSWER_BYTES
from monitor.bgp.sources.answer_folder import AnswerFolder
from monitor.bgp.sources.ripestat_query import Query, RipestatUnavailableError
from probes import clock

URL = "https://stat.ripe.net"
GAP_S = 0.5
"""Between the starts of two questions."""

ATTEMPTS = 4
PATIENCE_S = 180.0
"""For all attempts of one question; a day of a busy prefix takes RIPEstat half a minute."""
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_LONGEST_PAUSE_S = 60.0
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})


class Ripestat:
    """Asks RIPEstat, or `url`; use as an async context manager. `folder` keeps answers that will not change.

    `told` is called with each question and how it was answered, in a few words.
    """

    def __init__(
        self,
        folder: AnswerFolder | None = None,
        *,
        url: str = URL,
        gap_s: float = GAP_S,
        wait_initial_s: float = 1.0,
        told: Callable[[Query, str], object] = lambda query, how: None,
    ) -> None:
        self._folder = folder
        self._url = url
        self._gap_s = gap_s
        self._wait_initial_s = wait_initial_s
        self._told = told
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=True)
        self._turn = asyncio.Lock()
        self._next_at = 0.0
        self._unreachable: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def ask(self, query: Query) -> bytes:
        """The answer's bytes, from the folder when it was asked before.

        Once it could not be reached in all attempts, later questions are not even asked: there may be a hundred.

        :raises RipestatUnavailableError: refused, or not to be had in `ATTEMPTS` attempts
        """
        parameters = query.parameters()
        kept = self._folder.find(query.call, parameters) if self._folder else None
        if kept is not None:
            self._told(query, f"{len(kept) / 1000:.0f} kB, asked before")
            return kept
        if self._unreachable is not None:
            raise RipestatUnavailableError(self._unreachable)
        started = clock.monotonic()
        try:
            answer = await self._fetched(query, parameters)
        except httpx.TransportError as error:
            self._unreachable = _reason(error)
            raise RipestatUnavailableError(self._unreachable) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RipestatUnavailableError(_reason(error)) from error
        self._told(query, f"{len(answer) / 1000:.0f} kB in {clock.monotonic() - started:.1f} s")
        if self._folder is not None and query.until is not None:
            self._folder.keep(query.call, parameters, answer, about_until=query.until)
        return answer

    async def _fetched(self, query: Query, parameters: dict[str, str]) -> bytes:
        async for attempt in stamina.retry_context(
            on=_again_after, attempts=ATTEMPTS, timeout=PATIENCE_S, wait_initial=self._wait_initial_s,
            wait_max=_LONGEST_PAUSE_S, wait_jitter=self._wait_initial_s,
        ):  # fmt: skip
            with attempt:
                async with self._turn:
                    await asyncio.sleep(max(self._next_at - clock.monotonic(), 0.0))
                    self._next_at = clock.monotonic() + self._gap_s
                    return await self._once(query, parameters)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, query: Query, parameters: dict[str, str]) -> bytes:
        address = f"{self._url}/data/{query.call}/data.json"
        async with self._client.stream("GET", address, params=parameters) as response:
            if response.status_code != httpx.codes.OK:
                response.raise_for_status()
                raise RipestatUnavailableError(f"HTTP status {response.status_code}")
            data = bytearray()
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > MAX_ANSWER_BYTES:
                    raise RipestatUnavailableError(f"an answer above {MAX_ANSWER_BYTES} bytes")
            return bytes(data)


def _again_after(error: Exception) -> bool | float:
    """Whether asking again can help, or after how many seconds the server wants it (RFC 9110 section 10.2.3)."""
    if not isinstance(error, httpx.HTTPStatusError):
        return isinstance(error, httpx.TransportError)
    if error.response.status_code not in _TRY_AGAIN:
        return False
    wanted = error.response.headers.get("Retry-After", "")
    return min(float(wanted), _LONGEST_PAUSE_S) if wanted.isascii() and wanted.isdigit() else True


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP status {error.response.status_code}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
