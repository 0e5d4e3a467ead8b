"""The demo in the laboratory, as `make demo` starts it, and what it does where no laboratory can be built."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab.opening import missing

from monitor.demo.namespaces import why_impossible

HERE = Path(__file__).resolve().parent


def _demo(*arguments: str, path: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    here = {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]), "PATH": path}
    command = [sys.executable, "-m", "lab.demo", *arguments]
    return subprocess.run(
        command, env=os.environ | here, capture_output=True, text=True, timeout=timeout_s, check=False
    )


@pytest.mark.slow
@pytest.mark.netns
def test_story_is_told_rightly_in_the_laboratory(tmp_path: Path) -> None:
    """Both causes, within the three minutes that a first look may take; kept in a folder named from here."""
    because = missing() or why_impossible()
    if because is not None:
        pytest.skip(f"the laboratory cannot be built here: {because}")
    kept = os.path.relpath(tmp_path / "kept")
    done = _demo("--json", "--keep", kept, path=os.environ["PATH"], timeout_s=400)
    summary = json.loads(done.stdout)

    assert done.returncode == 0, (summary, done.stderr)
    assert summary["mode"] == "laboratory"
    assert [one["named"] for one in summary["named"]] == ["server.overload", "route.hijack"]
    assert summary["other_incidents"] == []
    assert summary["traceroutes_replayed"] is False
    assert set(summary["crowd"]) >= {"200", "503"}
    assert (tmp_path / "kept" / "whydown.db").exists()


def test_without_the_daemons_it_says_why_and_is_whydown_demo(tmp_path: Path) -> None:
    """The arguments go on to it, which refuses to keep anything in a file."""
    file = tmp_path / "file"
    file.touch()
    done = _demo("--plain", "--keep", str(file), path=str(tmp_path), timeout_s=60)

    assert "not in the laboratory (not installed: bird, birdc, nsd, unbound)" in done.stderr
    assert "is a file" in done.stderr
    assert done.returncode == 2
