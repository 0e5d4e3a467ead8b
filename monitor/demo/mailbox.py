"""The demo's mail server: a real SMTP server on the loopback that keeps what it received, for the screen.

It knows nothing of incidents; it reads a mail's subject and leaves the rest to people.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_MAX_MAIL_BYTES = 1024 * 1024
_START_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived: its subject, its message id, its text."""

    subject: str
    message_id: str
    text: str


class Mailbox:
    """Listens on a free port of the loopback. `received` is called in the server's own thread."""

    def __init__(self, received: Callable[[Mail], None]) -> None:
        self._received = received
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=0,
            ready_timeout=_START_TIMEOUT_S,
            data_size_limit=_MAX_MAIL_BYTES,
        )
        self.port = 0

    def start(self) -> None:
        """Listen; `port` is known afterwards.

        :raises OSError: the loopback cannot be bound
        """
        self._controller.start()
        self.port = self._controller.server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Stop listening and end the server's thread."""
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's hook: one whole mail is here."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        message = email.message_from_bytes(raw, policy=email.policy.default)
        body = message.get_body(("plain",))
        self._received(
            Mail(
                subject=str(message["subject"] or ""),
                message_id=str(message["message-id"] or ""),
                text=str(body.get_content()) if body is not None else "",
            )
        )
        return "250 OK"
