"""The tables beside the facts: loaded once, kept while they cannot be had, and said so."""

from __future__ import annotations

import asyncio
import bz2
import json
from collections.abc import Iterator, MutableMapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import structlog

from monitor.hub.tables import TableLoader, Tables
from monitor.model.settings import Config, PrefixToAsSettings, RpkiSettings

VRPS = {"roas": [{"prefix": "203.0.113.0/24", "maxLength": 24, "asn": "AS64500"}]}


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, as data."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def _config(vrps: Path | None = None, table: Path | None = None) -> Config:
    return Config(
        vantage="v",
        rpki=RpkiSettings(vrps=str(vrps) if vrps else None),
        prefix_to_as=PrefixToAsSettings(path=table),
    )


def test_nothing_configured_is_nothing_loaded() -> None:
    """And nothing to complain of."""
    assert asyncio.run(TableLoader().load(_config(), Tables())) == Tables()


def test_both_tables_are_loaded_and_unchanged_vrps_only_once(tmp_path: Path) -> None:
    """The same table object means that no engine has to be made anew."""
    vrps, table = tmp_path / "vrps.json", tmp_path / "table.txt"
    vrps.write_text(json.dumps(VRPS), encoding="utf-8")
    table.write_text("203.0.113.0/24\t64500\n", encoding="utf-8")

    async def scenario() -> tuple[Tables, Tables]:
        loader = TableLoader()
        first = await loader.load(_config(vrps, table), Tables())
        return first, await loader.load(_config(vrps, table), first)

    first, second = asyncio.run(scenario())

    assert first.vrps is not None
    assert len(first.vrps) == 1
    assert second.vrps is first.vrps
    assert first.prefixes is not None
    assert first.prefixes.lookup(ip_address("203.0.113.9")) == {64500}


def test_tables_that_cannot_be_had_stay_as_they_were(tmp_path: Path, logs: list[MutableMapping[str, Any]]) -> None:
    """A validator that is down for an hour does not make every route unknown; the log says what is stale."""
    vrps, table = tmp_path / "vrps.json", tmp_path / "table.txt"
    vrps.write_text(json.dumps(VRPS), encoding="utf-8")
    table.write_text("203.0.113.0/24\t64500\n", encoding="utf-8")

    async def scenario() -> tuple[Tables, Tables]:
        loader = TableLoader()
        first = await loader.load(_config(vrps, table), Tables())
        vrps.write_text("{", encoding="utf-8")
        table.unlink()
        return first, await loader.load(_config(vrps, table), first)

    first, second = asyncio.run(scenario())

    assert second == first
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == [
        "prefix_table_not_loaded", "vrps_not_loaded",
    ]  # fmt: skip


def test_old_vrps_are_said_to_be_stale_and_stay(tmp_path: Path, logs: list[MutableMapping[str, Any]]) -> None:
    """By the validator's own time; also when nothing has changed since, for then it hangs."""
    vrps = tmp_path / "vrps.json"
    vrps.write_text(json.dumps({"metadata": {"generated": 1_600_000_000}, **VRPS}), encoding="utf-8")

    async def scenario() -> tuple[Tables, Tables]:
        loader = TableLoader()
        first = await loader.load(_config(vrps), Tables())
        return first, await loader.load(_config(vrps), first)

    first, second = asyncio.run(scenario())
    stale = [entry for entry in logs if entry["event"] == "vrps_stale"]

    assert first.vrps is not None
    assert second.vrps is first.vrps
    assert [(entry["source"], entry["of"]) for entry in stale] == [(str(vrps), 1)] * 2
    assert all(entry["age_h"] > 50_000 for entry in stale)


def test_a_table_without_its_exchange_points_is_used(tmp_path: Path, logs: list[MutableMapping[str, Any]]) -> None:
    """And with them where they can be read; the log tells which."""
    table, exchanges = tmp_path / "table.txt", tmp_path / "ixpfx.json"
    table.write_text("203.0.113.0/24\t64500\n", encoding="utf-8")
    config = Config(vantage="v", prefix_to_as=PrefixToAsSettings(path=table, exchanges=exchanges))
    without = asyncio.run(TableLoader().load(config, Tables())).prefixes
    exchanges.write_text('{"data": [{"prefix": "203.0.113.0/25"}]}', encoding="utf-8")
    with_them = asyncio.run(TableLoader().load(config, Tables())).prefixes

    assert without is not None
    assert with_them is not None
    assert (without.lookup("203.0.113.1"), with_them.lookup("203.0.113.1")) == ({64500}, None)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["exchanges_not_loaded"]


def test_of_several_dated_tables_the_one_of_the_time_is_loaded(tmp_path: Path) -> None:
    """For a look at the past the one in force then, else the newest; an owner has changed in between."""
    for day, owner in ((1, 64500), (5, 64501)):
        (tmp_path / f"rv2-2024010{day}-1200.pfx2as").write_text(f"203.0.113.0\t24\t{owner}\n", encoding="utf-8")
    config = _config(table=tmp_path / "*.pfx2as")
    january_3 = 1_704_240_000.0
    then = asyncio.run(TableLoader().load(config, Tables(), at=january_3)).prefixes
    now = asyncio.run(TableLoader().load(config, Tables())).prefixes

    assert then is not None
    assert now is not None
    assert (then.lookup("203.0.113.1"), now.lookup("203.0.113.1")) == ({64500}, {64501})


def test_the_vrps_of_another_place_do_not_stand_in(tmp_path: Path) -> None:
    """After a reload to a place that cannot be read there are none, rather than those of the old place."""
    vrps = tmp_path / "vrps.json"
    vrps.write_text(json.dumps(VRPS), encoding="utf-8")

    async def scenario() -> Tables:
        loader = TableLoader()
        first = await loader.load(_config(vrps), Tables())
        return await loader.load(_config(tmp_path / "other.json"), first)

    assert asyncio.run(scenario()) == Tables()


def test_relationships_are_loaded_and_kept_while_their_file_is_gone(tmp_path: Path) -> None:
    """Compressed as CAIDA gives them; a bad line is counted and costs nothing else."""
    file = tmp_path / "as-rel.txt.bz2"
    file.write_bytes(bz2.compress(b"# source\n1|2|-1\n1|3|0\nnonsense\n"))
    config = Config(vantage="v", as_relationships=file)

    async def scenario() -> tuple[Tables, Tables]:
        first = await TableLoader().load(config, Tables())
        file.unlink()
        return first, await TableLoader().load(config, first)

    first, second = asyncio.run(scenario())

    assert first.relationships is not None
    assert (len(first.relationships), first.relationships.bad) == (2, 1)
    assert second.relationships is first.relationships
