"""Every scenario that is not in the core set, each in a laboratory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lab import scenario

if TYPE_CHECKING:
    from conftest import RunLab

pytestmark = [pytest.mark.netns, pytest.mark.slow]
SLOW = tuple(name for name in scenario.names() if scenario.read(name).slow)


@pytest.mark.parametrize("name", SLOW)
def test_scenario_is_answered_rightly(run_lab: RunLab, name: str) -> None:
    """The right cause with its details, the vantages that the kernels say are hit, nothing else, and it ends."""
    outcome = run_lab(name)[name]
    wrong = [answer for answer in outcome["answers"] if not (answer["right_cause"] and answer["right_vantages"])]

    assert outcome["not_staged"] == ""
    assert wrong == []
    assert outcome["false_alarms"] == []
    assert outcome["closed_s"] is not None, "an incident stayed open after the trouble was over"
