"""Real routers under BMP: FRR's and GoBGP's sessions come to the same facts, in the order of what happened.

Debian's BIRD 2.0 is built without BMP, so it has no place here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).with_name("bmp_lab.py")
WORDS = {"feed", "peer", "announcement", "withdrawal"}
PRIVATE = ("--net", "--mount", "--pid", "--fork", "--kill-child")
ENTER = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), *PRIVATE)


@pytest.mark.slow
@pytest.mark.netns
@pytest.mark.parametrize(("router", "daemon"), [("frr", "/usr/lib/frr/bgpd"), ("gobgp", "gobgpd")])
def test_what_a_neighbour_does_becomes_facts(tmp_path, repository, router, daemon):
    """It announces, replaces, withdraws and goes; then the router goes. Nothing is said twice, or of itself."""
    if shutil.which(daemon) is None or shutil.which("gobgpd") is None:
        pytest.skip(f"needs {daemon} and gobgpd")
    if subprocess.run([*ENTER, "true"], capture_output=True).returncode:
        pytest.skip("needs a network namespace")
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [*ENTER, sys.executable, LAB, router, tmp_path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    told = [line for line in done.stdout.splitlines() if line.split(" ")[0] in WORDS]

    assert done.returncode == 0, done.stderr[-3000:]
    # FRR gives the machine's name.
    name = told[1].split(" ")[1].removeprefix("bmp/")
    assert told == [
        "feed bmp True",
        f"feed bmp/{name} True",
        "peer 198.51.100.2 64500 True",
        "announcement 203.0.113.0/24 198.51.100.2 64500 64500 64510 198.51.100.2",
        "announcement 203.0.113.0/24 198.51.100.2 64500 64500 64511 64512 198.51.100.2",
        "withdrawal 203.0.113.0/24 198.51.100.2 64500 None None",
        "peer 198.51.100.2 64500 False",
        f"feed bmp/{name} False",
        "feed bmp False",
    ]
