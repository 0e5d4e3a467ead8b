"""Nothing is left of a laboratory, however it ends: no process, no namespace, no mount."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import RunLab

pytestmark = pytest.mark.netns
HERE = Path(__file__).resolve().parent
_GONE_S = 20.0


def _processes_of(folder: Path) -> list[str]:
    """The command lines that name the laboratory's folder, as every daemon's does; zombies have none."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line[:120])
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_killed_laboratory_leaves_nothing(run_lab: RunLab, tmp_path: Path, number: signal.Signals) -> None:
    """Killed while everything runs: the kernel ends what was inside with the first process."""
    lab = subprocess.Popen(
        [sys.executable, "-m", "lab", "baseline", "--plain", "--keep", str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert lab.stdout is not None
    with lab.stdout as said:
        heard = [said.readline()]
        while b"learns" not in heard[-1]:
            assert heard[-1], f"ended early: {b''.join(heard)!r}"
            heard.append(said.readline())
        running = _processes_of(tmp_path)
        # As a terminal does at Ctrl-C: to the whole group.
        os.killpg(lab.pid, number)
        lab.wait(timeout=_GONE_S)
    end = time.monotonic() + _GONE_S
    while (left := _processes_of(tmp_path)) and time.monotonic() < end:
        os.sched_yield()

    assert len(running) > 20, "routers, name servers, resolvers and vantages were running"
    assert left == []
    assert "wd-" not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in Path("/proc/mounts").read_text(encoding="utf-8")
