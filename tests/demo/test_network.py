"""The demo's namespaces: built and gone, routed as the topology says, and really diverted."""

from __future__ import annotations

import ipaddress
import json
import shutil
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from monitor.demo.namespaces import private_command, why_impossible
from monitor.demo.recorded_traces import RecordedTraces
from monitor.demo.topology import Role, demo_topology

pytestmark = pytest.mark.netns

# Runs inside the private namespaces: probes and traces from every vantage in peace, in the hijack, and after it.
_SCENE = """
import asyncio, dataclasses, json, sys, tempfile
from pathlib import Path
from monitor.demo import namespace_stage, setting, topology
from monitor.demo.certificates import issue
from monitor.demo.children import Children
from probes.observation import HttpObservation, NotMeasured, TraceObservation, decode

everybody = "--nobody-filters" in sys.argv
async def see(stage, children, network):
    child = await stage.start_vantage(network, 0.0)
    http = trace = None
    async for line in child.lines():
        seen = decode(line)
        if isinstance(seen, HttpObservation) and seen.target == setting.TARGET:
            http = http or seen
        elif isinstance(seen, TraceObservation):
            trace = trace or seen
        if http and trace:
            await child.stop()
            return {"vantage": seen.vantage, "status": http.status, "key": http.spki_sha256, "mode": trace.mode,
                    "reached": trace.reached, "hops": [hop.address for hop in trace.hops]}

async def main():
    folder = Path(tempfile.mkdtemp())
    if everybody:
        whole = topology.demo_topology()
        namespace_stage.demo_topology = lambda: dataclasses.replace(whole, filtering=frozenset())
    papers = issue(folder, name=setting.SERVICE_NAME, control_name=setting.CONTROL_NAME)
    async with Children() as children:
        stage = namespace_stage.NamespaceStage(children, papers)
        await stage.open()
        vantages = stage.topology.of_role(topology.Role.VANTAGE)
        async def round():
            return await asyncio.gather(*(see(stage, children, network) for network in vantages))
        calm = await round()
        await stage.divert()
        hijack = await round()
        await stage.restore()
        print(json.dumps({"calm": calm, "hijack": hijack, "after": await round()}))
asyncio.run(main())
"""


@cache
def _namespaces_impossible() -> str | None:
    return why_impossible()


def _play(*arguments: str) -> dict[str, dict[str, Any]]:
    because = _namespaces_impossible()
    if because is not None:
        pytest.skip(f"needs network namespaces: {because}")
    done = subprocess.run(
        [*private_command(), sys.executable, "-c", _SCENE, *arguments],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return {act: {seen["vantage"]: seen for seen in rows} for act, rows in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def scene() -> dict[str, dict[str, Any]]:
    """What each vantage saw in peace, in the hijack and after it."""
    return _play()


def test_in_peace_every_vantage_gets_the_service_with_one_key(scene: dict[str, dict[str, Any]]) -> None:
    """Four vantages, 200, the same key, raw traceroutes that reach."""
    rows = scene["calm"].values()

    assert {row["vantage"] for row in rows} == {"seoul-1", "frankfurt-1", "virginia-1", "saopaulo-1"}
    assert {row["status"] for row in rows} == {200}
    assert len({row["key"] for row in rows}) == 1
    assert all(row["reached"] and row["mode"] == "raw" for row in rows)


def test_the_diversion_really_diverts_those_who_believe_it(scene: dict[str, dict[str, Any]]) -> None:
    """Status and key change for three vantages, and nothing for the one behind the filtering network."""
    key = scene["calm"]["seoul-1"]["key"]
    seen = {name: (row["status"], row["key"] == key) for name, row in scene["hijack"].items()}

    diverted = dict.fromkeys(("seoul-1", "frankfurt-1", "virginia-1"), (500, False))
    assert seen == {**diverted, "saopaulo-1": (200, True)}


def test_traceroutes_go_by_the_networks_that_bgp_names(scene: dict[str, dict[str, Any]]) -> None:
    """In both states, the hops' networks are exactly the path in the topology, and the host answers at the end."""
    topology = demo_topology()
    host = str(topology.service_address)
    for act, paths in (("calm", topology.genuine_paths()), ("hijack", topology.hijacked_paths())):
        for network in topology.of_role(Role.VANTAGE):
            expected = paths.get(network.asn, topology.genuine_paths()[network.asn])
            hops = scene[act][network.host or ""]["hops"]

            assert tuple(_network_of(hop) for hop in hops[:-1]) == expected
            assert hops[-1] == host


def test_after_the_withdrawal_all_is_as_before(scene: dict[str, dict[str, Any]]) -> None:
    """Same answers, same key, same hops as in peace."""
    for name, row in scene["after"].items():
        before = scene["calm"][name]
        assert (row["status"], row["key"], row["hops"]) == (before["status"], before["key"], before["hops"])


def test_nothing_of_it_is_left_in_this_namespace(scene: dict[str, dict[str, Any]]) -> None:
    """The namespaces were private: none of the demo's shows outside."""
    assert scene
    shown = subprocess.run([shutil.which("ip") or "ip", "netns"], capture_output=True, check=True)

    assert b"wd-as" not in shown.stdout


@pytest.mark.slow
def test_the_recording_is_what_the_namespaces_give() -> None:
    """The replayed traceroutes have the hops that are measured when nobody filters."""
    recorded = RecordedTraces.load()
    for act, rows in _play("--nobody-filters").items():
        for name, row in rows.items():
            trace = recorded.at(1.0, name, diverted=act == "hijack", port=443)
            hops = [hop.address for hop in trace.hops]

            assert hops == [f"127{address.removeprefix('198')}" for address in row["hops"]]


def _network_of(address: str) -> int:
    topology = demo_topology()
    return next(asn for prefix, asn in topology.origins().items() if ipaddress.ip_address(address) in prefix)
