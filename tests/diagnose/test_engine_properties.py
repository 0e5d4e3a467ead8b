"""Whatever facts come, the engine ends in incidents that are well formed, and chunks do not matter."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from story import CONFIG

from monitor.bgp.ip_to_as import PrefixTable
from monitor.config import parse_config
from monitor.diagnose import Engine, Fact, Knowledge, in_order, known_at
from monitor.model.asn import Asn
from monitor.model.incident import ChangeKind, Incident, IncidentChange
from monitor.model.prefix import parse_prefix
from monitor.model.route import AsPath, PeerState, RouteEvent, RouteKind
from probes.observation import DnsObservation, Failure, Hop, HopReply, HttpObservation, TraceObservation

TABLE = PrefixTable.parse(["198.51.100.0/24\t64500", "203.0.113.0/24\t64510", "198.18.0.0/16\t64700"])
times = st.floats(1_700_000_000, 1_700_003_600, allow_nan=False)
vantages = st.sampled_from(["a", "b", "c"])
targets = st.sampled_from(["api", "database", "control", "stranger"])
addresses = st.sampled_from(["198.51.100.10", "203.0.113.20", "198.18.0.1", "2001:db8::1", "nonsense"])
seconds = st.one_of(st.none(), st.floats(0, 30, allow_nan=False))
http = st.builds(
    HttpObservation,
    at=times, vantage=vantages, target=targets, address=st.one_of(st.none(), addresses),
    family=st.sampled_from([4, 6, None]), failure=st.one_of(st.none(), st.none(), st.sampled_from(list(Failure))),
    status=st.sampled_from([None, 200, 404, 500, 503, 504]), connect_s=seconds, wait_s=seconds, total_s=seconds,
    kernel_min_rtt_s=seconds, spki_sha256=st.sampled_from([None, "k1", "k2"]),
    issuer=st.sampled_from([None, "i1", "i2 \x1b[31m{evil}"]),
)  # fmt: skip
dns = st.builds(
    DnsObservation,
    at=times, vantage=vantages, target=targets, server=st.sampled_from(["1", "2"]), name=st.just("n"),
    role=st.sampled_from(["recursive", "authoritative"]), answers=st.lists(addresses, max_size=2).map(tuple),
    failure=st.one_of(st.none(), st.sampled_from(list(Failure))), elapsed_s=seconds,
)  # fmt: skip
hops = st.lists(
    st.builds(
        Hop, ttl=st.integers(1, 9), address=st.sampled_from([None, "198.18.0.1", "198.51.100.10", "?"]),
        reply=st.sampled_from([None, *HopReply]),
    ),
    max_size=5,
).map(tuple)  # fmt: skip
traces = st.builds(
    TraceObservation, at=times, vantage=vantages, target=targets,
    address=st.sampled_from(["198.51.100.10", "203.0.113.20"]),
    reached=st.booleans(), hops=hops, elapsed_s=seconds,
)  # fmt: skip
prefixes = st.sampled_from(["198.51.100.0/24", "198.51.100.0/23", "0.0.0.0/0", "203.0.113.0/25"]).map(parse_prefix)
paths = st.lists(st.sampled_from([64500, 64510, 64666, 64700]).map(Asn), max_size=4).map(
    lambda p: AsPath(tuple(p))
)
routes = st.builds(
    RouteEvent, at=times, kind=st.sampled_from([RouteKind.ANNOUNCEMENT, RouteKind.RIB]), prefix=prefixes,
    peer=st.sampled_from(["p1", "p2"]), peer_asn=st.just(Asn(1)), collector=st.just("rrc00"), path=paths,
)  # fmt: skip
withdrawals = st.builds(
    RouteEvent, at=times, kind=st.just(RouteKind.WITHDRAWAL), prefix=prefixes,
    peer=st.sampled_from(["p1", "p2"]), peer_asn=st.just(Asn(1)), collector=st.just("rrc00"), path=st.none(),
)  # fmt: skip
sessions = st.builds(
    PeerState, at=times, collector=st.just("rrc00"), peer=st.sampled_from(["p1", "p2"]), peer_asn=st.just(Asn(1)),
    up=st.booleans(),
)  # fmt: skip
facts = st.lists(st.one_of(http, http, http, dns, traces, routes, withdrawals, sessions), max_size=60)


def changes_of(given_facts: list[Fact], chunk: int) -> list[IncidentChange]:
    """Every change that the engine reports, fed `chunk` facts at once."""
    config = parse_config(CONFIG.format(target='depends_on = ["database"]'), None)
    engine = Engine(Knowledge.from_config(config, prefix_table=TABLE))
    ordered = in_order(given_facts)
    found: list[IncidentChange] = []
    for start in range(0, len(ordered), chunk):
        found += engine.feed(ordered[start : start + chunk])
    return found + (engine.advance(known_at(ordered[-1]) + 300) if ordered else [])


@settings(derandomize=True, max_examples=150, deadline=None)
@given(facts)
def test_any_facts_give_well_formed_incidents(given_facts: list[Fact]) -> None:
    """Sequences count from one without a gap, times are in order, confidences are probabilities."""
    changes = changes_of(given_facts, 1000)

    by_incident: dict[str, list[IncidentChange]] = {}
    for change in changes:
        by_incident.setdefault(change.incident.id, []).append(change)
    for history in by_incident.values():
        assert [change.sequence for change in history] == list(range(1, len(history) + 1))
        assert [change.kind is ChangeKind.OPENED for change in history] == [True] + [False] * (len(history) - 1)
        for change in history:
            incident = change.incident
            assert 0.0 <= incident.confidence <= 1.0
            assert (incident.started_at or 0.0) <= incident.opened_at <= incident.named_at <= change.at
            assert msgspec.json.decode(msgspec.json.encode(incident), type=Incident) == incident


@settings(derandomize=True, max_examples=50, deadline=None)
@given(facts, st.integers(1, 20))
def test_any_chunking_gives_the_same_changes(given_facts: list[Fact], chunk: int) -> None:
    """Not only the same incidents: the same changes at the same moments."""
    assert changes_of(given_facts, chunk) == changes_of(given_facts, 1000)
