"""Deliver a notice by an HTTP POST.

What it can promise: all but the last byte of the body goes out, then the outbox is told, then the last byte; so a
process that dies before it has sent nothing that a server could take, and one that dies after it leaves the notice
in doubt and never sends it again. HTTP knows no more than that: when the server took it and its answer is lost, it
is sent again, with the same `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) and the same `id` in the
JSON, by which a receiver can tell the twin. Those who ignore both (chats do) may show it twice.

A refusal of *this body* (400, 413, 415, 422) is permanent. Anything else is about the set-up, which somebody
repairs, and is tried again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx

from monitor.alert.delivery import DeliveryError, PermanentError, TemporaryError
from monitor.config.secret import first_line
from monitor.history import Notice
from monitor.model.settings import WebhookSettings
from monitor.report.safe_text import one_line

TIMEOUT_S = 30.0
"""For all of it: an answer that comes byte by byte ends here too."""

_PERMANENT = frozenset({400, 413, 415, 422})
_ERROR_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """The delivery that `settings` describe; call it with a notice. `tls`: whom to trust."""

    settings: WebhookSettings
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    timeout_s: float = TIMEOUT_S

    def __call__(self, notice: Notice, before_final_dot: Callable[[], None]) -> None:
        """Post `notice`; `before_final_dot` is called just before the last byte of its body.

        :raises TemporaryError: a later try can help
        :raises PermanentError: the server will never take this body
        """
        asyncio.run(self._post(notice, before_final_dot))

    async def _post(self, notice: Notice, before_final_dot: Callable[[], None]) -> None:
        url, seam = self._url(), _Seam(before_final_dot)
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(notice.payload)),
            "Idempotency-Key": f'"{notice.key}"' if notice.key.isascii() else f'"{notice.key!a}"',
            "User-Agent": "whydown",
        }
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                httpx.AsyncClient(verify=self.tls, timeout=self.timeout_s) as client,
                client.stream("POST", url, headers=headers, content=seam.body(notice.payload)) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            if seam.error is not None:
                raise seam.error from None
            raise TemporaryError(self._said(f"{type(error).__name__}: {error}", seam)) from error
        if not 200 <= status < 300:
            raise _kind(status)(self._said(f"answered {status}", seam))

    def _url(self) -> str:
        path = self.settings.url_file
        if path is None:
            return self.settings.url
        try:
            return first_line(path).strip()
        except (OSError, UnicodeError) as error:
            raise TemporaryError(f"url_file {path}: {error}") from error

    def _said(self, what: str, seam: _Seam) -> str:
        """Without the URL, which is a secret for many services."""
        doubt = " (after the whole body: it may have arrived)" if seam.passed and "answered" not in what else ""
        hidden = what.replace(self._url(), "its URL")
        return one_line(f"webhook {self.settings.name}: {hidden}{doubt}", _ERROR_LIMIT)


class _Seam:
    """The body, with the outbox told between its last byte and those before."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self.passed = False
        self.error: BaseException | None = None

    async def body(self, payload: bytes) -> AsyncIterator[bytes]:
        yield payload[:-1]
        try:
            self._call()
        except BaseException as error:
            self.error = error
            raise
        self.passed = True
        yield payload[-1:]


def _kind(status: int) -> type[DeliveryError]:
    return PermanentError if status in _PERMANENT else TemporaryError
