"""What `install-cluster` writes: judged by nats-server and systemd, and started as three nodes on the loopback."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click
import pytest
import trustme
from click.testing import CliRunner, Result

from monitor.bus.errors import BusError
from monitor.bus.nats.broker import connected, open_broker
from monitor.cli import main
from monitor.model.settings import BusSettings
from monitor.station.broker_unit import AUTHORITY, CERTIFICATE, CREDENTIALS, KEY, STATE, Broker
from monitor.station.unit import UnfitForServiceError

PROGRAM = shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PASSWORD = 'x " \\ @:/ y'
MOST_EXPOSED = 20

needs_broker = pytest.mark.skipif(PROGRAM is None, reason="nats-server is not installed")
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that services see, with a configuration for three brokers, a password, and certificates for them."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("/dev/shm cannot be written")
    with tempfile.TemporaryDirectory(prefix="whydown-", dir="/dev/shm") as name:
        made = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(made / AUTHORITY)
        identity = authority.issue_cert("127.0.0.1", "127.0.0.2", "127.0.0.3")
        identity.private_key_pem.write_to_path(made / KEY)
        identity.cert_chain_pems[0].write_to_path(made / CERTIFICATE)
        (made / "password").write_text(f"{PASSWORD}\n")
        (made / "config.toml").write_text(
            '[bus]\nurl = "tls://127.0.0.1,127.0.0.2,127.0.0.3"\nuser = "whydown"\n'
            f'password_file = "password"\nca_file = "{AUTHORITY}"\n'
            '[history]\nurl = "postgresql://whydown@db.example/whydown"\n'
            '[hub]\nlisten = "0.0.0.0:8443"\n[[target]]\nname = "shop"\nurl = "https://shop.example/"\n'
        )
        yield made


def _install(folder: Path, node: int, *more: str) -> Result:
    return CliRunner().invoke(
        main,
        ["install-cluster", "--node", str(node), "--config", str(folder / "config.toml"), "--to", str(folder),
         "--broker", str(folder / f"broker-{node}.conf"), "--certificate", str(folder / CERTIFICATE),
         "--key", str(folder / KEY), "--program", "/usr/bin/true", *more],
    )  # fmt: skip


@needs_broker
@needs_systemd
def test_broker_and_systemd_take_what_is_written(folder: Path) -> None:
    """The verb's own files; the password is only where root alone reads."""
    result = _install(folder, 2)
    assert result.exit_code == 0, result.output
    units = sorted(folder.glob("*.service"))
    text = (folder / "broker-2.conf").read_text().replace(str(CREDENTIALS), str(folder))
    (folder / "checked.conf").write_text(text.replace(str(STATE), str(folder / "store")))

    checked = subprocess.run(
        [str(PROGRAM), "-t", "-c", folder / "checked.conf"], capture_output=True, text=True, check=False
    )
    verified = _analyse("verify", *map(str, units))
    judged = _analyse(
        "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(folder / "whydown-broker.service")
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    assert judged.returncode == 0, judged.stdout[-300:]
    assert [unit.name for unit in units] == [
        f"whydown-{name}.service"
        for name in ("broker", "hub-alert", "hub-diagnose", "hub-feeds", "hub-intake", "hub-store")
    ]
    assert all(_is_understood(line) for unit in units for line in unit.read_text().splitlines())
    assert (folder / "broker-2.conf").stat().st_mode & 0o777 == 0o600
    assert not any(PASSWORD in unit.read_text() for unit in units)
    assert PASSWORD not in result.output


def _is_understood(line: str) -> bool:
    """Whether a line of a unit that starts this program says what its own parser takes."""
    program, _, said = line.removeprefix("ExecStart=").partition(" ")
    if not line.startswith("ExecStart=") or program == PROGRAM:
        return True
    verb, *arguments = shlex.split(said)
    command = main.get_command(click.Context(main), verb)
    return command is not None and bool(command.make_context(verb, arguments).params["roles"])


def _analyse(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


@needs_broker
def test_three_nodes_started_from_it_hold_a_stream_and_let_no_stranger_in(folder: Path) -> None:
    """On loopback addresses of their own: TLS and login between clients and brokers, and between brokers."""
    clients, routes = _free_ports()
    bus = BusSettings(
        urls=tuple(f"tls://127.0.0.{node}:{clients}" for node in (1, 2, 3)),
        user="whydown", password_file=folder / "password", ca_file=folder / AUTHORITY, most_bytes=64 * 2**20,
    )  # fmt: skip

    async def held() -> int:
        async with open_broker(bus, "test") as broker:
            await broker.publish(broker.subject(0, "facts"), b"x", "a")
            cluster = (await broker.state()).cluster
            return 1 + len((cluster.replicas if cluster is not None else None) or [])

    async def stranger() -> None:
        async with connected(replace(bus, user=None, password_file=None), "stranger"):
            pytest.fail("it was let in")

    with ExitStack() as running:
        for node in (1, 2, 3):
            made = Broker(
                bus=bus,
                node=node,
                password=PASSWORD,
                routes_port=routes,
                store=folder / f"store-{node}",
                keys=folder,
            )
            running.callback(_ended, _started(folder / f"{node}.conf", made.text))
        assert asyncio.run(held()) == 3
        with pytest.raises(BusError, match="it asks who comes"):
            asyncio.run(stranger())


def _started(file: Path, text: str) -> subprocess.Popen[bytes]:
    file.write_text(text)
    with file.with_suffix(".log").open("wb") as log:
        return subprocess.Popen([str(PROGRAM), "-c", file], stdout=log, stderr=log)


def _ended(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()


def _free_ports() -> tuple[int, int]:
    """Two that nobody listens on at any of the three addresses."""
    with ExitStack() as open_ones:
        first, second = (open_ones.enter_context(socket.create_server(("0.0.0.0", 0))) for _ in range(2))
        return int(first.getsockname()[1]), int(second.getsockname()[1])


@pytest.mark.parametrize(
    ("bus", "said"),
    [
        (BusSettings(urls=("nats://a",)), "replicas = 3"),
        (BusSettings(urls=("nats://a", "nats://b", "nats://c")), "no number 4"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(bus: BusSettings, said: str) -> None:
    """Fewer brokers than replicas, or a number beyond them."""
    with pytest.raises(UnfitForServiceError, match=said):
        Broker(bus=bus, node=1 if len(bus.urls) == 1 else 4, password=None)


def test_a_file_of_history_is_no_cluster(folder: Path) -> None:
    """Several machines cannot write one file; said before anything is written."""
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text.replace('url = "postgresql://whydown@db.example/whydown"', ""))
    result = _install(folder, 1)

    assert (result.exit_code, list(folder.glob("*.service"))) == (2, [])
    assert "[history] url is missing" in result.output


def test_tls_needs_certificate_and_key(folder: Path) -> None:
    """A broker without them would not start."""
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(
        text.replace("tls://", "nats://").replace(f'ca_file = "{AUTHORITY}"\n', "")
    )
    result = _install(folder, 1)

    assert result.exit_code == 2
    assert "go with tls://" in result.output
