"""`whydown agent` and `whydown hub`: real processes, real keys, TLS on loopback, real signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from monitor.history import HistoryError, Reader
from monitor.model.verdict import Cause
from probes import HttpObservation

FOREVER = 4e9
# The checkout that is tested, wherever the child runs.
ENVIRONMENT = os.environ | {"COLUMNS": "140", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
DEADLINE_S = 40.0


class Crew:
    """A hub and agents, each in a folder of its own, with files as `whydown enroll` makes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "hub" / "h.db"
        self._children: list[subprocess.Popen[bytes]] = []
        self._lines: list[str] = []
        (folder / "hub").mkdir()
        self._call("hub", "enroll", "hub", "--name", "127.0.0.1")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    def enroll(self, name: str, *, allow: str = "") -> None:
        """Make a vantage's key and its file; its line goes to the hub with the next `watch`."""
        (self.folder / name).mkdir()
        self._lines.append(self._call(name, "enroll", "vantage", "--name", name))
        (self.folder / name / "config.toml").write_text(
            f'[vantage]\nname = "{name}"\n[spool]\npath = "s.db"\n[hub]\nurl = "https://127.0.0.1:{self.port}/"\n'
            f'ca_file = "../hub/hub-certificate.pem"\n{allow}'
        )

    def watch(self, targets: dict[str, str], controls: dict[str, str], more: str = "") -> None:
        """Write the hub's file: what is watched, twice a second, and who may send."""
        text = f'[history]\npath = "h.db"\n[hub]\nlisten = "127.0.0.1:{self.port}"\n'
        text += '[traceroute]\nenabled = false\n[dns]\nresolvers = ["127.0.0.1:9"]\nauthoritative = false\n'
        text += 'interval = "1d"\ntimeout = "0.1s"\n[boost]\ninterval = "1s"\n'
        for kind, named in (("target", targets), ("control", controls)):
            for name, url in named.items():
                text += f'[[{kind}]]\nname = "{name}"\nurl = "{url}"\ninterval = "0.5s"\ntimeout = "0.5s"\n'
        (self.folder / "hub" / "config.toml").write_text(text + more + "[vantages]\n" + "".join(self._lines))

    def start(self, who: str) -> subprocess.Popen[bytes]:
        """Start `whydown hub` or the agent of a vantage."""
        verb = "hub" if who == "hub" else "agent"
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

    def until(self, condition: Callable[[Reader], object]) -> None:
        """Wait until the hub's history satisfies `condition`."""

        def holds() -> bool:
            with suppress(HistoryError), Reader.open(self.database) as reader:
                return bool(condition(reader))
            return False

        self._until(holds, "not in the history")

    def until_logged(self, who: str, event: str) -> None:
        """Wait until a process has logged this event."""
        self._until(lambda: f"event={event}" in self.log(who).read_text(), f"no {event}")

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

    def _until(self, holds: Callable[[], bool], what: str) -> None:
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
def crew(tmp_path: Path) -> Iterator[Crew]:
    """A hub with a certificate, and no vantage yet."""
    crew = Crew(tmp_path)
    yield crew
    crew.end_all()


def _seen(reader: Reader, vantage: str = "seoul-1", target: str = "shop") -> list[HttpObservation]:
    return [
        one
        for one in reader.observations(0, FOREVER, target=target, kind="http")
        if isinstance(one, HttpObservation) and one.vantage == vantage
    ]


def test_two_vantages_and_a_hub_name_a_closed_port_and_look_closer(crew: Crew, service: Any, control: Any) -> None:
    """Targets go out, facts come in, the verdict is reached at the hub, and its boost is back at both agents."""
    crew.enroll("seoul-1")
    crew.enroll("tokyo-1")
    crew.watch({"shop": service.url}, {"control": control.url})
    hub, agents = crew.start("hub"), [crew.start("seoul-1"), crew.start("tokyo-1")]
    crew.until(lambda reader: min(len(_seen(reader, "seoul-1")), len(_seen(reader, "tokyo-1"))) >= 6)
    service.close()
    crew.until(lambda reader: reader.incidents(0, FOREVER, open_only=True))
    with Reader.open(crew.database) as reader:
        (incident,) = reader.incidents(0, FOREVER)
    for name in ("seoul-1", "tokyo-1"):
        crew.until_logged(name, "boost")

    assert incident.cause is Cause.SERVER_DOWN
    assert set(incident.affected) == {"seoul-1", "tokyo-1"}
    assert [crew.stop(child) for child in (*agents, hub)] == [0, 0, 0]
    assert "exception" not in crew.log("hub").read_text().lower()


def test_nothing_is_lost_or_doubled_when_either_is_killed(crew: Crew, service: Any, control: Any) -> None:
    """The hub is killed, then the agent, while rounds go on; each round of the agent's is there once."""
    crew.enroll("seoul-1")
    crew.watch({"shop": service.url}, {"control": control.url})
    hub, agent = crew.start("hub"), crew.start("seoul-1")
    crew.until(lambda reader: len(_seen(reader)) >= 4)
    crew.kill(hub)
    crew.until_logged("seoul-1", "hub_not_reached")
    crew.kill(agent)
    hub, agent = crew.start("hub"), crew.start("seoul-1")
    with Reader.open(crew.database) as reader:
        before = len(_seen(reader))
    crew.until(lambda reader: len(_seen(reader)) >= before + 8)
    assert crew.stop(agent) == 0
    assert crew.stop(hub) == 0
    with Reader.open(crew.database) as reader:
        times = [one.at for one in _seen(reader)]
        (contact,) = reader.contacts()

    assert len(times) == len(set(times))
    assert contact.refused == 0


@pytest.mark.slow
def test_a_hub_may_not_have_probed_what_the_agent_does_not_allow(crew: Crew, service: Any, control: Any) -> None:
    """The agent's own list stands above its hub's targets, and it says so."""
    crew.enroll("seoul-1", allow='allow = ["localhost"]\n')
    crew.watch({"shop": service.url, "near": service.url.replace("127.0.0.1", "localhost")}, {})
    crew.start("hub")
    crew.start("seoul-1")
    crew.until(lambda reader: _seen(reader, target="near"))
    crew.until_logged("seoul-1", "targets_not_permitted")
    with Reader.open(crew.database) as reader:
        assert _seen(reader) == []


@pytest.mark.slow
def test_a_vantage_that_is_not_enrolled_gets_nothing(crew: Crew, service: Any, control: Any) -> None:
    """Until the hub has its line and was told to read it: then what was kept is brought."""
    crew.watch({"shop": service.url}, {"control": control.url})
    hub = crew.start("hub")
    crew.enroll("seoul-1")
    crew.start("seoul-1")
    crew.until_logged("hub", "request_refused")
    crew.until_logged("seoul-1", "orders_not_heard")
    crew.watch({"shop": service.url}, {"control": control.url})
    hub.send_signal(signal.SIGHUP)
    crew.until(lambda reader: _seen(reader))

    assert crew.stop(hub) == 0
