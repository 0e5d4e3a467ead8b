"""The demo's mail server takes real mails over real SMTP."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage

from monitor.demo.mailbox import Mail, Mailbox


def test_a_mail_arrives_with_its_subject() -> None:
    """What smtplib hands over is what the screen gets, once."""
    message = EmailMessage()
    message["Subject"] = "[overload 93%] check-in: Überlast"
    message.set_content("slow\n")
    message.add_alternative("<p>slow</p>", subtype="html")
    received: list[Mail] = []

    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.send_message(message, "whydown@example.net", ["noc@example.net"])

    async def run() -> None:
        async with Mailbox(received.append) as mailbox:
            await asyncio.to_thread(send, mailbox.port)

    asyncio.run(run())

    assert received == [Mail("[overload 93%] check-in: Überlast")]
