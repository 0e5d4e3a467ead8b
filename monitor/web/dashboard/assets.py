"""The files that pages load: style, scripts and the chart library, read once and named by what they hold.

The chart library is uPlot 1.6.32 (https://github.com/leeoniya/uPlot, MIT, static/uPlot-LICENSE.txt), as its npm
package has it. A name carries a digest, so a browser may keep a file for a year and still sees the next version.
"""

from __future__ import annotations

import hashlib
from importlib import resources

from starlette.responses import PlainTextResponse, Response

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_YEAR = "public, max-age=31536000, immutable"


class Assets:
    """All files of `static`, in memory: some 100 kB."""

    def __init__(self) -> None:
        folder = resources.files("monitor.web.dashboard") / "static"
        self._files = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
        self._digests = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._files.items()}

    def path(self, name: str) -> str:
        """The path of a file on this site, with the digest of what it holds.

        :raises KeyError: there is no such file
        """
        return f"/static/{self._digests[name]}/{name}"

    def answer(self, digest: str, name: str) -> Response:
        """The file; one asked for by an old digest too, which is not to be kept then."""
        if name not in self._files:
            return PlainTextResponse("no such file\n", 404)
        keep = _YEAR if digest == self._digests[name] else "no-store"
        kind = _TYPES[name[name.rindex(".") :]]
        return Response(self._files[name], media_type=kind, headers={"cache-control": keep})
