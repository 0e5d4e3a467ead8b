"""A day without mail: what is owed meanwhile arrives afterwards, each once.

Real: the store on disk, opened anew every six hours as after a restart; the delivery; the sockets; a mail server
(aiosmtpd). Only the day is simulated: the outbox is told the time.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from monitor.alert import Outbox
from monitor.alert.smtp import SmtpDelivery
from monitor.history import Notice, Store
from monitor.model.settings import MailSettings

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
START = 1_700_000_000.0


class _Mailbox:
    """Takes mail, or says 451 after the message, as a server does whose disk is full."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.refuses = False

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        if self.refuses:
            return "451 4.3.1 no room"
        self.taken[str(message_from_bytes(envelope.content)["Message-ID"])] += 1
        return "250 taken"


@contextmanager
def _serving(mailbox: _Mailbox, port: int) -> Iterator[None]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


def _notice(number: int, at: float) -> Notice:
    message_id = f"<{number}.whydown@example.com>"
    return Notice(
        key=f"i{number}:1:mail:noc@example.com", channel="mail", created_at=at, subject=f"incident {number}",
        payload=f"From: w@example.com\r\nMessage-ID: {message_id}\r\nSubject: s\r\n\r\nopened\r\n".encode(),
        recipients=("noc@example.com",), incident_id=f"i{number}", sequence=1, message_id=message_id,
    )  # fmt: skip


class _Day:
    """One outbox's day in `folder`; `smtp` is the mail server as the configuration names it just then."""

    def __init__(self, folder: Path, every_s: float) -> None:
        self._path = folder / "h.db"
        self._every_s = every_s
        self.owed: list[str] = []
        self.smtp = ""

    def pass_by(self, start: float, end: float, *, owing: bool) -> None:
        """Let the time pass in steps, with a restart every six hours; one mail more becomes due each hour."""
        now = start
        while now < end:
            with Store.open(self._path) as store:
                until = min(now + 6 * HOUR_S, end)
                while now < until:
                    if owing and (now - start) % HOUR_S == 0:
                        notice = _notice(len(self.owed), now)
                        store.save_changes([], [notice])
                        self.owed.append(notice.message_id)
                    self._deliver(store, now)
                    now += self._every_s

    def _deliver(self, store: Store, now: float) -> None:
        settings = MailSettings(to=("noc@example.com",), smtp=self.smtp, sender="w@example.com")
        outbox = Outbox(store, SmtpDelivery(settings=settings), lambda: now, jitter=lambda: 0.0)
        outbox.recover(now)
        asyncio.run(outbox.run_once())


def _refused(day: _Day, mailbox: _Mailbox, port: int) -> None:
    """Nobody listens."""
    day.pass_by(START, START + DAY_S, owing=True)


def _says_451(day: _Day, mailbox: _Mailbox, port: int) -> None:
    """It takes the whole message and then does not."""
    mailbox.refuses = True
    with _serving(mailbox, port):
        day.pass_by(START, START + DAY_S, owing=True)
    mailbox.refuses = False


def _unresolved(day: _Day, mailbox: _Mailbox, port: int) -> None:
    """Its name does not resolve (RFC 6761: `invalid` never does)."""
    day.smtp = f"smtp://mail.invalid:{port}"
    day.pass_by(START, START + DAY_S, owing=True)


MAIL_FAULTS: dict[str, Callable[[_Day, _Mailbox, int], None]] = {
    "mails: server down for a day, refuses connections": _refused,
    "mails: server down for a day, 451 after each message": _says_451,
    "mails: server's name without DNS for a day": _unresolved,
}


def mail_row(name: str, every_s: float = 900.0) -> tuple[int, int, int]:
    """Do a fault, then an hour with a healthy server: mails owed, lost, doubled. `every_s`: between two tries."""
    mailbox = _Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        day = _Day(Path(folder), every_s)
        day.smtp = f"smtp://127.0.0.1:{port}"
        MAIL_FAULTS[name](day, mailbox, port)
        assert not mailbox.taken, "the fault was none"
        day.smtp = f"smtp://127.0.0.1:{port}"
        with _serving(mailbox, port):
            day.pass_by(START + DAY_S, START + DAY_S + HOUR_S, owing=False)
    lost = len(set(day.owed) - mailbox.taken.keys())
    return len(day.owed), lost, sum(1 for times in mailbox.taken.values() if times > 1)
