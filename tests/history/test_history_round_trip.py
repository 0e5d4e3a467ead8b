"""Everything that a fact holds comes back out of the store, float for float, in order of completion."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.history import Reader, Store, UnstorableFactError
from monitor.history.trace_rows import pack_rtts, unpack_rtts
from monitor.model import (
    AsPath,
    FeedState,
    FeedTally,
    PeerState,
    RouteEvent,
    RouteFact,
    RouteKind,
    Vrp,
    VrpChange,
)
from monitor.model.asn import Asn
from monitor.model.history_place import HistoryPlace
from probes.observation import (
    DnsObservation,
    Failure,
    Hop,
    HopReply,
    HttpObservation,
    MplsLabel,
    NotMeasured,
    Observation,
    Rewritten,
    TraceObservation,
    completed_at,
)

FOREVER = (0.0, float("inf"))

texts = st.text(st.characters(codec="utf-8"), max_size=12)
words = st.sampled_from(["a", "b", "", "\x00", "[red]", "é"])
some = st.none() | texts
walls = st.integers(1_643_855_000_000, 1_643_855_002_000).map(lambda ms: ms / 1e3)
spans = st.none() | st.integers(0, 40_000_000).map(lambda us: us / 1e6)
counts = st.none() | st.integers(0, 2**40)
failures = st.none() | st.sampled_from(Failure)

http = st.builds(
    HttpObservation, at=walls, vantage=words, target=words, address=some, family=st.sampled_from([None, 4, 6]),
    failure=failures, status=counts, http_version=some, dns_s=spans, connect_s=spans, tls_s=spans, wait_s=spans,
    receive_s=spans, total_s=spans, kernel_rtt_s=spans, kernel_min_rtt_s=spans, retransmits=counts,
    spki_sha256=some, certificate_sha256=some, issuer=some, not_after=st.none() | walls, body_bytes=counts,
    body_sha256=some | st.binary(max_size=32).map(bytes.hex), checks_failed=st.lists(texts, max_size=3).map(tuple),
    tls_version=some, loop_lag_s=spans, error=some, not_before=st.none() | walls, alpn=some,
    certificate_names=st.lists(texts, max_size=3).map(tuple), chain_sha256=st.lists(texts, max_size=3).map(tuple),
    redirects=st.lists(texts, max_size=3).map(tuple),
)  # fmt: skip
dns = st.builds(
    DnsObservation, at=walls, vantage=words, target=words, server=texts, role=words, transport=words, name=texts,
    rrtype=words, rcode=some, answers=st.lists(texts, max_size=3).map(tuple), ttl_s=spans, elapsed_s=spans,
    dnssec=some, failure=failures, cnames=st.lists(texts, max_size=3).map(tuple), error=some, subnet=some,
    ecs=some, nsid=some, soa_serial=st.none() | st.integers(0, 2**32 - 1), dnssec_reason=some,
    signatures_expire_at=st.none() | walls,
)  # fmt: skip
labels = st.builds(
    MplsLabel, label=st.integers(0, 2**20), tc=st.integers(0, 7), bottom=st.booleans(), ttl=st.integers(0, 255)
)
hops = st.builds(
    Hop, ttl=st.integers(1, 64), address=some, rtt_s=spans, reply=st.none() | st.sampled_from(HopReply),
    mpls=st.lists(labels, max_size=2).map(tuple), reply_ttl=st.none() | st.integers(0, 255),
    others=st.lists(texts, max_size=2).map(tuple), quoted_destination=some,
    rewritten=st.none() | st.lists(st.sampled_from(Rewritten), max_size=2).map(tuple),
)  # fmt: skip
traces = st.builds(
    TraceObservation, at=walls, vantage=words, target=words, address=some, method=words, port=counts, flow=counts,
    mode=words, reached=st.booleans(), failure=failures, hops=st.lists(hops, max_size=4).map(tuple),
    elapsed_s=spans, error=some,
)  # fmt: skip
missed = st.builds(NotMeasured, at=walls, vantage=words, target=words, probe=words, reason=texts)
observations = st.lists(http | dns | traces | missed, max_size=8)

asns = st.integers(0, 2**32 - 1).map(Asn)
as_paths = st.lists(asns | st.frozensets(asns, max_size=3), max_size=4).map(lambda parts: AsPath(tuple(parts)))
prefixes = st.ip_addresses(v=4).map(lambda a: ipaddress.ip_network(f"{a}/24", strict=False)) | st.ip_addresses(
    v=6
).map(lambda a: ipaddress.ip_network(f"{a}/48", strict=False))
stamps = st.integers(1_643_855_000_000_000, 1_643_855_000_000_900).map(lambda us: us / 1e6)
events = st.builds(
    RouteEvent, at=stamps, kind=st.sampled_from(RouteKind), prefix=prefixes, peer=texts, peer_asn=asns,
    collector=texts, path=st.none() | as_paths, next_hop=some,
)  # fmt: skip
peer_states = st.builds(PeerState, at=stamps, collector=texts, peer=texts, peer_asn=asns, up=st.booleans())
totals = st.integers(0, 2**40)
tallies = st.builds(
    FeedTally, since=stamps, at=stamps, source=texts, received=totals, parsed=totals, relevant=totals,
    late=totals, dropped=totals, bad=totals,
)  # fmt: skip
feed_states = st.builds(FeedState, at=stamps, source=texts, live=st.booleans(), reason=texts)
vrps = st.builds(Vrp, prefix=prefixes, max_length=st.integers(0, 128), asn=asns)
vrp_changes = st.builds(VrpChange, at=stamps, vrp=vrps, added=st.booleans())
route_facts = st.lists(events | peer_states | feed_states | tallies | vrp_changes, max_size=8)

Places = Callable[[], HistoryPlace]

examples = settings(
    derandomize=True, max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@examples
@given(facts=observations)
def test_observations_come_back_equal_and_in_order(places: Places, facts: list[Observation]) -> None:
    """All fields of all kinds survive, by completion; facts of one moment vantage by vantage, as they came.

    Vantages that are first met together are numbered by their names.
    """
    place = places()
    with Store.open(place) as store:
        store.add_observations(facts)
    with Reader.open(place) as reader:
        back = list(reader.observations(*FOREVER))

    assert back == sorted(facts, key=lambda fact: (completed_at(fact), fact.vantage))


@examples
@given(facts=route_facts)
def test_route_facts_come_back_equal_and_in_order(places: Places, facts: list[RouteFact]) -> None:
    """Events with sets and empty paths, peer states and feed states survive, microseconds included."""
    place = places()
    with Store.open(place) as store:
        store.add_routes(facts)
    with Reader.open(place) as reader:
        back = list(reader.routes(*FOREVER))

    assert back == sorted(facts, key=lambda fact: fact.at)


@examples
@given(rtts=st.lists(st.none() | st.integers(0, 2**33)))
def test_packed_rtts_are_lossless(rtts: list[int | None]) -> None:
    """Zero microseconds and no answer stay apart."""
    assert list(unpack_rtts(pack_rtts(rtts))) == rtts


def http_at(at: float, **fields: object) -> HttpObservation:
    """One HTTP observation with whatever matters here."""
    return HttpObservation(**{"at": at, "vantage": "v", "target": "t", **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (http_at(-1.0), "outside 0.."),
        (http_at(1e300), "outside 0.."),
        (http_at(float("nan")), "outside 0.."),
        (http_at(1.0, wait_s=-0.1), "a duration of -0.1 s"),
        (http_at(1.0, not_after=1e18), "years 1 to 9999"),
        (http_at(1.0, body_bytes=2**70), "more than 64 bits"),
        (http_at(1.0, error="x" * 70_000), "70000 characters exceeds 65536"),
        (http_at(1.0, issuer="\ud800"), "not Unicode"),
        (http_at(1.0, error="\udcff"), "not Unicode"),
        (http_at(1.0, body_sha256="\udcff"), "not Unicode"),
    ],
)  # fmt: skip
def test_a_fact_outside_the_limits_is_named_and_nothing_is_kept(
    place: HistoryPlace, bad: HttpObservation, says: str
) -> None:
    """The error gives the place in the batch; the facts before it are not half kept, and the store goes on."""
    good = http_at(1.0, issuer="CN=good")
    with Store.open(place) as store:
        with pytest.raises(UnstorableFactError, match=says) as caught:
            store.add_observations([good, bad, good])
        store.add_observations([good])
    with Reader.open(place) as reader:
        assert list(reader.observations(*FOREVER)) == [good]
    assert caught.value.index == 1


def test_a_certificate_may_have_ended_before_1970(place: HistoryPlace) -> None:
    """A near-miss of the time limits: notAfter is the certificate's claim, not a time of ours."""
    fact = http_at(1.0, not_after=-631152000.0, issuer="CN=old")
    with Store.open(place) as store:
        store.add_observations([fact])
    with Reader.open(place) as reader:
        assert list(reader.observations(*FOREVER)) == [fact]
