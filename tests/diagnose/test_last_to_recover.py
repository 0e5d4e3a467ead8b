"""Who is the last to recover from everybody's trouble is not sick, nor is who asks one control that is down."""

from __future__ import annotations

from story import API, BEGIN, CONTROL, DATABASE, Answer, Story
from world import Place, Service, World

from monitor.model.verdict import Cause
from probes.observation import HttpObservation


def down_until(over: float, service: Service, *, tokyo_s: float = 0.0) -> Answer:
    """The service fails everywhere until then; at Tokyo for longer."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        late = tokyo_s if place.name == "tokyo" else 0.0
        return world.silent(at, place, service) if at < over + late else world.ok(at, place, service)

    return answer


def faults(story: Story) -> list[tuple[str, ...]]:
    """Whose faults are told."""
    return [one.affected for one in story.incidents() if one.cause is Cause.VANTAGE_FAULT]


def test_last_vantage_to_recover_is_not_sick() -> None:
    """Both targets were down for all; Tokyo hears of the end three rounds after the others."""
    over = BEGIN + 300.0
    api, database = down_until(over, API, tokyo_s=95.0), down_until(over, DATABASE, tokyo_s=95.0)

    assert faults(Story(api=api, database=database, controls=False)) == []


def test_vantage_that_loses_everything_alone_is_sick() -> None:
    """The near-miss: nobody else had any trouble."""
    api, database = (down_until(BEGIN, service, tokyo_s=300.0) for service in (API, DATABASE))

    assert faults(Story(api=api, database=database, controls=False)) == [("tokyo",)]


def test_one_accident_beside_a_control_that_is_down_is_no_fault_of_the_vantage() -> None:
    """A single vantage, whose single control fails for ten minutes; one exchange with the target is lost too."""

    def accident(world: World, at: float, place: Place) -> HttpObservation:
        hit = BEGIN + 120.0 <= at < BEGIN + 150.0
        return world.silent(at, place, API) if hit else world.ok(at, place, API)

    control = down_until(BEGIN + 600.0, CONTROL)

    assert faults(Story(api=accident, control=control)) == []


def test_slow_control_and_one_slow_target_are_a_way_that_they_share() -> None:
    """Tokyo reaches the control and the API late, and the database as ever: its own line is not full."""

    def late(service: Service) -> Answer:
        def answer(world: World, at: float, place: Place) -> HttpObservation:
            return world.ok(at, place, service, rtt_s=place.rtt_s + (0.2 if place.name == "tokyo" else 0.0))

        return answer

    assert faults(Story(api=late(API), control=late(CONTROL))) == []
    assert faults(Story(api=late(API), database=late(DATABASE), control=late(CONTROL))) == [("tokyo",)]
