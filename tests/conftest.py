"""What several test packages need: the folder of shared real data where there is one, how examples are drawn."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, and no judgement of how long they take: that is the machine's doing.
settings.register_profile("whydown", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("whydown")

# The programs that tests start are compiled once, not a hundred times, also where Python was told to keep nothing.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real captures, `$WHYDOWN_SHARED_DATA` or `../shared/data`; tests are skipped without it."""
    folder = Path(os.environ.get("WHYDOWN_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; WHYDOWN_SHARED_DATA names the folder")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's top folder."""
    return REPOSITORY


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Callable[[str], str]:
    """Runs a program with a file system of 3 MiB in memory mounted at `tmp_path`, and returns what it prints.

    The mount is in a namespace of the program's own; `sys.argv[1]` names the folder. Skipped where nobody may
    mount.
    """
    as_root = ("unshare", "--mount", "--map-root-user", "--user", "sh", "-c")
    mount = f"mount -t tmpfs -o size=3m none {tmp_path}"
    try:
        trial = subprocess.run([*as_root, mount], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if trial.returncode != 0:
        pytest.skip("mounting needs root or a user namespace")

    def run(program: str) -> str:
        python = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
        command = [*as_root, f'{mount} && exec "$@"', "sh", *python]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
