"""A listen queue so full that some connections open after lost SYNs and others not at all."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from story import API, Answer, Story
from world import Place, World

from monitor.model.verdict import Cause
from probes.observation import HttpObservation

RETRIES_S = (1.0, 3.0)


def opening(share: float, retries_s: tuple[float, float] = RETRIES_S) -> Answer:
    """Connections open with this probability, after one or two lost SYNs; the others are given up."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        good = world.ok(at, place, API)
        if world.random.random() >= share:
            return world.silent(at, place, API)
        lost = world.random.choice((1, 2))
        retry = retries_s[lost - 1]
        return replace(
            good,
            connect_s=round((good.connect_s or 0.0) + retry, 6),
            total_s=round((good.total_s or 0.0) + retry, 6),
            retransmits=lost,
        )

    return answer


@pytest.mark.parametrize("retries_s", [RETRIES_S, (1.0, 2.0)], ids=["doubling", "every second"])
def test_connections_that_open_now_and_then_are_an_overload(retries_s: tuple[float, float]) -> None:
    """Somebody is there, and short of room: the server is not down, though most connections time out."""
    (incident,) = Story(api=opening(0.3, retries_s), interval_s=10.0).incidents()

    assert incident.cause is Cause.SERVER_OVERLOAD
    assert "network.opens_now_and_then" in {evidence.rule for evidence in incident.evidence}


def test_a_host_that_never_answers_is_no_overload() -> None:
    """Without a single connection nothing speaks for a queue."""
    (incident,) = Story(api=opening(0.0), interval_s=10.0).incidents()

    assert incident.cause is not Cause.SERVER_OVERLOAD
    assert "network.opens_now_and_then" not in {evidence.rule for evidence in incident.evidence}


def full_line(world: World, at: float, place: Place) -> HttpObservation:
    """A full line loses SYNs of all, and what it carries is late; the kernel's own figures are not recorded."""
    late = world.ok(at, place, API, rtt_s=place.rtt_s + 0.15)
    late = replace(late, kernel_rtt_s=None, kernel_min_rtt_s=None, retransmits=None)
    luck = world.random.random()
    if luck < (0.9 if place.name == "sydney" else 0.2):
        return world.silent(at, place, API)
    if luck < 0.6:
        return replace(late, connect_s=round((late.connect_s or 0.0) + 1.0, 6))
    return late


def test_a_full_line_is_no_full_queue() -> None:
    """Connections open late or not at all here too, but the round trip of those that open at once is longer."""
    (incident,) = Story(api=full_line, interval_s=10.0).incidents()

    assert "network.opens_now_and_then" not in {evidence.rule for evidence in incident.evidence}
    assert incident.cause is Cause.SERVER_LINK
