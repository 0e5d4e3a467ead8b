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


def vantage_config(topology: Topology, name: str, pace: Pace, trusted: Path) -> str:
    """The file of one vantage."""
    start = topology.hosts["root"].address
    return (
        f'[vantage]\nname = "{name}"\n'
        + _watched(topology, pace, trusted)
        + f'[dns]\nresolvers = ["system"]\nstart = ["{start}"]\ninterval = "{pace.dns_s:g}s"\ntimeout = "2s"\n'
        + f'[traceroute]\ninterval = "{pace.trace_s:g}s"\nmax_hops = 12\ntimeout = "2s"\n'
        + _boost(pace)
    )


def hub_config(
    topology: Topology, pace: Pace, trusted: Path, *, ris_url: str, smtp_port: int, tables: Path, bmp: bool
) -> str:
    """The file of the hub. `tables`: the folder with prefix_to_as.txt, vrps.json and relationships.txt.

    `bmp`: a router of the service's own will connect.
    """
    listening = f'[[bgp]]\nsource = "bmp"\nlisten = "{HUB_ADDRESS}:{BMP_PORT}"\nfrom = ["{MANAGEMENT}"]\n'
    vantages = "".join(f"[vantages.{name}]\nasn = {topology.hosts[name].asn}\n" for name in topology.vantages)
    return (
        '[vantage]\nname = "hub"\n'
        + _watched(topology, pace, trusted)
        + vantages
        + f'[history]\npath = "{tables}/whydown.db"\n'
        + f'[[bgp]]\nsource = "ris-live"\nurl = "{ris_url}"\n'
        + (listening if bmp else "")
        + f'[rpki]\nvrps = "{tables}/vrps.json"\n[prefix_to_as]\npath = "{tables}/prefix_to_as.txt"\n'
        + f'[as_relationships]\npath = "{tables}/relationships.txt"\n'
        + _boost(pace)
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


def _boost(pace: Pace) -> str:
    return f'[boost]\ninterval = "{pace.boost_s:g}s"\nduration = "{pace.boost_for_s:g}s"\n'
