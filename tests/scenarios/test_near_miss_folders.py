"""What looks like a hijack, or like trouble, and is neither, in any strength; an overload among them is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from script.folder import files, write
from script.near_misses import PLAYS, Strength

from monitor.evaluate import match, read_expected
from monitor.replay import read_folder, replay

STRENGTHS = st.builds(
    Strength,
    vantages=st.integers(3, 12),
    interval_s=st.sampled_from((10.0, 15.0, 30.0, 60.0, 120.0, 300.0)),
    seed=st.integers(1, 10_000),
)


def _refuse(path: Path, line: int, reason: str) -> None:
    raise AssertionError(f"{path}:{line}: {reason}")


def wrongly_told(name: str, strength: Strength, folder: Path) -> list[tuple[str, str]]:
    """What was expected and named instead, of one near-miss."""
    write(folder, files(PLAYS[name](strength)))
    expected = read_expected((folder / "expected.json").read_bytes())
    pairs = match(name, expected, replay(read_folder(folder, _refuse)))
    return [(pair.truth, pair.given) for pair in pairs if pair.truth != pair.given or pair.repeated]


@pytest.mark.parametrize("name", PLAYS)
def test_near_miss_is_not_called_what_it_is_not(name: str, tmp_path: Path) -> None:
    """Six vantages, a probe a minute."""
    assert wrongly_told(name, Strength(), tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", PLAYS)
@settings(
    max_examples=12, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(strength=STRENGTHS)
def test_near_miss_is_none_in_any_strength(name: str, tmp_path: Path, strength: Strength) -> None:
    """Three to twelve vantages, a probe every ten seconds to every five minutes."""
    assert wrongly_told(name, strength, tmp_path) == []
