"""Headless Chromium through its own protocol (Chrome DevTools Protocol), as far as the tests need it.

One browser with a profile of its own, one page at a time, each as if nobody had been here before; it is ended by
its process id.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WITHIN_S = 60.0
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--disable-extensions", "--no-proxy-server", "--remote-debugging-port=0",
)  # fmt: skip


class Page:
    """A page of the browser. `console`: what its scripts and its content policy complained about."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self._session = self._context = ""
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.console: list[str] = []

    async def begin(self) -> asyncio.Task[None]:
        """Attach to a new page with cookies and a cache of its own."""
        reading = asyncio.create_task(self._read())
        self._context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=self._context)
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        return reading

    async def end(self) -> None:
        """Close the page and forget what it left."""
        self._session = ""
        await self.call("Target.disposeBrowserContext", browserContextId=self._context)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its result."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        await self._socket.send(json.dumps(message))
        return await asyncio.wait_for(answer, WITHIN_S)

    async def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        self._clear()
        found = await self.call("Page.navigate", url=url)
        if found.get("errorText"):
            raise RuntimeError(f"{url}: {found['errorText']}")
        await self.event("Page.loadEventFired")

    async def event(self, name: str) -> None:
        """Wait until something has happened."""
        async with asyncio.timeout(WITHIN_S):
            while await self._events.get() != name:
                pass

    async def evaluate(self, script: str) -> Any:
        """The value of an expression; a promise's when it is kept."""
        found = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"].get("exception", {}).get("description")))
        return found["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until an expression is true, looking at each frame that is drawn."""
        await self.evaluate(
            f"new Promise((done, late) => {{ const end = performance.now() + {WITHIN_S * 1e3};"
            f"const look = () => ({condition}) ? done() : performance.now() > end ? late(new Error('never'))"
            " : requestAnimationFrame(look); look(); })"
        )

    async def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """The window's size in CSS pixels, and whether its user likes it dark."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def press(self, key: str, times: int = 1) -> None:
        """A key."""
        code = {"Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9}[key]
        # Only a key that has a text presses a button.
        down = {"type": "keyDown", "text": "\r"} if key == "Enter" else {"type": "rawKeyDown"}
        for _ in range(times):
            for event in (down, {"type": "keyUp"}):
                await self.call("Input.dispatchKeyEvent", **event, key=key, code=key, windowsVirtualKeyCode=code)

    async def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        found = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(found["data"]))

    def _clear(self) -> None:
        while not self._events.empty():
            self._events.get_nowait()

    async def _read(self) -> None:
        async for line in self._socket:
            message = json.loads(line)
            answer = self._answers.pop(message.get("id", 0), None)
            if answer is None:
                self._note(message["method"], message["params"])
            elif "error" in message:
                answer.set_exception(RuntimeError(message["error"]["message"]))
            else:
                answer.set_result(message["result"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        self._events.put_nowait(method)
        if method == "Log.entryAdded":
            self.console.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.exceptionThrown":
            self.console.append(str(params["exceptionDetails"].get("exception", {}).get("description")))


class Browser:
    """A running browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """A page, alone."""
        page = Page(self._socket)
        reading = await page.begin()
        try:
            yield page
            await page.end()
        finally:
            reading.cancel()


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Browser]:
    """A browser that runs; `profile`: an empty folder."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *_FLAGS, f"--user-data-dir={profile}", "about:blank",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        start_new_session=True, env={**os.environ, "HOME": str(profile)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(WITHIN_S):
            address = await _address(process)
        draining = asyncio.create_task(_drain(process))
        # Between two scenarios no loop runs that could answer a ping.
        async with connect(address, max_size=2**26, proxy=None, ping_interval=None) as socket:
            try:
                yield Browser(socket)
            finally:
                draining.cancel()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        found = re.search(rb"ws://127\.0\.0\.1:\d+/\S+", line)
        if found:
            return found[0].decode()
    raise RuntimeError("the browser ended before it was ready")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.read(65_536):
        pass
