"""What one router says over one BMP session, as route facts: remembers its peers and how to read their UPDATEs.

Of a peer's views one is followed: what it sends (pre-policy) if the router shows it, else what the router keeps
of that (post-policy). FRR that does not keep what peers send tells of withdrawals alone before its policy, so a
view counts from its first announcement. The router's own table (Loc-RIB) is a peer of its own, under its BGP
identifier. What the router sends to others (Adj-RIB-Out) and the tables of VPNs say nothing of where its
traffic goes on the Internet; they are counted and passed over.

- Facts have the time at which their message came: FRR keeps the stamp of a route that is replaced, GoBGP
  stamps Peer Up with the time at which we connected.
- All routes are announcements, the first dump's too. As entries of a table they would count as what was
  there before anything happened, and a hijack from the time without a session would be learned as usual.
- FRR 8.4 puts its own AS number in front of the pre-policy path of an external peer. Such a route would be a
  loop, which no router accepts, so the number is taken off.
- Of several paths of one peer (ADD-PATH) the last one counts, and the withdrawal of any is one of all.

Pure, and told the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from monitor.bgp.bgp_update import NO_FAMILY, Families, Update, UpdateError, decode_message
from monitor.bgp.bmp import (
    BmpError,
    BmpMessage,
    Peer,
    PeerDown,
    PeerUp,
    RouteMonitoring,
    View,
    decode,
)
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.model import Asn, AsPath, PeerState, RouteFact

MAX_PEERS = 10_000
"""More than the largest route servers have; each costs some hundred bytes."""

_GLOBAL_TABLE = bytes(8)
_KEPT_MESSAGES = 16
_KEPT_BYTES = 256


@dataclass(slots=True)
class RouterCounts:
    """Messages `received`; `bad`, with the first few and why; routes of views that are `passed_over`;
    `elements`: prefixes, watched or not."""

    received: int = 0
    bad: int = 0
    passed_over: int = 0
    elements: int = 0
    bad_messages: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Session:
    """The router's session with one peer. `own_asn` is the router's; `add_path`: see `decode_update`."""

    own_asn: Asn
    add_path: Families


class BmpRouter:
    """Takes the messages of one BMP session in order. `collector` names the router in the facts."""

    def __init__(self, collector: str, wanted: PrefixFilter | None = None) -> None:
        self.collector = collector
        self.wanted = wanted
        """Which prefixes matter; may be replaced at any time."""
        self.counts = RouterCounts()
        self._sessions: dict[tuple[bool, str], _Session] = {}
        self._up: dict[tuple[bool, str], Asn] = {}
        self._followed: dict[str, View] = {}

    def take(self, data: bytes, at: float) -> tuple[BmpMessage | None, list[RouteFact]]:
        """One whole message, which came at `at` (Unix seconds): what it is (None: malformed), and its facts."""
        self.counts.received += 1
        try:
            message = decode(data)
            return message, self._facts(message, at)
        except (BmpError, UpdateError) as error:
            self.counts.bad += 1
            if len(self.counts.bad_messages) < _KEPT_MESSAGES:
                self.counts.bad_messages.append((str(error), data[:_KEPT_BYTES]))
            return None, []

    def end(self, at: float) -> list[RouteFact]:
        """The BMP session is over: from now on nothing is known of any peer."""
        facts: list[RouteFact] = [
            self._state(address, asn, at, up=False) for (_, address), asn in self._up.items()
        ]
        self._up.clear()
        return facts

    def _facts(self, message: BmpMessage, at: float) -> list[RouteFact]:
        if not isinstance(message, RouteMonitoring | PeerUp | PeerDown):
            return []
        peer = message.peer
        if peer.distinguisher != _GLOBAL_TABLE or peer.view is View.ADJ_RIB_OUT:
            self.counts.passed_over += isinstance(message, RouteMonitoring)
            return []
        if isinstance(message, RouteMonitoring):
            return self._routes(message, at)
        return [*(self._peer_up(message, at) if isinstance(message, PeerUp) else self._peer_down(peer, at))]

    def _peer_up(self, message: PeerUp, at: float) -> Iterator[PeerState]:
        peer, key = message.peer, _key(message.peer)
        if len(self._up) >= MAX_PEERS and key not in self._up:
            raise BmpError(f"more than {MAX_PEERS} peers")
        self._sessions[key] = _Session(message.sent.asn, message.received.sends & message.sent.receives)
        # A router may say it for each view of the same session; a new session is announced by Peer Down before.
        if key not in self._up:
            self._up[key] = peer.asn
            yield self._state(peer.address, peer.asn, at, up=True)

    def _peer_down(self, peer: Peer, at: float) -> Iterator[PeerState]:
        key = _key(peer)
        self._sessions.pop(key, None)
        self._followed.pop(peer.address, None)
        asn = self._up.pop(key, None)
        if asn is not None:
            yield self._state(peer.address, asn, at, up=False)

    def _routes(self, message: RouteMonitoring, at: float) -> list[RouteFact]:
        peer = message.peer
        session = self._sessions.get(_key(peer))
        update = decode_message(
            message.message,
            asn_size=peer.asn_size,
            add_path=session.add_path if session else NO_FAMILY,
            wanted=self.wanted,
        )
        if update is None:
            return []
        if not self._is_followed(peer, update):
            self.counts.passed_over += 1
            return []
        self.counts.elements += update.elements
        if session and peer.view is not View.LOC_RIB:
            update = _without_own_asn(update, session.own_asn, peer.asn)
        return [*update.events(at=at, peer=peer.address, peer_asn=peer.asn, collector=self.collector)]

    def _is_followed(self, peer: Peer, update: Update) -> bool:
        """Whether this view of the peer counts: the first that announces something, the one before policy best."""
        if peer.view is View.LOC_RIB:
            return True
        followed = self._followed.get(peer.address, peer.view)
        if followed is not peer.view and not (peer.view is View.PRE_POLICY and update.announced):
            return False
        if update.announced and (peer.address in self._followed or len(self._followed) < MAX_PEERS):
            self._followed[peer.address] = peer.view
        return True

    def _state(self, address: str, asn: Asn, at: float, *, up: bool) -> PeerState:
        return PeerState(at=at, collector=self.collector, peer=address, peer_asn=asn, up=up)


def _key(peer: Peer) -> tuple[bool, str]:
    """Tells the router's own table from a peer with the same address."""
    return peer.view is View.LOC_RIB, peer.address


def _without_own_asn(update: Update, own: Asn, peer: Asn) -> Update:
    path = update.path
    if path is None or own == peer or path.segments[:1] != (own,):
        return update
    return replace(update, path=AsPath(path.segments[1:]))
