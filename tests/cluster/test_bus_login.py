"""Brokers that speak TLS and ask who comes: who is let in, and what is said to those who are not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme
from cluster.brokers import Brokers, nats_server
from structlog.testing import capture_logs

from monitor.bus.errors import BusError
from monitor.bus.nats.broker import connected, open_broker
from monitor.config import parse_config
from monitor.doctor.bus import look_at_bus
from monitor.model.settings import BusSettings, Config
from monitor.station.plugin_state import State

pytestmark = pytest.mark.skipif(nats_server() is None, reason="nats-server is not installed")

PASSWORD = "correct-horse-battery"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A broker that runs, and the settings by which one gets in."""

    folder: Path
    bus: BusSettings


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """With an authority of its own, for 127.0.0.1, and one user."""
    folder = tmp_path_factory.mktemp("guarded")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "another-ca.pem")
    identity = authority.issue_cert("127.0.0.1")
    identity.private_key_pem.write_to_path(folder / "key.pem")
    identity.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    (folder / "password").write_text(f"{PASSWORD}\n")
    (folder / "wrong-password").write_text("wrong\n")
    guard = ("--tls", "--tlscert", folder / "certificate.pem", "--tlskey", folder / "key.pem", "--user", "whydown",
             "--pass", PASSWORD)  # fmt: skip
    with Brokers(folder, nodes=1, more=guard) as brokers:
        yield Guarded(
            folder,
            BusSettings(
                urls=(brokers.url.replace("nats://", "tls://"),),
                user="whydown",
                password_file=folder / "password",
                ca_file=folder / "ca.pem",
                replicas=1,
            ),
        )


def _refusal(bus: BusSettings) -> str:
    async def come() -> None:
        async with connected(bus, "test"):
            pytest.fail("it was let in")

    with pytest.raises(BusError) as caught:
        asyncio.run(come())
    return str(caught.value)


def test_who_has_authority_and_password_gets_in_and_no_log_shows_the_password(guarded: Guarded) -> None:
    """A message is held, over TLS, by the very files of a configuration."""

    async def speak() -> None:
        async with open_broker(guarded.bus, "test") as broker:
            assert await broker.publish(broker.subject(0, "facts"), b"x", "a") == 1

    with capture_logs() as logs:
        asyncio.run(speak())

    assert "stream_made" in [log["event"] for log in logs]
    assert PASSWORD not in repr(logs)


def test_a_broker_of_another_authority_is_not_spoken_to(guarded: Guarded) -> None:
    """Its certificate may be another's: the file that vouches is named."""
    said = _refusal(replace(guarded.bus, ca_file=guarded.folder / "another-ca.pem"))

    assert "its certificate does not hold by" in said
    assert "another-ca.pem ([bus] ca_file)" in said


def test_a_wrong_password_is_said_by_its_file(guarded: Guarded) -> None:
    """Not as "none answers", and at once; the password itself is nowhere."""
    said = _refusal(replace(guarded.bus, password_file=guarded.folder / "wrong-password"))

    assert said.endswith(f"it refuses whydown with the password of {guarded.folder / 'wrong-password'}")


def test_a_broker_that_asks_who_comes_is_named_so(guarded: Guarded) -> None:
    """Where the configuration names nobody."""
    said = _refusal(replace(guarded.bus, user=None, password_file=None))

    assert said.endswith("it asks who comes ([bus] user and password_file)")


@pytest.mark.parametrize("key", ["password_file", "ca_file"])
def test_a_file_that_cannot_be_read_is_named_with_its_key(guarded: Guarded, key: str) -> None:
    """Before anybody is asked."""
    missing = guarded.folder / "missing"

    assert f"[bus] {key} = {missing} cannot be used" in _refusal(replace(guarded.bus, **{key: missing}))


def test_a_password_is_not_told_to_a_broker_in_clear(guarded: Guarded, tmp_path: Path) -> None:
    """Who stands on the way could say that no TLS is asked for, and hear the password: tls:// does without."""
    heard: list[bytes] = []

    async def scenario() -> None:
        async def in_clear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b'INFO {"server_id":"x","version":"2.9.10","max_payload":9999,"auth_required":true}\r\n')
            heard.append(await reader.read(4096))
            writer.close()

        async with await asyncio.start_server(in_clear, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(BusError, match="it speaks no TLS, which tls:// asks for"):
                async with connected(replace(guarded.bus, urls=(f"tls://127.0.0.1:{port}",)), "test"):
                    pytest.fail("it went on in clear")

    asyncio.run(scenario())

    assert heard
    assert b"".join(heard) == b""


def test_doctor_says_who_is_refused(guarded: Guarded) -> None:
    """Critical, in the words of the configuration."""
    bus = replace(guarded.bus, password_file=guarded.folder / "wrong-password")
    (found,) = asyncio.run(look_at_bus(_config(bus), bus))

    assert found.state is State.CRITICAL
    assert "it refuses whydown" in found.text


def _config(bus: BusSettings) -> Config:
    text = f"""[bus]\nurl = "{bus.urls[0]}"\nreplicas = 1\n[[target]]\nname = "a"\nurl = "https://a.example/"\n"""
    return parse_config(text)
