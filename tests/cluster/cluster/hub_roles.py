"""The hub's roles as processes of the shipped program, which can be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cluster.processor_time import cpu_s

REPOSITORY = Path(__file__).resolve().parents[3]
READY_S = 240.0
"""A machine that is busy with eight other things starts ten programs in minutes."""


class RoleProcess:
    """One `whydown hub --role …` with a configuration of its own. It is ended with the context."""

    def __init__(self, name: str, roles: Sequence[str], config: str, folder: Path) -> None:
        self.name = name
        self._roles = roles
        self._folder = folder
        self._path = folder / f"{name}.toml"
        self._path.write_text(config)
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._spent = 0.0

    def start(self) -> None:
        """Start it; it is ready some seconds later."""
        arguments = [sys.executable, "-m", "monitor", "hub", "--config", str(self._path), "--verbose"]
        for role in self._roles:
            arguments += ["--role", role]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                arguments,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
                # As a service has: the kernel shares processors between sessions (sched_autogroup).
                start_new_session=True,
            )

    def until_said(self, what: bytes, count: int = 1) -> None:
        """Wait until its log has something so often."""
        deadline = time.monotonic() + READY_S
        while self.log.read_bytes().count(what) < count:
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} did not say {what!r}:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    @property
    def cpu_s(self) -> float:
        """Processor time of all its lives."""
        return self._spent + (cpu_s(self._process.pid) if self._process and self._process.poll() is None else 0.0)

    def signal(self, number: signal.Signals) -> None:
        """Let it stand still, or go on."""
        if self._process is not None and self.runs:
            self._process.send_signal(number)

    def kill(self) -> None:
        """As a crash."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As a service manager does; its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._spent = self.cpu_s
        self._process.send_signal(number)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    @property
    def runs(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> RoleProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.runs:
            self.stop()
