"""Labelled hijacks of the real Internet are named from their recorded routes, with prefix and origin.

Nothing is declared: the rightful origins are learned from the routes of before. A type-1 hijack (forged
path) is recorded with the innocent origin that the hijacker put at its path's end.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from monitor.bgp.ris_live import decode
from monitor.config import parse_config
from monitor.diagnose import Engine, Knowledge
from monitor.model.asn import Asn
from monitor.model.incident import Incident
from monitor.model.prefix import parse_prefix
from monitor.model.route import AsPath, RouteEvent, RouteKind
from monitor.model.verdict import Cause

CASES = [
    ("pakistan_1", "208.65.152.0/22", "208.65.153.0/24", 17557),
    ("iran_3", "91.108.56.0/22", "91.108.58.0/24", 58224),
    ("bitcanal_hijack_1", "101.124.0.0/16", "101.124.128.0/18", 197426),
    ("backconnect_1", "172.81.128.0/21", "172.81.129.0/24", 203959),
    ("bitcanal_3", "115.116.0.0/16", "115.116.96.0/24", 18254),
    ("petersburg_1", "192.135.32.0/23", "192.135.33.0/24", 198596),
    ("sprint_1", "95.128.184.0/22", "95.128.184.0/22", 1239),
    ("windstream_1", "61.174.51.0/24", "61.174.51.0/24", 7029),
    ("typo_pfx_137931", "168.121.237.0/24", "168.121.237.0/24", 264238),
]


def as_ris_live(row: dict) -> bytes:
    """A recorded row as RIS Live would have sent it."""
    path = [
        int(word) if word.isdigit() else [int(n) for n in word.strip("{}").split(",")]
        for word in row["as_path"].split()
    ]
    message = {
        "type": "UPDATE", "timestamp": row["ts"], "peer": row["peer_ip"], "host": row["collector"],
        "peer_asn": str(path[0]) if path and isinstance(path[0], int) else "0", "path": path,
        "announcements": [] if row["type"] == "W" else [{"next_hop": row["peer_ip"], "prefixes": [row["prefix"]]}],
        "withdrawals": [row["prefix"]] if row["type"] == "W" else [],
    }  # fmt: skip
    return json.dumps(message).encode()


def incidents_of(file: Path, watched: str) -> list[Incident]:
    """What the engine makes of the routes of one labelled file."""
    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()[1:]]
    config = parse_config(f'[[target]]\nname = "t"\nurl = "https://t.example/"\nprefixes = ["{watched}"]\n', None)
    engine = Engine(Knowledge.from_config(config))
    changes = []
    for row in sorted(rows, key=lambda row: row["ts"]):
        changes += engine.feed(decode(as_ris_live(row)))
    changes += engine.advance(max(row["ts"] for row in rows) + 60)
    return list({change.incident.id: change.incident for change in changes}.values())


@pytest.mark.parametrize(("name", "watched", "taken", "origin"), CASES, ids=[case[0] for case in CASES])
def test_labelled_hijack_is_named(shared_data: Path, name: str, watched: str, taken: str, origin: int) -> None:
    """One incident: suspected, for no packet was measured, with the right prefix and origin."""
    (incident,) = incidents_of(shared_data / "hijack-paths" / f"{name}.jsonl.gz", watched)

    assert (incident.cause, incident.suspected, incident.affected) == (Cause.ROUTE_HIJACK, True, ())
    assert (incident.detail.prefix, incident.detail.origin) == (taken, origin)
    assert incident.detail.kind == ("origin" if watched == taken else "subprefix")


def test_hijacker_that_forges_the_path_at_last_is_told_on(shared_data: Path) -> None:
    """AS203959 took the /24 in its own name first, then as `203959 1229 3257 25761`, which AS3257 never had.

    That the first forged network is blamed, and not who stands before it, is what a feed alone can tell.
    """
    (incident,) = incidents_of(shared_data / "hijack-paths" / "backconnect_3.jsonl.gz", "72.20.0.0/19")

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, True)
    assert (incident.detail.prefix, incident.detail.kind, incident.detail.offender) == (
        "72.20.0.0/24",
        "path",
        1229,
    )
    told = [evidence.text for evidence in incident.evidence]
    assert any(text.startswith("72.20.0.0/24 is announced by AS203959") for text in told)
    assert any("as if it came from AS3257, which does not have it" in text for text in told)


def test_carrier_of_the_covering_block_has_no_right_to_the_part() -> None:
    """The old holder still announces the /16 around: its more-specific is unusual all the same (Kakao 2022)."""
    config = parse_config(
        '[[target]]\nname = "t"\nurl = "https://t.example/"\nprefixes = ["211.249.216.0/21"]\n', None
    )
    engine = Engine(Knowledge.from_config(config))

    def route(at: float, kind: RouteKind, prefix: str, path: str, peer: str = "198.18.0.1") -> RouteEvent:
        return RouteEvent(
            at=at, kind=kind, prefix=parse_prefix(prefix), peer=peer, peer_asn=Asn(1), collector="rrc00",
            path=AsPath.parse(path),
        )  # fmt: skip

    engine.warm_up(
        [
            route(0, RouteKind.RIB, "211.249.0.0/16", "3356 9457"),
            route(0, RouteKind.RIB, "211.249.216.0/21", "3356 15412 10158 7625"),
        ]
    )
    engine.feed([route(1000, RouteKind.ANNOUNCEMENT, "211.249.221.0/24", "3356 6461 9457")])
    changes = engine.advance(1100)

    assert [(c.incident.cause, c.incident.detail.origin) for c in changes] == [(Cause.ROUTE_HIJACK, 9457)]
