"""Route facts as RIS Live's message objects, one a line (the format of contract 3.1's routes).

The inverse of `monitor.bgp.ris_live`, for export. RIS Live has no word for two things: a table's entry
(`rib`) becomes an announcement with the added field `"rib": true`, and a feed's own state and counts have no
message. A changed VRP is a line of its own kind (`monitor.bgp.vrp_line`). The ORIGIN attribute is not kept in
history, so the field `origin` is absent.
"""

from __future__ import annotations

import msgspec

from monitor.bgp.vrp_line import write_vrp_line
from monitor.model import FeedState, FeedTally, FileMark, PeerState, RouteEvent, RouteFact, RouteKind, VrpChange


def ris_line(fact: RouteFact) -> bytes | None:
    """One message without the line's end; None for a feed's state or counts."""
    if isinstance(fact, VrpChange):
        return write_vrp_line(fact)
    if isinstance(fact, FeedState | FeedTally | FileMark):
        return None
    message: dict[str, object] = {
        "type": "UPDATE" if isinstance(fact, RouteEvent) else "RIS_PEER_STATE",
        "timestamp": fact.at,
        "peer": fact.peer,
        "peer_asn": str(fact.peer_asn),
        "host": fact.collector,
    }
    if isinstance(fact, PeerState):
        message["state"] = "connected" if fact.up else "down"
    elif fact.kind is RouteKind.WITHDRAWAL:
        message["withdrawals"] = [str(fact.prefix)]
    else:
        segments = fact.path.segments if fact.path is not None else ()
        message["path"] = [sorted(part) if isinstance(part, frozenset) else part for part in segments]
        message["announcements"] = [{"next_hop": fact.next_hop, "prefixes": [str(fact.prefix)]}]
        if fact.kind is RouteKind.RIB:
            message["rib"] = True
    return msgspec.json.encode(message)
