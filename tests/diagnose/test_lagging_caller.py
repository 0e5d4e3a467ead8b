"""A caller that goes on failing for a while after what it depends on is well again."""

from __future__ import annotations

from story import API, BEGIN, DATABASE, END, Story
from world import Place, World

from monitor.model.verdict import Cause
from probes.observation import HttpObservation

DEPENDS = 'depends_on = ["database"]'


def sheds(world: World, at: float, place: Place) -> HttpObservation:
    """The API waits for three seconds, and answers 503."""
    return world.status(at, place, API, 503, think_s=3.0)


def test_callers_last_minutes_are_still_its_dependencys_doing() -> None:
    """The database is back almost three minutes before the API is: one cause from beginning to end."""

    def database(world: World, at: float, place: Place) -> HttpObservation:
        return world.silent(at, place, DATABASE) if at < END - 170 else world.ok(at, place, DATABASE)

    incidents = Story(api=sheds, database=database, target=DEPENDS, interval_s=10.0).incidents()

    assert {(one.target, one.cause) for one in incidents} == {
        ("api", Cause.UPSTREAM_DOWN), ("database", Cause.SERVER_DOWN),
    }  # fmt: skip


def test_trouble_after_the_dependencys_is_the_callers_own() -> None:
    """The database was down for two minutes, the API begins to fail three minutes after that."""

    def api(world: World, at: float, place: Place) -> HttpObservation:
        return sheds(world, at, place) if at > BEGIN + 300 else world.ok(at, place, API)

    def database(world: World, at: float, place: Place) -> HttpObservation:
        return world.silent(at, place, DATABASE) if at < BEGIN + 120 else world.ok(at, place, DATABASE)

    incidents = Story(api=api, database=database, target=DEPENDS).incidents()

    assert [(one.target, one.cause) for one in incidents] == [
        ("database", Cause.SERVER_DOWN), ("api", Cause.SERVER_OVERLOAD),
    ]  # fmt: skip
