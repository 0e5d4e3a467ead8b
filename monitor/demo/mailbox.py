"""The demo's mail server: a real SMTP server on the loopback that keeps what it received, for the screen.

It knows nothing of incidents; it reads a mail's subject and leaves the rest to people.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from aiosmtpd.smtp import SMTP, Envelope, Session

_MAX_MAIL_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Mail:
    """What is shown of a mail that arrived."""

    subject: str


class Mailbox:
    """`async with Mailbox(received) as mailbox:` listens at `mailbox.port` of the loopback until left."""

    def __init__(self, received: Callable[[Mail], None]) -> None:
        self._received = received
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Mailbox:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's hook: one whole mail is here."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        message = email.message_from_bytes(raw, policy=email.policy.default)
        self._received(Mail(str(message["subject"] or "")))
        return "250 OK"

    def _session(self) -> SMTP:
        return SMTP(
            self, hostname="mail.example", data_size_limit=_MAX_MAIL_BYTES, loop=asyncio.get_running_loop()
        )
