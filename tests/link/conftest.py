"""A hub as agents meet it: its own server, intake, history and engine, over TLS on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from monitor.config import parse_config
from monitor.history import Reader, Store
from monitor.link.enrolment import make_hub_certificate
from monitor.link.messages import BATCHES_PATH, Batch, Numbered
from monitor.link.packing import pack
from monitor.link.signature import Signer
from monitor.model.vantage_key import VantageKey
from monitor.station.board import Board
from monitor.station.hub_station import HubStation
from probes import HttpObservation, Observation, clock

VANTAGES = ("seoul-1", "tokyo-1", "expired-1")
TARGET = "shop"


@dataclass
class Door:
    """The hub's address, its history, and the keys of its vantages; `stranger` has one that it does not know."""

    url: str
    port: int
    certificate: Path
    database: Path
    signers: Mapping[str, Signer]
    private: Mapping[str, bytes] = field(repr=False)
    client: httpx.Client = field(repr=False)

    def post(
        self, body: bytes, signer: Signer, *, path: str = BATCHES_PATH, at: float | None = None, **more: str
    ) -> httpx.Response:
        """One signed request; `more` header fields replace what was signed."""
        url = self.url + path
        headers = dict(signer.headers("POST", url, body, clock.wall() if at is None else at))
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        with self.client.stream("POST", url, content=body, headers=headers) as response:
            packed = b"".join(response.iter_raw())
        # httpx would undo the compression, which is the message's own.
        kept = {name: value for name, value in response.headers.items() if name != "content-encoding"}
        return httpx.Response(response.status_code, headers=kept, content=packed)

    def bring(self, vantage: str, *numbered: Numbered, signer: str | None = None) -> httpx.Response:
        """A batch of this vantage, signed by it, or by another."""
        batch = Batch(vantage=vantage, sent_at=clock.wall(), facts=numbered)
        return self.post(pack(batch), self.signers[signer or vantage])

    def stored(self, vantage: str) -> list[Observation]:
        """What the history has of a vantage."""
        with Reader.open(self.database) as reader:
            return [one for one in reader.observations(0, 4e9, target=TARGET) if one.vantage == vantage]

    def fact(self, vantage: str, at: float | None = None, **more: object) -> HttpObservation:
        """An observation of `shop` as it is measured, now or at a time."""
        when = clock.wall() if at is None else at
        return HttpObservation(at=round(when, 3), vantage=vantage, target=TARGET, status=200, **more)  # type: ignore[arg-type]

    def numbered(self, sequence: int, seen: Observation) -> Numbered:
        """The observation as a fact with its number."""
        return Numbered(sequence, msgspec.Raw(msgspec.msgpack.encode(seen)))

    def raw(self, *, tls: bool = True) -> socket.socket:
        """A connection of somebody who does not care for HTTP."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        context = ssl.create_default_context(cafile=str(self.certificate))
        return context.wrap_socket(plain, server_hostname="127.0.0.1") if tls else plain


def _run(station: Callable[[], HubStation], ready: threading.Event, stops: list[Callable[[], None]]) -> None:
    async def main() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(stop.set))
        running = asyncio.create_task(station().run(stop))
        ready.set()
        await running

    asyncio.run(main())


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A hub that runs in a thread for a module's tests, each with numbers of its own."""
    folder = tmp_path_factory.mktemp("hub")
    certificate, key = folder / "hub-certificate.pem", folder / "hub-key.pem"
    make_hub_certificate(certificate, key, ["127.0.0.1"], datetime.now(UTC))
    keys = {name: Ed25519PrivateKey.generate() for name in (*VANTAGES, "stranger")}
    signers = {name: Signer(key) for name, key in keys.items()}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    lines = [f'{name}.keys = ["{signers[name].key}"]' for name in VANTAGES[:2]]
    lines.append(f'expired-1.keys = ["{VantageKey(signers["expired-1"].key.public, 1_700_006_400.0)}"]')
    config = parse_config(
        f'[history]\npath = "h.db"\n[hub]\nlisten = "127.0.0.1:{port}"\n'
        f'[[target]]\nname = "{TARGET}"\nurl = "https://shop.example/"\n[vantages]\n' + "\n".join(lines),
        folder / "config.toml",
    )
    ready, stops = threading.Event(), list[Callable[[], None]]()
    with (
        Store.open(config.history.place) as store,
        httpx.Client(
            verify=ssl.create_default_context(cafile=str(certificate)), trust_env=False, timeout=20
        ) as client,
    ):
        thread = threading.Thread(
            target=_run, args=(lambda: HubStation(config, store, board=Board()), ready, stops)
        )
        thread.start()
        try:
            assert ready.wait(20)
            _wait_for(port)
            private = {name: key.private_bytes_raw() for name, key in keys.items()}
            yield Door(
                f"https://127.0.0.1:{port}", port, certificate, config.history.place, signers, private, client
            )
        finally:
            for stop in stops:
                stop()
            thread.join(30)


def _wait_for(port: int) -> None:
    deadline = clock.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert clock.monotonic() < deadline
