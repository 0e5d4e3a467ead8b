"""Real incident changes, notices, captured logs, and a real mail server on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from monitor.history import Notice
from monitor.model import IncidentChange

GOLDEN = Path(__file__).parents[1] / "report" / "golden"


@pytest.fixture
def change_of() -> Callable[[str], IncidentChange]:
    """The change that the report's golden/NAME.json holds."""

    def read(name: str) -> IncidentChange:
        return msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes(), type=IncidentChange)

    return read


@pytest.fixture
def notice_of() -> Callable[..., Notice]:
    """Make a notice with a small message; number and incident tell them apart."""

    def make(number: int = 1, *, incident: str = "i", to: str = "noc@example.com", body: str = "hello") -> Notice:
        message_id = f"<{incident}.{number}.whydown@example.com>"
        payload = f"From: w@example.com\r\nTo: {to}\r\nMessage-ID: {message_id}\r\nSubject: s\r\n\r\n{body}\r\n"
        return Notice(
            key=f"{incident}:{number}:mail:{to}", channel="mail", created_at=999_000.0 + number, subject="s",
            payload=payload.encode(), recipients=(to,), incident_id=incident, sequence=number,
            message_id=message_id,
        )  # fmt: skip

    return make


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, as data."""
    with structlog.testing.capture_logs() as entries:
        yield entries


class _Server(Controller):
    """aiosmtpd in a thread; it stops when its last connection is closed, so that no socket is left open."""

    def __init__(self, handler: object, **options: Any) -> None:
        super().__init__(handler, **options)
        self.open = 0
        self.changed = threading.Condition()

    def factory(self) -> SMTP:
        return _Connection(self, self.handler, **self.SMTP_kwargs)

    def count(self, change: int) -> None:
        """A connection came or went."""
        with self.changed:
            self.open += change
            self.changed.notify_all()

    def stop(self, no_assert: bool = False) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.open == 0, timeout=20)
        super().stop(no_assert)


class _Connection(SMTP):
    """One connection, counted at its controller; STARTTLS makes it twice."""

    def __init__(self, controller: _Server, handler: object, **options: Any) -> None:
        super().__init__(handler, **options)
        self._controller = controller
        self._counted = False

    def connection_made(self, transport: Any) -> None:
        if not self._counted:
            self._counted = True
            self._controller.count(1)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._controller.count(-1)


@pytest.fixture
def serving() -> Callable[..., contextlib.AbstractContextManager[int]]:
    """Start a mail server with an aiosmtpd handler and options: `with serving(handler) as port`."""

    @contextlib.contextmanager
    def serve(handler: object, **options: Any) -> Iterator[int]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        server = _Server(handler, **{"hostname": "127.0.0.1", "port": port, **options})
        server.start()
        try:
            yield port
        finally:
            server.stop()

    return serve
