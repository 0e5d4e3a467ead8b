"""A table of ten peers on a usual prefix, and messages to change it."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.bgp.episodes import Declared, Episode, EpisodeChange, Relationships, RouteDetector
from monitor.bgp.rpki import VrpTable
from monitor.model import Asn, AsPath, PeerState, RouteEvent, RouteKind, parse_address, parse_prefix

USUAL = "203.0.112.0/22"
ADDRESS = "203.0.113.10"
OWNER = Asn(3333)
START = 1_700_000_000.0
PEERS = 10
TRANSITS = (1103, 2914)
"""The usual neighbours of the owner."""


@dataclass
class Scene:
    """A detector that took in a dump: ten peers of two collectors with the usual prefix over two transits."""

    vrps: bytes | None = None
    relations: tuple[str, ...] = ()
    declared: Declared = field(default_factory=Declared)
    usual: str = USUAL
    dump: bool = True
    at: float = START
    changes: list[EpisodeChange] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Watch the address and take in the table."""
        self.detector = RouteDetector(
            vrps=VrpTable.from_json(self.vrps) if self.vrps is not None else None,
            relationships=Relationships.parse(self.relations),
        )
        if self.dump:
            for peer in range(PEERS):
                self.announce(self.way(peer), peer, self.usual, kind=RouteKind.RIB)
        self.detector.watch_address("shop", parse_address(ADDRESS), declared=self.declared)
        self.wait(10)

    def way(self, peer: int, *tail: int) -> str:
        """A path of a peer; `tail` replaces the transit and the owner."""
        return " ".join(map(str, (60000 + peer, *(tail or (TRANSITS[peer % 2], OWNER)))))

    def announce(
        self, path: str | None, peer: int = 0, prefix: str = USUAL, kind: RouteKind = RouteKind.ANNOUNCEMENT
    ) -> None:
        """One message; `path` None withdraws."""
        self.changes += self.detector.apply(
            RouteEvent(
                at=self.at, kind=kind if path is not None else RouteKind.WITHDRAWAL, prefix=parse_prefix(prefix),
                peer=f"198.51.100.{peer}", peer_asn=Asn(60000 + peer), collector=f"rrc0{peer % 2}",
                path=AsPath.parse(path) if path is not None else None,
            )
        )  # fmt: skip

    def session(self, peer: int, *, up: bool) -> None:
        """A peer's session with its collector."""
        state = PeerState(
            at=self.at, collector=f"rrc0{peer % 2}", peer=f"198.51.100.{peer}", peer_asn=Asn(60000 + peer), up=up
        )
        self.changes += self.detector.apply(state)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds
        self.changes += self.detector.settle(self.at)

    def episodes(self) -> list[Episode]:
        """What is remembered."""
        return self.detector.episodes("shop")

    def kinds(self) -> list[str]:
        """The kinds of what is remembered."""
        return [episode.kind.value for episode in self.episodes()]
