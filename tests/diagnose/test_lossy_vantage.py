"""A vantage that loses many packets is one fault of its own: not many, and no target's."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from story import API, BEGIN, CONTROL, DATABASE, PLACES, Story
from world import Place, Service, World

from monitor.model.verdict import Cause
from probes.observation import Failure


def _lossy(service: Service, share: float):
    """At Tokyo each exchange is lost with this probability."""

    def answer(world: World, at: float, place: Place):
        if place.name == "tokyo" and world.random.random() < share:
            return world.unanswered(at, place, service)
        return world.ok(at, place, service)

    return answer


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_lossy_line_is_one_fault_of_its_vantage(seed: int) -> None:
    """Two of three exchanges are lost, by chance: one incident, whatever the order of good and bad ones."""
    story = Story(api=_lossy(API, 0.65), database=_lossy(DATABASE, 0.65), control=_lossy(CONTROL, 0.65), seed=seed)

    incidents = story.incidents()

    assert [(i.target, i.cause, i.affected) for i in incidents] == [(None, Cause.VANTAGE_FAULT, ("tokyo",))]


def test_a_control_that_often_fails_vouches_for_nobody() -> None:
    """The control fails every third time, the API always: nothing can be said of the API."""

    def every_third(world: World, at: float, place: Place):
        if place.name == "tokyo" and int(at // 30) % 3 == 0:
            return world.unanswered(at, place, CONTROL)
        return world.ok(at, place, CONTROL)

    story = Story(api=_lossy(API, 1.0), control=every_third)

    assert [i for i in story.incidents() if i.target is not None] == []


@pytest.mark.parametrize(("times", "faults"), [(2, 0), (6, 1)])
def test_without_controls_slow_answers_of_all_targets_must_be_three_in_a_row(times: int, faults: int) -> None:
    """Two targets that answer one vantage late, twice each, are two long tails; six times each is its line."""

    def slow(service: Service):
        def answer(world: World, at: float, place: Place):
            late = place.name == "tokyo" and at < BEGIN + times * 30.0
            return world.ok(at, place, service, rtt_s=place.rtt_s + (0.3 if late else 0.0))

        return answer

    incidents = Story(api=slow(API), database=slow(DATABASE), controls=False).incidents()

    assert [i.affected for i in incidents if i.cause is Cause.VANTAGE_FAULT] == [("tokyo",)] * faults


def _sends_again(service: Service, at_all: bool):
    """At Tokyo packets get lost: connections open a second late, and the control's send one again."""

    def answer(world: World, at: float, place: Place):
        good = world.ok(at, place, service)
        if place.name != "tokyo" or at >= BEGIN + 150.0:
            return good
        if service is CONTROL:
            return replace(good, retransmits=int(at_all))
        return replace(good, connect_s=(good.connect_s or 0.0) + 1.0, retransmits=1)

    return answer


@pytest.mark.parametrize(("at_all", "told"), [(True, 0), (False, 1)], ids=["a lossy line", "a sound line"])
def test_a_control_whose_packets_are_sent_again_vouches_for_nobody(at_all: bool, told: int) -> None:
    """Five SYNs are lost in a row: where the control's packets get lost too, it is the vantage's own line."""
    incidents = Story(api=_sends_again(API, at_all), control=_sends_again(CONTROL, at_all)).incidents()

    assert len([one for one in incidents if one.target == "api"]) == told


@pytest.mark.parametrize(
    ("failure", "faults"), [(Failure.TLS_EXPIRED, 0), (Failure.CONNECTION_RESET, 1)], ids=["otherwise", "alike"]
)
def test_the_only_control_and_a_target_must_fail_alike(failure: Failure, faults: int) -> None:
    """The control resets connections. A certificate that expired has nothing to do with it, another reset may."""
    tokyo = tuple(place for place in PLACES if place.name == "tokyo")

    incidents = Story(
        places=tokyo,
        api=lambda world, at, place: world.failed(at, place, API, failure),
        control=lambda world, at, place: world.failed(at, place, CONTROL, Failure.CONNECTION_RESET),
    ).incidents()

    assert len([one for one in incidents if one.cause is Cause.VANTAGE_FAULT]) == faults


@pytest.mark.parametrize("controls", [True, False])
def test_no_control_is_said_to_answer_where_there_is_none(controls: bool) -> None:
    """The server is slow for all; that the vantages are well is said only where somebody looked."""
    slow = Story(api=lambda world, at, place: world.ok(at, place, API, think_s=3.0), controls=controls)

    (incident,) = slow.incidents()

    assert incident.cause is Cause.SERVER_OVERLOAD
    assert ("vantage.controls_fine" in {one.rule for one in incident.evidence}) is controls
