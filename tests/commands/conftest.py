"""A monitor as its users run it: a subprocess, a configuration file, a real service and a real mail server."""

from __future__ import annotations

import email
import email.policy
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from monitor.history import HistoryError, Reader

# The checkout that is tested, wherever the child runs.
ENVIRONMENT = os.environ | {"COLUMNS": "140", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}

DEADLINE_S = 40.0
"""Generous, because other work may share the machine; what is waited for comes within seconds."""

POLL_S = 0.1


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"ok"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Service:
    """An HTTP server on a loopback port, which can be closed and opened again on the same port."""

    def __init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.open()

    @property
    def url(self) -> str:
        """Where it listens, or listened."""
        return f"http://127.0.0.1:{self.port}/"

    def open(self) -> None:
        """Listen, on the port of before if there was one."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class Mailbox:
    """What an SMTP server took. `before_answer` is called when it has a message, and has not said so yet."""

    def __init__(self) -> None:
        self.before_answer: Callable[[], object] = lambda: None
        self.message_ids: list[str] = []
        self.subjects: list[str] = []
        self.texts: list[str] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        """Take it."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = message.get_body(("plain",))
        self.texts.append(" ".join(text.get_content().split()) if text is not None else "")
        self.message_ids.append(str(message["Message-ID"]))
        self.subjects.append(str(message["Subject"]))
        self.before_answer()
        return "250 taken"


class Monitor:
    """`whydown` with one configuration file; every process that it starts is ended with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.database = folder / "h.db"
        self.log = folder / "log"
        self._children: list[subprocess.Popen[bytes]] = []

    def configure(
        self, targets: dict[str, str], controls: dict[str, str], *, mail_port: int | None = None, more: str = ""
    ) -> None:
        """Write the configuration: names and URLs, probed every half second, without DNS and BGP."""
        text = '[vantage]\nname = "here"\n[history]\npath = "h.db"\n[traceroute]\nenabled = false\n'
        for kind, named in (("target", targets), ("control", controls)):
            for name, url in named.items():
                text += f'[[{kind}]]\nname = "{name}"\nurl = "{url}"\ninterval = "0.5s"\ntimeout = "0.5s"\n'
        if mail_port is not None:
            text += f'[alert.mail]\nto = ["noc@example.com"]\nsmtp = "smtp://127.0.0.1:{mail_port}"\n'
        self.config.write_text(text + more)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start `whydown run` with more in its environment; its log is appended to `log`."""
        command = [sys.executable, "-m", "monitor", "run", "--config", str(self.config), "--verbose", *arguments]
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                env=ENVIRONMENT | environment,
            )  # fmt: skip
        self._children.append(child)
        return child

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another verb to its end."""
        command = [sys.executable, "-m", "monitor", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=DEADLINE_S, cwd=self.folder, check=False,
            env=ENVIRONMENT,
        )  # fmt: skip

    def until(self, condition: Callable[[Reader], object]) -> None:
        """Wait until the history satisfies `condition`."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            try:
                with Reader.open(self.database) as reader:
                    if condition(reader):
                        return
            except HistoryError:
                pass  # not made yet
            time.sleep(POLL_S)
        raise AssertionError(f"not within {DEADLINE_S:g} s; the log:\n{self.log.read_text()[-4000:]}")

    def until_logged(self, event: str, count: int = 1) -> None:
        """Wait until the log holds this event so many times."""
        deadline = time.monotonic() + DEADLINE_S
        while self.log.read_text().count(f"event={event}") < count:
            assert time.monotonic() < deadline, f"no {event} in:\n{self.log.read_text()[-4000:]}"
            time.sleep(POLL_S)

    def stop(self, child: subprocess.Popen[bytes]) -> int:
        """Ask a monitor to stop; its exit status."""
        child.send_signal(signal.SIGTERM)
        return child.wait(DEADLINE_S)

    def end_all(self) -> None:
        """End what still runs."""
        for child in self._children:
            if child.poll() is None:
                child.kill()
                child.wait()


