"""A real mail server on the loopback that counts what arrives, by Message-ID."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import Counter

from aiosmtpd.smtp import SMTP, Envelope, Session


class Post:
    """`async with Post() as post:` listens at `post.port`. `mails`: how often each came, by id and subject."""

    def __init__(self) -> None:
        self.mails: Counter[tuple[str, str]] = Counter()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook: one whole mail is here."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        message = email.message_from_bytes(raw, policy=email.policy.default)
        self.mails[str(message["message-id"]), str(message["subject"])] += 1
        return "250 OK"

    async def __aenter__(self) -> Post:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="mail.example", loop=loop), "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
