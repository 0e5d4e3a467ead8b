"""The user-space links: packets arrive unchanged and late by the delay, or not at all when the link loses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.demo.namespaces import private_command, why_impossible

pytestmark = pytest.mark.netns
HERE = Path(__file__).resolve().parent

# Two namespaces, one link; what is sent over it and back at three impairments.
_SCENE = """
import asyncio, json, socket, sys, time
import msgspec
from lab.wires import Wire, inside, tun_possible
from monitor.demo.children import Children, python
from monitor.demo.namespaces import batch, connect, run
from ipaddress import ip_address

ONE, OTHER = ip_address("198.18.0.1"), ip_address("198.18.0.2")

def there_and_back(near, far, payload):
    start = time.monotonic()
    near.sendto(payload, (str(OTHER), 5000))
    try:
        heard, source = far.recvfrom(4096)
        far.sendto(heard, source)
        back = near.recv(4096)
    except TimeoutError:
        return None
    return {"s": time.monotonic() - start, "same": heard == back == payload}

async def main():
    run("mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up")
    batch(["netns add wd-one", "netns add wd-other"])
    for space in ("wd-one", "wd-other"):  # whose own packets, to find neighbours, would be counted too
        run("[ ! -e /proc/sys/net/ipv6 ] || echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6", inside=space)
    if not tun_possible("wd-one"):
        print(json.dumps(None))
        return
    async with Children() as children:
        wires = await children.start("wires", python("lab.wires"), told=True)
        wire = Wire(name="a-b", device="wd0", one="wd-one", other="wd-other", delay_s=0.0)
        wires.tell(msgspec.json.encode([wire]).decode())
        await wires.ready(20)
        connect("wd-one", "wd0", ONE, OTHER)
        connect("wd-other", "wd0", OTHER, ONE)
        with inside("wd-one"):
            near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with inside("wd-other"):
            far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            far.bind((str(OTHER), 5000))
        for one in (near, far):
            one.settimeout(2.0)
        payload = bytes(range(256)) * 5
        quick = there_and_back(near, far, payload)
        counters = []
        async def impair(**fields):
            wires.tell(json.dumps({"name": "a-b", **fields}))
            counters.append(json.loads(await wires.ready(20)))
        await impair(delay_s=0.05)
        slow = there_and_back(near, far, payload)
        await impair(delay_s=0.0, loss=1.0)
        far.settimeout(0.3)
        dead = there_and_back(near, far, payload)
        await impair(delay_s=0.0)
        print(json.dumps({"quick": quick, "slow": slow, "dead": dead, "counters": counters}))
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def scene() -> dict[str, Any]:
    """What was measured."""
    because = why_impossible()
    if because is not None:
        pytest.skip(f"needs network namespaces: {because}")
    done = subprocess.run(
        [*private_command(), sys.executable, "-c", _SCENE],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    measured: dict[str, Any] | None = json.loads(done.stdout)
    if measured is None:
        pytest.skip("needs TUN devices, which are closed here")
    return measured


def test_packet_arrives_unchanged(scene: dict[str, Any]) -> None:
    """Every byte, both ways."""
    assert scene["quick"]["same"]
    assert scene["slow"]["same"]


def test_delay_counts_both_ways(scene: dict[str, Any]) -> None:
    """50 ms each way, beside the same link without."""
    assert scene["slow"]["s"] >= 0.1
    assert scene["slow"]["s"] - scene["quick"]["s"] > 0.08


def test_dead_link_carries_nothing_and_counts_it(scene: dict[str, Any]) -> None:
    """The counters tell what became of the packets: two of each of the first exchanges, one lost."""
    assert scene["dead"] is None
    assert [one["carried"] for one in scene["counters"]] == [2, 4, 4]
    assert [one["lost"] for one in scene["counters"]] == [0, 0, 1]
