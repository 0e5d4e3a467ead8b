"""A router under BMP and a neighbour of it, in the network namespace that this process was started in.

`python bmp_lab.py frr|gobgp|bird FOLDER [FILE]`: the neighbour, AS64500, announces 203.0.113.0/24 by one
path, by another, and withdraws it, goes, and so does the router, AS64999. What our listener hears is printed, one
line a fact. Each step waits for what the one before it must bring. What the router sends is kept in FILE, if any.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from monitor.bgp.sources import BmpSource
from monitor.model import FeedState, PeerState, RouteEvent, RouteFact, parse_prefix
from monitor.model.settings import BgpSource, BgpSourceKind

ROUTER, NEIGHBOUR, LISTENER = "198.51.100.1", "198.51.100.2", "198.51.100.3"
PREFIX = "203.0.113.0/24"
PATIENCE_S = 60.0

FRR = f"""
router bgp 64999
 bgp router-id {ROUTER}
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor {NEIGHBOUR} remote-as 64500
 neighbor {NEIGHBOUR} ebgp-multihop
 neighbor {NEIGHBOUR} update-source {ROUTER}
 neighbor {NEIGHBOUR} timers connect 1
 address-family ipv4 unicast
  neighbor {NEIGHBOUR} soft-reconfiguration inbound
 exit-address-family
 bmp targets whydown
  bmp connect {LISTENER} port 11019 min-retry 100 max-retry 1000
  bmp monitor ipv4 unicast pre-policy
 exit
"""
BIRD = f"""
router id {ROUTER};
protocol device {{ }}
protocol bgp neighbour {{
  local {ROUTER} as 64999;
  neighbor {NEIGHBOUR} as 64500;
  strict bind;
  multihop;
  connect retry time 1;
  connect delay time 1;
  error wait time 1, 2;
  ipv4 {{ import table on; import all; export none; }};
}}
protocol bmp {{
  station address ip {LISTENER} port 11019;
  system name "bird-router";
  system description "BIRD under test";
  monitoring rib in pre_policy;
}}
"""
_GOBGP = """
[global.config]
  as = {asn}
  router-id = "{address}"
  local-address-list = ["{address}"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{other}"
    peer-as = {peer}
  [neighbors.transport.config]
    local-address = "{address}"
    passive-mode = {passive}
  [neighbors.ebgp-multihop.config]
    enabled = true
    multihop-ttl = 4
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
"""
GOBGP_ROUTER = (
    _GOBGP.format(asn=64999, address=ROUTER, other=NEIGHBOUR, peer=64500, passive="false")
    + f"""
[[bmp-servers]]
  [bmp-servers.config]
    address = "{LISTENER}"
    port = 11019
    route-monitoring-policy = "pre-policy"
"""
)
GOBGP_NEIGHBOUR = _GOBGP.format(asn=64500, address=NEIGHBOUR, other=ROUTER, peer=64999, passive="true")


class Lab:
    """The two daemons and our listener."""

    def __init__(self, router: str, folder: Path, kept: Path | None) -> None:
        self._router = router
        self._folder = folder
        self._kept = kept
        self._more = asyncio.Condition()
        self._facts: list[RouteFact] = []

    async def take(self, facts: Sequence[RouteFact]) -> None:
        """Print what is heard."""
        async with self._more:
            self._facts += facts
            self._more.notify_all()
        for fact in facts:
            if isinstance(fact, FeedState):
                print("feed", fact.source, fact.live, flush=True)
            elif isinstance(fact, PeerState):
                print("peer", fact.peer, fact.peer_asn, fact.up, flush=True)
            elif isinstance(fact, RouteEvent):
                print(fact.kind, fact.prefix, fact.peer, fact.peer_asn, fact.path, fact.next_hop, flush=True)

    async def run(self) -> None:
        """All steps."""
        source = BmpSource(
            BgpSource(
                kind=BgpSourceKind.BMP,
                name="bmp",
                listen=f"{LISTENER}:{11019 if self._kept is None else 11020}",
                senders=(parse_prefix("198.51.100.0/24"),),
            )
        )
        listening = asyncio.create_task(source.run(self.take))
        await source.listening.wait()
        if self._kept is not None:
            await asyncio.start_server(self._relay, LISTENER, 11019)
        router, neighbour = self._start_router(), self._start_gobgp("neighbour", NEIGHBOUR, GOBGP_NEIGHBOUR)
        await self._until(lambda fact: isinstance(fact, PeerState) and fact.up)
        self._announce("64510")
        await self._until(lambda fact: isinstance(fact, RouteEvent) and str(fact.path) == "64500 64510")
        self._announce("64511 64512")
        await self._until(lambda fact: isinstance(fact, RouteEvent) and str(fact.path) == "64500 64511 64512")
        self._gobgp("del", PREFIX)
        await self._until(lambda fact: isinstance(fact, RouteEvent) and fact.path is None)
        neighbour.terminate()
        await self._until(lambda fact: isinstance(fact, PeerState) and not fact.up)
        router.kill()
        await self._until(lambda fact: isinstance(fact, FeedState) and not fact.live)
        listening.cancel()

    async def _relay(self, router: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        """Pass on what the router sends, and keep it."""
        _, listener = await asyncio.open_connection(LISTENER, 11020)
        with self._kept.open("wb") as file:
            while data := await router.read(65536):
                file.write(data)
                listener.write(data)
        listener.close()

    async def _until(self, holds) -> None:
        async with asyncio.timeout(PATIENCE_S), self._more:
            await self._more.wait_for(lambda: any(holds(fact) for fact in self._facts))

    def _start_router(self) -> subprocess.Popen[bytes]:
        if self._router == "gobgp":
            return self._start_gobgp("router", ROUTER, GOBGP_ROUTER)
        if self._router == "bird":
            config = self._folder / "bird.conf"
            config.write_text(BIRD)
            command = [os.environ.get("WHYDOWN_BIRD", "bird"), "-f", "-c", config]
            command += ["-s", self._folder / "bird.ctl", "-P", self._folder / "bird.pid"]
            return subprocess.Popen(command, stdout=sys.stderr)
        config = self._folder / "bgpd.conf"
        config.write_text(FRR)
        command = ["/usr/lib/frr/bgpd", "-S", "-Z", "-M", "bmp", "-l", ROUTER, "-f", config]
        command += ["-i", self._folder / "bgpd.pid", "--vty_socket", self._folder, "-P", "0"]
        return subprocess.Popen(command, stdout=sys.stderr)

    def _start_gobgp(self, name: str, address: str, text: str) -> subprocess.Popen[bytes]:
        config = self._folder / f"{name}.toml"
        config.write_text(text)
        return subprocess.Popen(["gobgpd", "-f", config, "--api-hosts", f"{address}:50051"], stdout=sys.stderr)

    def _announce(self, path: str) -> None:
        self._gobgp("add", PREFIX, "aspath", path.replace(" ", ","))

    def _gobgp(self, *words: str) -> None:
        command = ["gobgp", "-u", NEIGHBOUR, "-p", "50051", "global", "rib", *words, "-a", "ipv4"]
        subprocess.run(command, check=True, stdout=sys.stderr)


def main() -> None:
    """Bring the namespace's addresses up, then run the lab."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (ROUTER, NEIGHBOUR, LISTENER):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    asyncio.run(Lab(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3:] else None).run())


if __name__ == "__main__":
    main()
