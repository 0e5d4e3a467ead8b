"""The incidents of the golden files, and how a golden file is compared."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from monitor.model import IncidentChange

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def change_of() -> Callable[[str], IncidentChange]:
    """The change that golden/NAME.json holds."""

    def read(name: str) -> IncidentChange:
        return msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes(), type=IncidentChange)

    return read


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare text with golden/NAME; with WHYDOWN_UPDATE_GOLDEN=1 it writes the file, to be read in the diff."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("WHYDOWN_UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")

        assert text == path.read_text(encoding="utf-8")

    return compare