class Crew:
    """Hubs and agents, each in a folder of its own, with files as `whydown enroll` makes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "hub" / "h.db"
        self._children: list[subprocess.Popen[bytes]] = []
        self._lines: list[str] = []
        self._ports: dict[str, int] = {}
        self.add_hub("hub")

    def add_hub(self, name: str) -> None:
        """Make a hub's certificate; all but the first stand by. Before the agents, which get to know them all."""
        (self.folder / name).mkdir()
        # Authorities of one name and different keys, in one file, are not told apart.
        self._call(name, "enroll", "hub", "--name", self._host(name))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._ports[name] = probe.getsockname()[1]
        with (self.folder / "hubs.pem").open("a") as authorities:
            authorities.write((self.folder / name / "hub-certificate.pem").read_text())

    def enroll(self, name: str, *, more: str = "") -> None:
        """Make a vantage's key and its file; its line goes to the hub with the next `watch`."""
        (self.folder / name).mkdir()
        self._lines.append(self._call(name, "enroll", "vantage", "--name", name))
        urls = [f"https://{self._host(hub)}:{port}/" for hub, port in self._ports.items()]
        (self.folder / name / "config.toml").write_text(
            f'[vantage]\nname = "{name}"\n[spool]\npath = "s.db"\n[hub]\nurl = {urls}\n'
            f'ca_file = "../hubs.pem"\n{more}'
        )

    def watch(self, targets: dict[str, str], controls: dict[str, str], more: str = "") -> None:
        """Write the hubs' files: what is watched, twice a second, and who may send."""
        text = '[history]\npath = "h.db"\n[traceroute]\nenabled = false\n[dns]\n'
        text += 'resolvers = ["127.0.0.1:9"]\nauthoritative = false\n'
        text += 'interval = "1d"\ntimeout = "0.1s"\n[boost]\ninterval = "1s"\n'
        for kind, named in (("target", targets), ("control", controls)):
            for name, url in named.items():
                text += f'[[{kind}]]\nname = "{name}"\nurl = "{url}"\ninterval = "0.5s"\ntimeout = "0.5s"\n'
        for hub, port in self._ports.items():
            door = f'[hub]\nlisten = "127.0.0.1:{port}"\nstandby = {"false" if hub == "hub" else "true"}\n'
            (self.folder / hub / "config.toml").write_text(
                text + more + door + "[vantages]\n" + "".join(self._lines)
            )

    @staticmethod
    def _host(hub: str) -> str:
        return "127.0.0.1" if hub == "hub" else "localhost"

    def start(self, who: str) -> subprocess.Popen[bytes]:
        """Start a `whydown hub` or the agent of a vantage."""
        verb = "hub" if who in self._ports else "agent"
        with self.log(who).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "monitor", verb, "--verbose"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder / who,
                env=ENVIRONMENT,
            )  # fmt: skip
        self._children.append(child)
        return child

    def log(self, who: str) -> Path:
        """The log of a process."""
        return self.folder / who / "log"

    def until(self, condition: Callable[[Reader], object], hub: str = "hub") -> None:
        """Wait until a hub's history satisfies `condition`."""

        def holds() -> bool:
            with suppress(HistoryError), Reader.open(self.folder / hub / "h.db") as reader:
                return bool(condition(reader))
            return False

        self.until_true(holds, "not in the history")

    def until_logged(self, who: str, event: str, count: int = 1) -> None:
        """Wait until a process has logged this event so many times."""
        self.until_true(lambda: self.log(who).read_text().count(f"event={event}") >= count, f"no {event}")

    def stop(self, child: subprocess.Popen[bytes]) -> int:
        """Ask a process to stop; its exit status."""
        child.send_signal(signal.SIGTERM)
        return child.wait(DEADLINE_S)

    def kill(self, child: subprocess.Popen[bytes]) -> None:
        """SIGKILL, as a power cut would."""
        child.kill()
        child.wait()

    def end_all(self) -> None:
        """End what still runs."""
        for child in self._children:
            if child.poll() is None:
                self.kill(child)

    def until_true(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until `holds`, and say what did not happen otherwise."""
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            logs = "".join(f"\n{one}: {one.read_text()[-2000:]}" for one in self.folder.glob("*/log"))
            assert time.monotonic() < deadline, f"{what} within {DEADLINE_S:g} s; the logs:{logs}"
            time.sleep(0.1)

    def _call(self, folder: str, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "monitor", *arguments],
            capture_output=True, text=True, timeout=DEADLINE_S, cwd=self.folder / folder, check=True,
            env=ENVIRONMENT,
        ).stdout  # fmt: skip


@pytest.fixture
def service() -> Iterator[Service]:
    """The target."""
    server = Service()
    yield server
    server.close()


@pytest.fixture
def control() -> Iterator[Service]:
    """A healthy endpoint beside it."""
    server = Service()
    yield server
    server.close()


@pytest.fixture
def mail_server() -> Iterator[tuple[int, Mailbox]]:
    """A mail server's port, and what it took."""
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield port, mailbox
    controller.stop()


@pytest.fixture
def whydown(tmp_path: Path) -> Iterator[Monitor]:
    """A monitor in a folder of its own."""
    monitor = Monitor(tmp_path)
    yield monitor
    monitor.end_all()


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    """A hub with a certificate, and no vantage yet."""
    crew = Crew(tmp_path)
    yield crew
    crew.end_all()
