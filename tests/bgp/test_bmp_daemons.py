"""Real routers under BMP: FRR's, GoBGP's and BIRD's sessions come to the same facts, in their order.

Debian 12's BIRD 2.0.12 has no BMP in its sources yet; $WHYDOWN_BIRD names a newer one, such as 2.19. What that one
sent is kept in captures/ and read by test_bmp.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).with_name("bmp_lab.py")
_SPEC = importlib.util.spec_from_file_location("bmp_lab", LAB)
bmp_lab = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(bmp_lab)
WORDS = {"feed", "peer", "announcement", "withdrawal"}
BIRD = os.environ.get("WHYDOWN_BIRD", "bird")
PRIVATE = ("--net", "--mount", "--pid", "--fork", "--kill-child")
ENTER = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), *PRIVATE)


@pytest.mark.slow
@pytest.mark.netns
@pytest.mark.parametrize(("router", "daemon"), [("frr", "/usr/lib/frr/bgpd"), ("gobgp", "gobgpd"), ("bird", BIRD)])
def test_what_a_neighbour_does_becomes_facts(tmp_path, repository, router, daemon):
    """It announces, replaces, withdraws and goes; then the router goes. Nothing is said twice, or of itself."""
    if shutil.which(daemon) is None or shutil.which("gobgpd") is None:
        pytest.skip(f"needs {daemon} and gobgpd")
    if router == "bird" and not _knows_bmp(tmp_path):
        pytest.skip("this BIRD has no BMP; $WHYDOWN_BIRD names one that has")
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


@pytest.mark.parametrize("router", ["FRR", "GoBGP", "BIRD"])
def test_the_lines_in_the_readme_are_those_that_were_run(repository, router):
    """Each line that it tells to write into the router's configuration stands in the laboratory's."""
    text = (repository / "README.md").read_text(encoding="utf-8").partition("### Your own routers")[2]
    block = text.partition(f"{router}, ")[2].partition("```\n")[2].partition("```")[0]
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    run = {"FRR": bmp_lab.FRR, "GoBGP": bmp_lab.GOBGP_ROUTER, "BIRD": bmp_lab.BIRD}[router]

    assert len(lines) >= 3
    assert [line for line in lines if line not in {one.strip() for one in run.splitlines()}] == []


def _knows_bmp(folder: Path) -> bool:
    """Whether BIRD takes a configuration with BMP."""
    config = folder / "bmp.conf"
    config.write_text(
        "router id 198.51.100.1;\nprotocol device {}\nprotocol bmp { station address ip 198.51.100.3 port 1; }\n"
    )
    return subprocess.run([BIRD, "-p", "-c", config], capture_output=True).returncode == 0
