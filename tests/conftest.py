"""What several test packages need: the folder of shared real data, where it is present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
