"""The ordinary configuration files of the laboratory's monitor: one of the hub, one of each vantage. Pure text.

They differ from what a user writes in nothing but names and pace. A `Pace` compresses time: an hour of calm
and a night of trouble are minutes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import papers
from lab.frr import BMP_PORT
from lab.internet import HUB_ADDRESS, MANAGEMENT
from lab.papers import AUTHORITY_NAME, SERVICE_NAME
from lab.topology import AUTHORITY, SCRUBBER, SERVICE, Topology

from monitor.model.vantage_key import VantageKey

_HUB_PORT = 8443
TARGET, UPSTREAM = "check-in", "authority"
CONTROLS = tuple(name.partition(".")[0] for name in papers.CONTROLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between rounds, their time-out, and seconds between rounds while a target is boosted.

    `warm_rounds`: good HTTP rounds of each vantage before a scenario may begin.
    """

    interval_s: float
    timeout_s: float
    trace_s: float
    dns_s: float
    boost_s: float
    boost_for_s: float = 40.0
    warm_rounds: int = 8


PACES: Mapping[str, Pace] = {
    # For the everyday tests: all is always as fast as a boost would make it.
    "fast": Pace(interval_s=2, timeout_s=2, trace_s=4, dns_s=4, boost_s=1, boost_for_s=10),
    # A third of the shipped file's 30 s, so that a boost has something to do.
    "steady": Pace(interval_s=10, timeout_s=4, trace_s=20, dns_s=20, boost_s=2, warm_rounds=6),
    # The same without: a boost that is no faster than the ordinary rounds.
    "unboosted": Pace(interval_s=10, timeout_s=4, trace_s=20, dns_s=20, boost_s=60, warm_rounds=6),
}


def vantage_config(name: str, folder: Path) -> str:
    """The file of one vantage, whose key and spool are in `folder`; what it measures it learns from the hub."""
    return (
        f'[vantage]\nname = "{name}"\n'
        f'[hub]\nurl = "https://{HUB_ADDRESS}:{_HUB_PORT}/"\n'
        f'key_file = "{folder}/{name}.key"\nca_file = "{folder}/hub.pem"\n'
        f'[spool]\npath = "{folder}/{name}.db"\n'
    )


def hub_config(
    topology: Topology,
    pace: Pace,
    trusted: Path,
    folder: Path,
    *,
    keys: Mapping[str, VantageKey],
    ris_url: str,
    smtp_port: int,
    bmp: bool,
) -> str:
    """The file of the hub, in whose `folder` its certificate and tables are; `keys`: of the vantages, by name.

    `bmp`: a router of the service's own will connect.
    """
    vantages = "".join(
        f'[vantages.{name}]\nasn = {topology.hosts[name].asn}\nkeys = ["{keys[name]}"]\n'
        for name in topology.vantages
    )
    start = topology.hosts["root"].address
    listening = f'[[bgp]]\nsource = "bmp"\nlisten = "{HUB_ADDRESS}:{BMP_PORT}"\nfrom = ["{MANAGEMENT}"]\n'
    return (
        '[vantage]\nname = "hub"\n'
        + f'[hub]\nlisten = "{HUB_ADDRESS}:{_HUB_PORT}"\n'
        + f'certificate = "{folder}/hub.pem"\ncertificate_key = "{folder}/hub.key"\n'
        + _watched(topology, pace, trusted)
        + f'[dns]\nresolvers = ["system"]\nstart = ["{start}"]\ninterval = "{pace.dns_s:g}s"\ntimeout = "2s"\n'
        + f'[traceroute]\ninterval = "{pace.trace_s:g}s"\nmax_hops = 12\ntimeout = "2s"\n'
        + vantages
        + f'[history]\npath = "{folder}/whydown.db"\n'
        + f'[[bgp]]\nsource = "ris-live"\nurl = "{ris_url}"\n'
        + (listening if bmp else "")
        + f'[rpki]\nvrps = "{folder}/vrps.json"\n[prefix_to_as]\npath = "{folder}/prefix_to_as.txt"\n'
        + f'[as_relationships]\npath = "{folder}/relationships.txt"\n'
        + f'[boost]\ninterval = "{pace.boost_s:g}s"\nduration = "{pace.boost_for_s:g}s"\n'
        + f'[alert.mail]\nto = ["noc@example.net"]\nsmtp = "smtp://127.0.0.1:{smtp_port}"\n'
    )


def _watched(topology: Topology, pace: Pace, trusted: Path) -> str:
    service, authority = topology.networks[SERVICE], topology.networks[AUTHORITY]
    every = f'interval = "{pace.interval_s:g}s"\ntimeout = "{pace.timeout_s:g}s"\nca_file = "{trusted}"\n'
    controls = "".join(
        f'[[control]]\nname = "{name}"\nurl = "https://{host}/"\n{every}'
        for name, host in zip(CONTROLS, papers.CONTROLS, strict=True)
    )
    return (
        f'[[target]]\nname = "{TARGET}"\nurl = "https://{SERVICE_NAME}/"\n{every}depends_on = ["{UPSTREAM}"]\n'
        f'prefixes = ["{service.prefix}", "{service.prefix6}"]\norigins = [{SERVICE}]\n'
        f"allowed_origins = [{SCRUBBER}]\n"
        f'[[target]]\nname = "{UPSTREAM}"\nurl = "https://{AUTHORITY_NAME}/"\n{every}'
        f'prefixes = ["{authority.prefix}"]\norigins = [{AUTHORITY}]\n'
        f"{controls}"
    )
