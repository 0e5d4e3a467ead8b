"""A vantage in a process of its own, because it lives in another network namespace than the tests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pocket.place import PocketInternet

from probes.observation import TraceObservation, decode

__all__ = ["Vantage", "plain_pocket", "root_pocket"]

_PROCESS = str(Path(__file__).parents[1] / "traceroute" / "vantage_process.py")


class Vantage:
    """A process that traces for us; what it runs is `traceroute/vantage_process.py`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def trace(self, **fields: Any) -> TraceObservation:
        """One trace."""
        return self.traces(fields)[0]

    def traces(self, *requests: dict[str, Any]) -> list[TraceObservation]:
        """Several traces at the same time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(requests) + "\n")
        self._process.stdin.flush()
        lines = []
        while (line := self._process.stdout.readline()) != "end\n":
            assert line, "the vantage process died; its reason is on standard error"
            lines.append(line)
        observations = [decode(line) for line in lines]
        return [o for o in observations if isinstance(o, TraceObservation)]


@pytest.fixture(scope="session")
def root_pocket(pocket_internet: PocketInternet) -> Iterator[Vantage]:
    """A vantage in front of the pocket internet that may open raw sockets."""
    with pocket_internet.python(_PROCESS) as process:
        yield Vantage(process)


@pytest.fixture(scope="session")
def plain_pocket(pocket_internet: PocketInternet) -> Iterator[Vantage]:
    """The same without any capability; its group may open ICMP sockets."""
    with pocket_internet.python(_PROCESS, unprivileged=True) as process:
        yield Vantage(process)
