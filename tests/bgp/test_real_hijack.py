"""A real hijack, from recorded routes to what the table says of it: YouTube, 24 February 2008.

AS17557 announced 208.65.153.0/24, a more specific of AS36561's 208.65.152.0/22. The recorded rows are
written as RIS Live messages, so that they pass the same way as a live feed.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter

import pytest

from monitor.bgp.rib import Rib, RouteChangeKind
from monitor.bgp.ris_live import decode
from monitor.bgp.sources import read_routes_file
from monitor.bgp.watch import Watch
from monitor.model import parse_address, parse_prefix

YOUTUBE, STOLEN = parse_prefix("208.65.152.0/22"), parse_prefix("208.65.153.0/24")


def as_ris_live(row: dict) -> str:
    """A row as RIS Live would have sent it."""
    message = {
        "type": "UPDATE",
        "timestamp": row["ts"],
        "peer": row["peer_ip"],
        "peer_asn": row["as_path"].split()[0] if row["as_path"] else "0",
        "host": row["collector"],
    }
    if row["type"] == "W":
        return json.dumps(message | {"path": [], "withdrawals": [row["prefix"]]})
    path = [int(word) if word.isdigit() else word for word in row["as_path"].split()]
    announced = [{"next_hop": row["peer_ip"], "prefixes": [row["prefix"]]}]
    return json.dumps(message | {"path": path, "announcements": announced})


@pytest.fixture(scope="module")
def rows(shared_data) -> list[dict]:
    """The recorded routes in order of time, the table of before first."""
    lines = gzip.decompress((shared_data / "hijack-paths" / "pakistan_1.jsonl.gz").read_bytes()).splitlines()
    return sorted(map(json.loads, lines[1:]), key=lambda row: (row["type"] != "R", row["ts"]))


def test_youtube_2008_is_a_new_more_specific_with_a_new_origin(rows):
    """The first event of the stolen prefix says so; the rest are further peers that believe it."""
    rib, watch = Rib(), Watch([YOUTUBE])
    changes = [
        change
        for row in rows
        for fact in decode(as_ris_live(row))
        if watch.covers_event(fact.prefix)
        if (change := rib.apply(fact))
    ]
    of_stolen = [change for change in changes if change.prefix == STOLEN]
    first = of_stolen[0]

    assert (first.kind, first.new.origins, first.old) == (RouteChangeKind.NEW_PREFIX, {17557}, None)
    assert STOLEN in rib.inside(YOUTUBE)
    assert rib.covering_prefix(STOLEN) == [YOUTUBE]
    assert rib.covering(parse_address("208.65.153.238")) == [STOLEN, YOUTUBE]
    assert rib.first_seen(STOLEN, 17557) == first.at == 1203878873.0
    assert rib.first_seen(YOUTUBE, 17557) is None
    assert {origin for route in rib.routes(YOUTUBE).values() for origin in route.origins} == {36561}
    assert len({change.peer for change in of_stolen}) > 50


def test_recorded_rows_pass_through_a_routes_file(rows, tmp_path):
    """As replay reads them: a broken line among them is told and costs nothing else."""
    path = tmp_path / "routes.jsonl.gz"
    lines = [as_ris_live(row) for row in rows]
    path.write_bytes(gzip.compress("\n".join([*lines[:10], '{"type":"UPD', "", *lines[10:]]).encode()))
    told = []
    facts = list(read_routes_file(path, lambda *what: told.append(what)))

    assert Counter(fact.kind.value for fact in facts) == {"announcement": len(rows) - 1, "withdrawal": 1}
    assert [(where, line) for where, line, _ in told] == [(path, 11)]
