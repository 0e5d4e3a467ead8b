"""VRPs from a file or an http(s) URL, asked again without loading what has not changed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from monitor.bgp.rpki import VrpError, VrpTable

MAX_BYTES = 512 * 1024 * 1024
"""The whole world's VRPs were 80 MB of rpki-client JSON in 2025."""
_TIMEOUT_S = 60.0


class VrpSourceError(Exception):
    """VRPs could not be had; says from where and why. Asking again later can help."""


class VrpSource:
    """One place of VRPs. Its state tells whether they changed: a server's ETag, a file's time and size."""

    def __init__(
        self, source: str, *, max_bytes: int = MAX_BYTES, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._source = source
        self._max_bytes = max_bytes
        self._transport = transport
        self._state: str | None = None

    async def load(self) -> VrpTable | None:
        """The VRPs now; None when they are those of the last call.

        :raises VrpSourceError: they cannot be read, are too large, or are no VRPs; the state is kept
        """
        is_url = self._source.startswith(("http://", "https://"))
        try:
            found = await (self._fetch() if is_url else asyncio.to_thread(self._read))
            if found is None:
                return None
            data, state = found
            # Half a million entries take seconds to read.
            table = await asyncio.to_thread(VrpTable.from_json, data)
        except (OSError, httpx.HTTPError, httpx.InvalidURL, VrpError) as error:
            raise VrpSourceError(f"VRPs from {self._source}: {error or type(error).__name__}") from error
        self._state = state
        return table

    def _read(self) -> tuple[bytes, str | None] | None:
        path = Path(self._source)
        about = path.stat()
        state = f"{about.st_mtime_ns}:{about.st_size}"
        if state == self._state:
            return None
        with path.open("rb") as file:
            data = file.read(self._max_bytes + 1)
        self._check(len(data))
        return data, state

    async def _fetch(self) -> tuple[bytes, str | None] | None:
        headers = {"If-None-Match": self._state} if self._state else {}
        async with (
            httpx.AsyncClient(transport=self._transport, timeout=_TIMEOUT_S, follow_redirects=True) as client,
            client.stream("GET", self._source, headers=headers) as response,
        ):
            if response.status_code == httpx.codes.NOT_MODIFIED and self._state:
                return None
            if response.status_code != httpx.codes.OK:
                raise VrpSourceError(f"VRPs from {self._source}: HTTP status {response.status_code}")
            data = bytearray()
            async for chunk in response.aiter_bytes():
                data += chunk
                self._check(len(data))
            return bytes(data), response.headers.get("ETag")

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise VrpSourceError(f"VRPs from {self._source}: above {self._max_bytes} bytes")


async def load_vrps(source: str) -> VrpTable:
    """The VRPs of a file or an http(s) URL; to ask again cheaply keep a `VrpSource`.

    :raises VrpSourceError: as `VrpSource.load`
    """
    table = await VrpSource(source).load()
    if table is None:
        raise VrpSourceError(f"VRPs from {source}: not modified since never")
    return table
