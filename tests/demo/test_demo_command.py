"""The demo from end to end, as a user starts it: both causes named, its mode said, nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.demo.namespaces import why_impossible

DEMO = (sys.executable, "-m", "monitor", "demo")


def _right(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0, (summary, done.stderr)
    assert summary["right"]
    assert [one["named"] for one in summary["named"]] == ["server.overload", "route.hijack"]
    assert all(one["after_s"] < 20.0 for one in summary["named"])
    assert summary["other_incidents"] == []
    assert len(summary["mails"]) >= 4
    assert summary["http_probes"] > 500
    return summary


@pytest.mark.slow
@pytest.mark.netns
def test_in_namespaces_both_causes_are_named_and_nothing_is_replayed() -> None:
    """Real routes and traceroutes; only the believers of the hijack are affected."""
    because = why_impossible()
    if because is not None:
        pytest.skip(f"needs network namespaces: {because}")
    summary = _right(subprocess.run([*DEMO, "--json"], capture_output=True, text=True, timeout=240, check=False))

    assert summary["mode"] == "namespaces"
    assert summary["traceroutes_replayed"] is False
    assert summary["traceroutes"] > 100


@pytest.mark.slow
def test_on_the_loopback_both_causes_are_named_and_the_replay_is_said() -> None:
    """Without namespaces the verdicts are the same, and the summary says what was not measured."""
    command = [*DEMO, "--loopback", "--json"]
    summary = _right(subprocess.run(command, capture_output=True, text=True, timeout=240, check=False))

    assert summary["mode"] == "loopback"
    assert summary["traceroutes_replayed"] is True
    assert "REPLAYED" in summary["told"]


def test_it_can_be_stopped_in_the_middle_and_leaves_no_process(tmp_path: Path) -> None:
    """SIGTERM after the first words: it ends by itself, and so does every process it started.

    It is started as `sh -c 'whydown demo &'` would: with SIGINT ignored.
    """
    # Children inherit the standard error: its end of the pipe is closed only when all of them are gone.
    with subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *DEMO, "--plain", "--loopback", "--keep", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        for line in demo.stdout:
            if b" probe " in line:
                break
        demo.send_signal(signal.SIGTERM)
        _, complaints = demo.communicate(timeout=30)

    assert demo.returncode == 1
    assert b"Traceback" not in complaints
    assert (tmp_path / "history.db").exists()
