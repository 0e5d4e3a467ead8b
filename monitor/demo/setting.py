"""What the demo's monitor is told, and the same words for its vantages: targets and controls. Pure values.

The names are of the `.example` domain (RFC 2606); nothing is resolved, the vantages are given the addresses.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.demo.topology import Role, Topology
from monitor.model.target import Control, Target, Vantage
from probes.expectation import Expect

TARGET = "check-in"
CONTROL = "control"
SERVICE_NAME = "check-in.example"
CONTROL_NAME = "control.example"
INTERVAL_S = 1.0
TRACE_INTERVAL_S = 3.0
# Longer than the queue makes anybody wait (0.8 s), far shorter than an act of the story.
TIMEOUT_S = 4.0
EXPECT = Expect(status=(200,))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a site is reached, and the URL that names it."""

    url: str
    address: str
    port: int


def endpoint(name: str, path: str, address: str, port: int) -> Endpoint:
    """The endpoint of `name` at `address`; the port stands in the URL unless it is 443."""
    place = name if port == 443 else f"{name}:{port}"
    return Endpoint(f"https://{place}{path}", address, port)


def target(site: Endpoint, topology: Topology, ca_file: str) -> Target:
    """The watched target, with its declared prefix and origin."""
    return Target(
        name=TARGET,
        url=site.url,
        interval_s=INTERVAL_S,
        timeout_s=TIMEOUT_S,
        expect=EXPECT,
        ca_file=ca_file,
        prefixes=(topology.service_prefix,),
        origins=frozenset({topology.only(Role.SERVICE).asn}),
    )


def control(site: Endpoint, ca_file: str) -> Control:
    """The healthy site that tells a sick vantage from a sick target."""
    return Control(name=CONTROL, url=site.url, interval_s=INTERVAL_S, timeout_s=TIMEOUT_S, ca_file=ca_file)


def vantages(topology: Topology) -> tuple[Vantage, ...]:
    """The vantages with their AS numbers."""
    return tuple(
        Vantage(name=network.host, asn=network.asn)
        for network in topology.of_role(Role.VANTAGE)
        if network.host is not None
    )
