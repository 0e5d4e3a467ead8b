"""The core scenarios, everything real: routers, routes, servers, load, and the monitor that watches them."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lab import frr, scenario

from monitor.bgp.mrt import MrtReader
from monitor.history import Reader
from monitor.model.route import FeedState, RouteEvent, RouteFact

if TYPE_CHECKING:
    from conftest import RunLab

pytestmark = pytest.mark.netns
# Laboratories side by side: a scenario is mostly waiting. In this order within each: what a hijacker's server
# showed is remembered for a while, so the black hole comes before it.
LABORATORIES = (
    ("baseline", "crash", "overload"),
    ("reroute", "subprefix-blackhole", "subprefix-hijack"),
    ("dependency-overload", "vantage-fault"),
)
CORE = tuple(name for names in LABORATORIES for name in names)
# BIRD stamps in whole seconds; beyond that, an announcement takes this long to be heard in all ways.
_SOON_S = 3.0


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """What each laboratory leaves behind."""
    return tuple(tmp_path_factory.mktemp("lab") for _ in LABORATORIES)


@pytest.fixture(scope="module")
def outcomes(run_lab: RunLab, kept: tuple[Path, ...]) -> dict[str, dict[str, Any]]:
    """All core scenarios, played."""
    with ThreadPoolExecutor(len(LABORATORIES)) as side_by_side:
        played = side_by_side.map(lambda names, keep: run_lab(*names, keep=keep), LABORATORIES, kept)
        return {name: outcome for each in played for name, outcome in each.items()}


def test_core_set_is_what_the_files_say() -> None:
    """A scenario is either slow or played here."""
    assert sorted(CORE) == [name for name in scenario.names() if not scenario.read(name).slow]


@pytest.mark.parametrize("name", CORE)
def test_scenario_is_answered_rightly(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    """The right cause with its details, the vantages that the kernels say are hit, and nothing else."""
    outcome = outcomes[name]
    wrong = [answer for answer in outcome["answers"] if not (answer["right_cause"] and answer["right_vantages"])]

    assert outcome["not_staged"] == ""
    assert wrong == []
    assert outcome["false_alarms"] == []
    assert outcome["closed_s"] is not None, "an incident stayed open after the trouble was over"


def _hijack(facts: Iterable[RouteFact]) -> list[RouteEvent]:
    return [fact for fact in facts if isinstance(fact, RouteEvent) and str(fact.prefix) == "198.18.3.0/24"]


def _told(events: Iterable[RouteEvent]) -> list[tuple[str, str, str]]:
    return sorted((event.peer, event.kind.value, str(event.path)) for event in events)


def test_three_ways_tell_of_the_same_announcements(
    outcomes: dict[str, dict[str, Any]], kept: tuple[Path, ...]
) -> None:
    """What RIS Live brought is what the collector recorded; the service's own router saw the same path by BMP."""
    folder = next(keep for names, keep in zip(LABORATORIES, kept, strict=True) if "subprefix-hijack" in names)
    assert outcomes["subprefix-hijack"]["not_staged"] == ""
    with Reader.open(folder / "whydown.db") as history:
        stored = list(history.routes(0.0, 2e9))
    heard = _hijack(stored)
    live = [event for event in heard if event.collector == "rrc00"]
    with (folder / "updates.mrt").open("rb") as recording:
        recorded = _hijack(MrtReader(recording, "rrc00"))

    assert any(event.path is not None and event.path.origins == {64511} for event in live)
    assert _told(live) == _told(recorded)
    by_time = zip(sorted(live, key=lambda one: one.at), sorted(recorded, key=lambda one: one.at), strict=True)
    assert all(abs(one.at - other.at) < _SOON_S for one, other in by_time)
    if not frr.is_installed():
        pytest.skip("FRR is not installed, so there is no BMP to compare with")
    own = [event for event in heard if event.collector != "rrc00"]
    of_the_provider = [event for event in live if event.peer_asn == 64504]

    blind = [one for one in stored if isinstance(one, FeedState) and one.source[:4] == "bmp/" and not one.live]
    assert [one for one in blind if one.at < own[-1].at] == [], "the router's session broke"
    assert {event.peer_asn for event in own} == {64504}, "the other provider drops what is RPKI-invalid"
    assert str(own[0].path) == str(of_the_provider[0].path) == "64504 64511"
    assert abs(own[0].at - of_the_provider[0].at) < _SOON_S
    assert own[-1].path is None
