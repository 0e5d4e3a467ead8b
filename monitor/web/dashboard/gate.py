"""What every answer passes: who may look, under which name the dashboard is asked for, what a browser may do.

The pages load nothing from elsewhere and run no script or style that stands in them (Content Security Policy Level
3), so text that an attacker wrote into a certificate or a host name stays text even if it were not escaped. A
dashboard that listens on this machine alone answers only to names of this machine: another site's page could
otherwise point its own name at 127.0.0.1 and read it ("DNS rebinding").
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.web.dashboard.login import Logins, TooManyTriesError

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every answer."""

_log = structlog.get_logger("dashboard")


class Gate:
    """An ASGI application around another. `hosts`: names that it answers to besides addresses; None: to all."""

    def __init__(self, inner: ASGIApp, *, logins: Logins | None, hosts: Collection[str] | None) -> None:
        self._inner = inner
        self._logins = logins
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = await self._refusal(scope)
        await (refusal or self._inner)(scope, receive, send_guarded)

    async def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self._hosts is not None and not _is_named(headers.get("host", ""), self._hosts):
            return PlainTextResponse("not asked for under a name of this dashboard; [web] url gives it one\n", 421)
        if self._logins is None:
            return None
        return await self._stranger(self._logins, scope, headers.get("authorization", ""))

    async def _stranger(self, logins: Logins, scope: Scope, authorization: str) -> Response | None:
        """The answer to somebody who has not proved who they are; None: they have."""
        try:
            known = logins.knows(authorization) or await run_in_threadpool(logins.check, authorization)
        except TooManyTriesError as error:
            wait = {"retry-after": f"{max(1, round(error.wait_s))}"}
            return PlainTextResponse(f"{error}\n", 429, headers=wait)
        if known:
            scope["state"]["standing"].proved = True
            return None
        if authorization:
            _log.warning("login_refused", address=(scope.get("client") or ("",))[0])
        ask = {"www-authenticate": 'Basic realm="whydown", charset="UTF-8"'}
        return PlainTextResponse("a name and its password are needed\n", 401, headers=ask)


def _is_named(host: str, hosts: Collection[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        ipaddress.ip_address(name)
    except ValueError:
        return name_of(host) in hosts
    return True


def name_of(host: str) -> str:
    """The name in a Host header, without its port, in lower case; empty where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
