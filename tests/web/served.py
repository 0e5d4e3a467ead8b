"""A dashboard that is served on loopback from a thread of its own, and its pages as a reader has them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser

import httpx
from starlette.types import ASGIApp

from monitor.web.dashboard import Source
from monitor.web.server import Server

DURING = 1643856600.0
"""2022-02-03 02:50 UTC: all but one vantage are led astray."""

INCIDENT = "qr-checkin-20220203T0104-c115"


@dataclass(frozen=True, slots=True)
class Site:
    """A dashboard that is served: its address, and what it is made of."""

    url: str
    source: Source

    def get(self, path: str, **headers: str) -> httpx.Response:
        """The answer to a request for a path."""
        return httpx.get(self.url + path, headers={k.replace("_", "-"): v for k, v in headers.items()}, timeout=30)

    def text(self, path: str) -> str:
        """What a page says, as one line."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return words_of(answer.text)


@contextmanager
def serving(site: ASGIApp) -> Iterator[str]:
    """Serve an application; its address."""
    ready: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    is_up = threading.Event()

    async def serve() -> None:
        server, stop = Server(site, None), asyncio.Event()
        ready.append((asyncio.get_running_loop(), stop, await server.start("127.0.0.1", 0)))
        is_up.set()
        await stop.wait()
        await server.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert is_up.wait(20)
    loop, stop, port = ready[0]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def words_of(page: str) -> str:
    """The words of a page, one blank between two."""
    parser = _Words()
    parser.feed(page)
    return " ".join(parser.words)


def tags_of(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """The tags of a page with their attributes."""
    parser = _Words()
    parser.feed(page)
    return parser.tags
