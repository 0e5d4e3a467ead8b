"""The incidents of the golden files, and how a golden file is compared."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.model import IncidentChange

GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = Path(__file__).parents[1] / "scenarios"


@pytest.fixture
def change_of() -> Callable[[str], IncidentChange]:
    """The change that golden/NAME.json holds."""

    def read(name: str) -> IncidentChange:
        return msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes(), type=IncidentChange)

    return read


@pytest.fixture(scope="session")
def replayed() -> Callable[[str], tuple[bytes, ...]]:
    """The lines of `whydown replay --json` of a recorded outage; each is replayed once, however many ask."""

    @lru_cache
    def lines(name: str) -> tuple[bytes, ...]:
        result = CliRunner().invoke(main, ["replay", str(SCENARIOS / name), "--json"])
        assert result.exit_code == 0, result.output
        assert not result.stderr
        return tuple(result.stdout_bytes.splitlines())

    return lines


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare text with golden/NAME; with WHYDOWN_UPDATE_GOLDEN=1 it writes the file, to be read in the diff."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("WHYDOWN_UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")

        assert text == path.read_text(encoding="utf-8")

    return compare
