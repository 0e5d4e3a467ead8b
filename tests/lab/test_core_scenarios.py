"""The core scenarios, everything real: routers, routes, servers, load, and the monitor that watches them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lab import scenario

if TYPE_CHECKING:
    from conftest import RunLab

pytestmark = pytest.mark.netns
# In this order: what a hijacker's server showed is remembered for a while, so the black hole comes before it.
CORE = (
    "baseline", "overload", "dependency-overload", "crash", "reroute", "vantage-fault", "subprefix-blackhole",
    "subprefix-hijack",
)  # fmt: skip


def test_core_set_is_what_the_files_say() -> None:
    """A scenario is either slow or played here."""
    assert sorted(CORE) == [name for name in scenario.names() if not scenario.read(name).slow]


@pytest.fixture(scope="module")
def outcomes(run_lab: RunLab) -> dict[str, dict[str, Any]]:
    """All core scenarios, played one after the other in one laboratory."""
    return run_lab(*CORE)


@pytest.mark.parametrize("name", CORE)
def test_scenario_is_answered_rightly(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    """The right cause with its details, the vantages that the kernels say are hit, and nothing else."""
    outcome = outcomes[name]
    wrong = [answer for answer in outcome["answers"] if not (answer["right_cause"] and answer["right_vantages"])]

    assert outcome["not_staged"] == ""
    assert wrong == []
    assert outcome["false_alarms"] == []
    assert outcome["closed_s"] is not None, "an incident stayed open after the trouble was over"
