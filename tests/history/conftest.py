"""What tests of the history share. Those that take a `place` run over every engine: one suite for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from postgres_server import PostgresServer, postgres_server

from monitor.history import Keep, Store
from monitor.model.history_place import HistoryPlace

DAY_S = 86_400.0
MONTH = Keep(facts_s=30 * DAY_S, minutes_s=90 * DAY_S, five_minutes_s=400 * DAY_S)

Tend = Callable[..., tuple[int, int]]


@pytest.fixture
def tend() -> Tend:
    """Do all the upkeep that is due at a time, piece by piece; how many slots were folded and rows deleted."""

    def call(store: Store, now: float, keep: Keep = MONTH) -> tuple[int, int]:
        folded = deleted = 0
        while True:
            tended = store.tend(now, keep)
            folded, deleted = folded + tended.folded, deleted + tended.deleted
            if not tended.more:
                return folded, deleted

    return call


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run."""
    with postgres_server() as server:
        if server is None:
            pytest.skip("PostgreSQL is not installed")
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HistoryPlace]:
    """Where an empty history is, on each engine."""
    if request.param == "sqlite":
        yield tmp_path / "history.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    database = server.history()
    yield database
    server.drop(database)


@pytest.fixture
def places(place: HistoryPlace, request: pytest.FixtureRequest) -> Callable[[], HistoryPlace]:
    """Gives an empty history for every example of a property test."""
    if isinstance(place, Path):
        numbers = count()
        return lambda: place.with_name(f"{next(numbers)}.db")
    server: PostgresServer = request.getfixturevalue("postgres")

    def cleared() -> HistoryPlace:
        server.clear(place)
        return place

    return cleared
