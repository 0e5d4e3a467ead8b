"""Runs the laboratory as a user does, `python -m lab`; some scenarios one after the other in one laboratory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.opening import missing
from lab.stage import NO_TUN

from monitor.demo.namespaces import why_impossible

HERE = Path(__file__).resolve().parent
# Answered in about 20 s each; a scenario that is not answered takes its whole minute.
_SECONDS_EACH = 100


RunLab = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def run_lab() -> RunLab:
    """A function that plays scenarios, by name, at a pace; their outcomes by name. Skips where no lab can be.

    `keep`: a new folder for the laboratory's history, recordings and logs.
    """
    because = missing() or why_impossible()
    if because is not None:
        pytest.skip(f"the laboratory cannot be built here: {because}")

    def run(*names: str, pace: str = "fast", keep: Path | None = None) -> dict[str, dict[str, Any]]:
        kept = () if keep is None else ("--keep", str(keep))
        done = subprocess.run(
            [sys.executable, "-m", "lab", *names, "--pace", pace, "--json", *kept],
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])},
            capture_output=True,
            timeout=60 + _SECONDS_EACH * len(names),
            check=False,
        )
        if done.returncode == 3 and f"could not go on: {NO_TUN}" in done.stderr.decode():
            pytest.skip(f"links cannot be impaired here: {NO_TUN}")
        assert done.returncode in (0, 1), done.stderr.decode()[-4000:]
        outcomes = [json.loads(line) for line in done.stdout.splitlines()]
        # One that could not be played is told by its status; none at all is the laboratory's own end.
        assert len(outcomes) == len(names), done.stderr.decode()[-4000:]
        return {outcome["scenario"]["name"]: outcome for outcome in outcomes}

    return run
