"""The dashboard beside a running monitor: a process of its own, started, replaced and ended with it."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from click.testing import CliRunner

from monitor.cli import main
from monitor.history import Store

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
DEADLINE_S = 40.0


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answer(url: str, **more: Any) -> httpx.Response | None:
    """What is answered; None: nobody listens."""
    try:
        return httpx.get(url, timeout=10, **more)
    except httpx.TransportError:
        return None


def until(holds: Callable[[], object]) -> None:
    """Look again and again until it holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """The process ids of a process' children."""
    return [int(word) for word in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def test_run_serves_a_dashboard_and_one_that_dies_is_replaced(whydown: Any, service: Any, control: Any) -> None:
    """It shows what is measured; when the monitor stops, nobody listens any more."""
    url = f"http://127.0.0.1:{free_port()}"
    web = f'[web]\nlisten = "{url[7:]}"\n'
    whydown.configure({"shop": service.url}, {"control": control.url}, more=web)
    child = whydown.start()
    until(lambda: (found := answer(url)) and "shop" in found.text and "✓" in found.text)
    (first,) = children(child)
    os.kill(first, signal.SIGKILL)
    whydown.until_logged("dashboard_ended")
    until(lambda: answer(f"{url}/metrics"))

    assert children(child) != [first]
    assert whydown.stop(child) == 0
    assert answer(url) is None


def test_a_reload_starts_it_and_a_killed_monitor_takes_it_along(whydown: Any, service: Any, control: Any) -> None:
    """The kernel ends it, so a monitor that is started anew finds the address free."""
    url = f"http://127.0.0.1:{free_port()}"
    targets, controls = {"shop": service.url}, {"control": control.url}
    whydown.configure(targets, controls)
    child = whydown.start()
    whydown.until(lambda reader: reader.targets())
    assert answer(url) is None
    whydown.configure(targets, controls, more=f'[web]\nlisten = "{url[7:]}"\n')
    child.send_signal(signal.SIGHUP)
    until(lambda: answer(url))
    child.kill()
    child.wait()

    until(lambda: answer(url) is None)


def test_an_address_that_is_taken_costs_the_monitor_nothing(whydown: Any, service: Any, control: Any) -> None:
    """It probes and stores; the log says why there is no dashboard."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = f'[web]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"\n'
        whydown.configure({"shop": service.url}, {"control": control.url}, more=web)
        child = whydown.start()
        whydown.until_logged("dashboard_ended")
        whydown.until(lambda reader: list(reader.observations(0, 4e9, target="shop")))

        assert "event=dashboard_failed" in whydown.log.read_text()
        assert whydown.stop(child) == 0


def test_with_a_certificate_and_a_login_it_can_stand_alone(tmp_path: Path) -> None:
    """TLS by itself; the line that `whydown login` prints opens it, nothing else does."""
    line = CliRunner().invoke(main, ["login", "alice", "--password", "correct horse"]).stdout
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    (tmp_path / "login.txt").write_text(line)
    port = free_port()
    config = tmp_path / "config.toml"
    config.write_text(
        '[[target]]\nname = "shop"\nurl = "https://shop.example/"\n[history]\npath = "history.db"\n'
        f'[web]\nlisten = "127.0.0.1:{port}"\nlogin_file = "login.txt"\n'
        'certificate = "own.pem"\ncertificate_key = "own.pem"\n'
    )
    with Store.open(tmp_path / "history.db"):
        pass
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "web", "--config", str(config)], stderr=log, env=ENVIRONMENT
        )
    try:
        url, verify = f"https://127.0.0.1:{port}/", ssl.create_default_context(cafile=tmp_path / "ca.pem")
        until(lambda: answer(url, verify=verify))
        opened = answer(url, verify=verify, auth=("alice", "correct horse"))
        refused = answer(url, verify=verify, auth=("alice", "wrong"))
    finally:
        process.terminate()
        status = process.wait(20)

    assert opened is not None
    assert opened.status_code == 200
    assert "shop" in opened.text
    assert refused is not None
    assert refused.status_code == 401
    assert status == 0


@pytest.mark.parametrize(
    ("listen", "says"), [("0.0.0.0:8080", "reachable from elsewhere"), ("8080", "must be HOST:PORT")]
)
def test_an_address_that_cannot_be_meant_is_refused(listen: str, says: str, tmp_path: Path) -> None:
    """One for everybody without a login, and one that is none."""
    done = CliRunner().invoke(main, ["web", "--database", str(tmp_path / "h.db"), "--listen", listen])

    assert done.exit_code == 2
    assert says in done.output


def test_a_history_that_is_not_there_is_said(whydown: Any) -> None:
    """Exit 1, with its path."""
    done = whydown.call("web", "--database", "none.db")

    assert done.returncode == 1
    assert "none.db: no such file" in done.stderr


def test_a_name_that_cannot_log_in_is_refused() -> None:
    """A colon would end it."""
    done = CliRunner().invoke(main, ["login", "a:b", "--password", "x"])

    assert done.exit_code == 2
    assert "a name has 1 to 64" in done.output
