"""VRPs from a file or an http(s) URL, asked again without loading what has not changed."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from monitor.bgp.rpki import VrpError, VrpTable

MAX_BYTES = 512 * 1024 * 1024
"""The whole world's VRPs were 80 MB of rpki-client JSON in 2025."""
_TIMEOUT_S = 60.0


_Found = tuple[bytes, dict[str, str], float | None]
"""The export, the state that it is known by, and when it was last changed."""


class VrpSourceError(Exception):
    """VRPs could not be had; says from where and why. Asking again later can help."""


class VrpSource:
    """One place of VRPs. Its state tells whether they changed: a server's ETag or date, a file's time and size.

    Tables are stale beyond `max_age_s` (None: never) by the time that the export says; where it says none, by
    the server's Last-Modified or the file's time.
    """

    def __init__(self, source: str, *, max_bytes: int = MAX_BYTES, max_age_s: float | None = None) -> None:
        self._source = source
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._state: dict[str, str] = {}

    async def load(self) -> VrpTable | None:
        """The VRPs now; None when they are those of the last call.

        :raises VrpSourceError: they cannot be read, are too large, or are no VRPs; the state is kept
        """
        is_url = self._source.startswith(("http://", "https://"))
        try:
            found = await (self._fetch() if is_url else asyncio.to_thread(self._read))
            if found is None:
                return None
            data, state, made_at = found
            # Half a million entries take seconds to read.
            table = await asyncio.to_thread(VrpTable.from_json, data, made_at=made_at, max_age_s=self._max_age_s)
        except (OSError, httpx.HTTPError, httpx.InvalidURL, VrpError) as error:
            raise VrpSourceError(f"VRPs from {self._source}: {error or type(error).__name__}") from error
        self._state = state
        return table

    def _read(self) -> _Found | None:
        path = Path(self._source)
        about = path.stat()
        state = {"file": f"{about.st_mtime_ns}:{about.st_size}"}
        if state == self._state:
            return None
        with path.open("rb") as file:
            data = file.read(self._max_bytes + 1)
        self._check(len(data))
        return data, state, about.st_mtime

    async def _fetch(self) -> _Found | None:
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=True) as client,
            client.stream("GET", self._source, headers=self._state) as response,
        ):
            if response.status_code == httpx.codes.NOT_MODIFIED and self._state:
                return None
            if response.status_code != httpx.codes.OK:
                raise VrpSourceError(f"VRPs from {self._source}: HTTP status {response.status_code}")
            data = bytearray()
            async for chunk in response.aiter_bytes():
                data += chunk
                self._check(len(data))
            return bytes(data), _conditions(response.headers), _modified_at(response.headers)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise VrpSourceError(f"VRPs from {self._source}: above {self._max_bytes} bytes")


def _conditions(headers: httpx.Headers) -> dict[str, str]:
    """What to send the next time so that an unchanged export is not sent again (RFC 9110 section 13.1)."""
    names = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
    return {condition: headers[name] for condition, name in names.items() if name in headers}


def _modified_at(headers: httpx.Headers) -> float | None:
    try:
        return parsedate_to_datetime(headers["Last-Modified"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None


async def load_vrps(source: str) -> VrpTable:
    """The VRPs of a file or an http(s) URL; to ask again cheaply keep a `VrpSource`.

    :raises VrpSourceError: as `VrpSource.load`
    """
    table = await VrpSource(source).load()
    if table is None:
        raise VrpSourceError(f"VRPs from {source}: not modified since never")
    return table
