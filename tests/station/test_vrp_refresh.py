"""A running monitor whose validator's export changes: what changed under watched prefixes is kept as facts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from monitor.history import Reader, Store
from monitor.model import Asn, RouteFact, Vrp, VrpChange, parse_prefix
from monitor.model.settings import Config, DnsSettings, HistorySettings, RpkiSettings, TracerouteSettings
from monitor.model.target import Target
from monitor.station.board import Board
from monitor.station.station import Station

WATCHED, ELSEWHERE = "203.0.113.0/24", "198.51.100.0/24"


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, as data."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def _write(path: Path, *roas: tuple[str, int]) -> None:
    """A new export in the place of the old one, as validators do."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"roas": [{"prefix": p, "maxLength": 24, "asn": a} for p, a in roas]}))
    fresh.replace(path)


def test_a_new_roa_under_a_watched_prefix_is_a_fact(tmp_path: Path, logs: list[MutableMapping[str, Any]]) -> None:
    """And one elsewhere is not; the engine goes on, and no other start is needed."""
    vrps = tmp_path / "vrps.json"
    _write(vrps, (WATCHED, 64500))
    target = Target(name="shop", url="http://127.0.0.1:1/", prefixes=(parse_prefix(WATCHED),))
    config = Config(
        vantage="v", targets=(target,), history=HistorySettings(place=tmp_path / "history.db"),
        dns=DnsSettings(authoritative=False), traceroute=TracerouteSettings(enabled=False),
        rpki=RpkiSettings(vrps=str(vrps), refresh_s=0.05),
    )  # fmt: skip

    async def scenario() -> None:
        stop, renewed = asyncio.Event(), asyncio.Event()

        def stepped(step: object) -> None:
            if any(entry["event"] == "vrp_gone" for entry in logs):
                renewed.set()

        with Store.open(config.history.place) as store:
            station = Station(config, store, board=Board(), stepped=stepped)
            running = asyncio.create_task(station.run(stop))
            async with asyncio.timeout(30):
                while not any(entry["event"] == "started" for entry in logs):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                _write(vrps, (WATCHED, 64666), (ELSEWHERE, 64777))
                await renewed.wait()
                stop.set()
                await running

    asyncio.run(scenario())
    with Reader.open(config.history.place) as reader:
        facts: list[RouteFact] = list(reader.routes(0, 4e9))
    changes = [(fact.vrp, fact.added) for fact in facts if isinstance(fact, VrpChange)]

    assert changes == [
        (Vrp(parse_prefix(WATCHED), 24, Asn(64500)), False),
        (Vrp(parse_prefix(WATCHED), 24, Asn(64666)), True),
    ]
    assert [entry["event"] for entry in logs if entry["event"].startswith("vrp_")] == ["vrp_gone", "vrp_issued"]
