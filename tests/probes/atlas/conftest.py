"""Real results of RIPE Atlas probes, where the shared data is present, and its own parser."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ripe.atlas.sagan import Result

Lines = Callable[[str], list[bytes]]


@pytest.fixture
def real_results(shared_data: Path) -> Lines:
    """`real_results("sagan-dns.a")`: the lines of a file of real results, in order."""

    def read(name: str) -> list[bytes]:
        for path in (shared_data / "atlas").glob(f"{name}.jsonl*"):
            data = path.read_bytes()
            lines = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
            assert lines
            return lines
        pytest.skip(f"no {name}.jsonl in the shared data")

    return read


@pytest.fixture
def sagan() -> Callable[[bytes], Any]:
    """RIPE Atlas's own parser: strict about form, silent about failures, which are results."""

    def parse(line: bytes) -> Any:
        return Result.get(line.decode(), on_malformation=Result.ACTION_FAIL, on_error=Result.ACTION_IGNORE)

    return parse
