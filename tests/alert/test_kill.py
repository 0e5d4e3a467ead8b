"""A delivering process is killed at every step of a delivery and started again: no mail arrives twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from monitor.history import Notice, NoticeState, Reader, Store

PROCESS = Path(__file__).with_name("mailing_process.py")
REPOSITORY = Path(__file__).parents[2]
SERVER_STEPS = ("EHLO", "MAIL", "RCPT", "DATA", "QUIT")
OWN_STEPS = ("before_mark", "after_mark")
OWED = 30


class _Killer:
    """A mail server that kills its client at the step and the mail that it is told, before it answers."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.step = ""
        self.countdown = 0
        self.client: subprocess.Popen[bytes] | None = None

    def _reached(self, step: str) -> None:
        if step != self.step or self.client is None:
            return
        self.countdown -= 1
        if self.countdown < 0:
            os.kill(self.client.pid, signal.SIGKILL)
            self.client.wait()
            self.client = None

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self._reached("EHLO")
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._reached("MAIL")
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._reached("RCPT")
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append(str(message_from_bytes(envelope.content)["Message-ID"]))
        self._reached("DATA")
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._reached("QUIT")
        return "221 bye"


def _start(database: Path, port: int, death: str = "") -> subprocess.Popen[bytes]:
    arguments = [sys.executable, str(PROCESS), str(database), str(port), death]
    return subprocess.Popen(arguments, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})


def test_no_mail_arrives_twice_whenever_the_process_is_killed(
    tmp_path: Path, notice_of: Callable[..., Notice], serving: Callable[..., AbstractContextManager[int]]
) -> None:
    """Killed once at each step of some delivery: each mail came once, or is on record as in doubt."""
    server = _Killer()
    database = tmp_path / "whydown.db"
    owed = [notice_of(number, incident=f"i{number % 5}") for number in range(OWED)]
    with Store.open(database) as store:
        store.save_changes([], owed)
    with serving(server) as port:
        steps = _kill_at_each_step(server, database, port)
        assert _start(database, port).wait(60) == 0
    with Reader.open(database) as reader:
        states = {row.message_id: row.state for row in reader.notices(0.0, float("inf"))}
    arrivals = Counter(server.taken)

    assert max(arrivals.values()) == 1
    # The one that was taken when its process died: sending it again is what must not happen.
    assert any(arrivals[name] == 1 for name, state in states.items() if state is NoticeState.UNKNOWN)
    assert set(states.values()) == {NoticeState.SENT, NoticeState.UNKNOWN}
    assert all(arrivals[name] == 1 for name, state in states.items() if state is NoticeState.SENT)
    # Four deliveries at most were under way at each kill; only those can be in doubt.
    assert sum(state is NoticeState.UNKNOWN for state in states.values()) <= 4 * steps
    assert len(arrivals) >= OWED // 2


def _kill_at_each_step(server: _Killer, database: Path, port: int) -> int:
    """Start a process for each step, in an order of chance, and have it killed there; how many were."""
    chance = random.Random(20220203)
    steps = chance.sample([*SERVER_STEPS, *OWN_STEPS], k=len(SERVER_STEPS) + len(OWN_STEPS))
    for step in steps:
        own = step in OWN_STEPS
        server.step, server.countdown = ("" if own else step), chance.randrange(3)
        # The client is known to the server before it can reach it: opening the store takes longer.
        server.client = client = _start(database, port, step if own else "")

        assert client.wait(60) == -signal.SIGKILL, step

    server.step = ""
    return len(steps)
