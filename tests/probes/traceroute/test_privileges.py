"""What a process may trace with is what its traces are then made with."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from probes.traceroute import Permitted, TraceRequest, permitted, trace

PLAIN = Permitted(raw=False, unprivileged=frozenset({"icmp", "udp"}))


@pytest.mark.parametrize(
    ("granted", "method", "way"),
    [
        (Permitted(raw=True, unprivileged=frozenset()), "tcp", ("raw", "tcp")),
        (PLAIN, "tcp", ("unprivileged", "icmp")),
        (PLAIN, "udp", ("unprivileged", "udp")),
        (Permitted(raw=False, unprivileged=frozenset({"udp"})), "icmp", ("unprivileged", "udp")),
        (Permitted(raw=False, unprivileged=frozenset({"icmp"})), "udp", None),
    ],
)
def test_the_best_way_that_is_left(granted, method, way):
    """Raw whatever the method; else the first stand-in that the kernel grants."""
    assert granted.way(method) == way


@pytest.mark.parametrize("method", ["tcp", "icmp", "udp"])
def test_the_engine_goes_the_way_that_was_found(method):
    """Whoever runs this test."""
    way = permitted().way(method)
    if way is None:
        pytest.skip("no traceroute of any kind is permitted here")
    request = TraceRequest(address="127.0.0.1", method=method, max_hops=1, timeout_s=5.0)
    seen = asyncio.run(trace(request, vantage="here", target="loopback"))

    assert (seen.mode, seen.method) == way


def test_an_ordinary_user_has_no_raw_sockets():
    """The same question, asked by a process that gave up its privileges."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    code = (
        "import os\nfrom probes.traceroute import permitted\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\nprint(permitted().raw, permitted().way('udp'))"
    )
    repository = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=repository)

    assert done.stdout.split(maxsplit=1)[0] == "False"
    assert "'unprivileged', 'udp'" in done.stdout
