"""Incident folders as they are needed: played from their scripts once a session, in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from script.folder import files, write
from script.words import Script

Play = Callable[..., Path]


@pytest.fixture(scope="session")
def play(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Plays a script into a folder; `until`: the recording ends there; `shared_data`: with its real routes."""

    def played(script: Script, until: float | None = None, shared_data: Path | None = None) -> Path:
        cut = script if until is None else replace(script, end=min(until, script.end))
        return write(tmp_path_factory.mktemp("played") / script.name, files(cut, shared_data))

    return played
