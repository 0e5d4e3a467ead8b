"""What several test packages need: the folder of shared real data where there is one, how examples are drawn."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, and no judgement of how long they take: that is the machine's doing.
settings.register_profile("whydown", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("whydown")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real captures, `$WHYDOWN_SHARED_DATA` or `../shared/data`; tests are skipped without it."""
    folder = Path(os.environ.get("WHYDOWN_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; WHYDOWN_SHARED_DATA names the folder")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's top folder."""
    return REPOSITORY
