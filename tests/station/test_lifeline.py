"""Signs of life, on the sockets that they really go over."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import structlog

from monitor.model.settings import HeartbeatSettings
from monitor.station import service_manager
from monitor.station.lifeline import Heartbeat, feed_watchdog
from monitor.station.pulse import Signs

NOW = 1000.0
WELL = Signs(round_at=NOW, round_within_s=60.0)
STUCK = Signs(round_at=NOW - 61, round_within_s=60.0)
UNTOLD = Signs(round_at=NOW, round_within_s=60.0, untold_since=NOW - 601)


class _EndedError(Exception):
    """There are no more signs."""


class _Switch(ThreadingHTTPServer):
    """A dead man's switch: counts who calls; answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[str] = []
        self.status = 200


class _Handler(BaseHTTPRequestHandler):
    server: _Switch

    def do_GET(self) -> None:
        self.server.calls.append(f"{self.command} {self.path}")
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def switch() -> Iterator[_Switch]:
    """A real server."""
    server = _Switch()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _beats(signs: list[Signs], url: str, method: str = "GET") -> tuple[list[bool], list[str]]:
    """What becomes of one beat for each of the signs, and what was logged."""
    settings = HeartbeatSettings(url=url, method=method)
    waiting = iter(signs)
    heartbeat = Heartbeat(lambda: settings, lambda: next(waiting), monotonic=lambda: NOW)

    async def beat() -> list[bool]:
        return [await heartbeat.beat(settings) for _ in signs]

    with structlog.testing.capture_logs() as logs:
        beaten = asyncio.run(beat())
    return beaten, [f"{entry['event']} {entry['reason']}" for entry in logs]


def test_the_switch_is_called_only_while_an_outage_would_be_heard_of(switch: _Switch) -> None:
    """Stuck, or with nobody who takes the mails, it is silent, says so once, and beats again afterwards."""
    url = f"http://127.0.0.1:{switch.server_port}/secret"
    beaten, logs = _beats([WELL, STUCK, UNTOLD, WELL, UNTOLD], url, "POST")

    assert beaten == [True, False, False, True, False]
    assert switch.calls == ["POST /secret"] * 2
    assert [entry.split()[0] for entry in logs] == ["heartbeat_withheld"] * 2


def test_a_switch_that_fails_is_said_without_its_secret(switch: _Switch) -> None:
    """A bad status, then nobody there: the monitor goes on, and the path is not in the log."""
    url = f"http://127.0.0.1:{switch.server_port}/secret"
    switch.status = 404
    refused, said = _beats([WELL, WELL], url)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    unreached, said_then = _beats([WELL], f"http://127.0.0.1:{port}/secret")

    assert refused + unreached == [False, False, False]
    assert said == ["heartbeat_not_taken 127.0.0.1: status 404"]
    assert said_then[0].startswith("heartbeat_not_taken 127.0.0.1: ConnectError")
    assert "secret" not in said_then[0]


def test_the_watchdog_is_fed_until_the_monitor_is_stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused mails feed it on; stuck, it hears why instead, once."""
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("WATCHDOG_USEC", "3000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    heard: list[bytes] = []

    asked = [WELL, UNTOLD, STUCK, STUCK, WELL]

    def signs() -> Signs:
        if not asked:
            raise _EndedError
        return asked.pop(0)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        with pytest.raises(_EndedError), structlog.testing.capture_logs():
            asyncio.run(feed_watchdog(signs, monotonic=lambda: NOW))
        manager.setblocking(False)
        while True:
            try:
                heard.append(manager.recv(1000))
            except BlockingIOError:
                break

    assert heard == [b"WATCHDOG=1", b"WATCHDOG=1", b"STATUS=stuck: no round has ended for 61 s", b"WATCHDOG=1"]


@pytest.mark.parametrize(("asked", "process"), [("", ""), ("0", ""), ("many", ""), ("3000", "1")])
def test_a_watchdog_that_is_not_ours_is_not_fed(asked: str, process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None was asked for, or another process was."""
    monkeypatch.setenv("WATCHDOG_USEC", asked)
    monkeypatch.setenv("WATCHDOG_PID", process)

    assert service_manager.watchdog_s() is None
