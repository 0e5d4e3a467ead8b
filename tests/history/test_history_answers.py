"""The questions of `whydown history`: what counts as a change, and what must not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.history import Reader, Store
from monitor.history.latency import percentile
from monitor.model import AsPath, FeedState, RouteEvent, RouteKind, parse_prefix
from monitor.model.asn import Asn
from monitor.model.contact import CONTACT, HEARD, HUB, SILENT
from monitor.model.history_place import HistoryPlace
from probes.observation import (
    DnsObservation,
    Failure,
    Hop,
    HttpObservation,
    NotMeasured,
    Observation,
    TraceObservation,
)

NOW = 1_700_000_000.0
DAY = (NOW - 86400, NOW + 86400)


@pytest.fixture
def store(place: HistoryPlace) -> Iterator[Store]:
    """An empty history, open for writing."""
    with Store.open(place) as opened:
        yield opened


def reader_of(store: Store, *facts: Observation) -> Reader:
    """A reader of the history after these facts were added."""
    store.add_observations(facts)
    return Reader.open(store.place)


def http(second: float, **fields: object) -> HttpObservation:
    """One request, complete at `second` after NOW."""
    given: dict[str, object] = {"vantage": "v", "target": "t", **fields}
    return HttpObservation(at=NOW + second, **given)  # type: ignore[arg-type]


def dns(second: float, *answers: str, **fields: object) -> DnsObservation:
    """One answered question."""
    given: dict[str, object] = {"vantage": "v", "target": "t", "rcode": "NOERROR", **fields}
    return DnsObservation(at=NOW + second, server="s", name="n", answers=answers, **given)  # type: ignore[arg-type]


def trace(second: float, path: str, *, reached: bool = True, flow: int = 1) -> TraceObservation:
    """One traceroute; `path` holds a letter a hop, `*` for a silent one."""
    hops = tuple(Hop(ttl=ttl, address=None if name == "*" else name) for ttl, name in enumerate(path, 1))
    return TraceObservation(at=NOW + second, vantage="v", target="t", hops=hops, reached=reached, flow=flow)


@settings(derandomize=True, max_examples=100)
@given(values=st.lists(st.integers(0, 10**6), min_size=1), share=st.floats(0.01, 1.0))
def test_a_percentile_is_the_smallest_value_with_its_share_below(values: list[int], share: float) -> None:
    """Nearest rank, by its definition."""
    ordered = sorted(values)
    found = percentile(ordered, share)

    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-6
    assert sum(value < found for value in ordered) < share * len(ordered)


def test_latency_is_over_all_measurements_not_over_buckets(store: Store) -> None:
    """A thousand fast ones in one bucket and ten slow ones in another: the p95 of the window is fast."""
    fast = [http(n / 100, wait_s=0.01, total_s=0.02) for n in range(1000)]
    slow = [http(600 + n, wait_s=5.0, total_s=5.5, failure=Failure.TOO_SLOW) for n in range(10)]
    with reader_of(store, *fast, *slow) as reader:
        found = {one.phase: one for one in reader.latency(NOW, NOW + 900, bucket_s=300)}

    assert found.keys() == {"wait", "total"}
    total = found["total"]
    assert (total.count, total.p50_s, total.p95_s, total.p99_s, total.max_s) == (1010, 0.02, 0.02, 0.02, 5.5)
    assert [(point.at, point.count, point.p95_s) for point in total.points] == [
        (NOW, 1000, 0.02),
        (NOW + 600, 10, 5.5),
    ]


def test_latency_keeps_apart_what_was_asked_for(store: Store) -> None:
    """By vantage or all together; a target that was never heard of has none."""
    facts = [
        http(0, vantage="a", wait_s=0.5, total_s=1.0),
        http(1, vantage="b", wait_s=0.5, total_s=3.0),
        http(2, vantage="b"),
    ]
    with reader_of(store, *facts) as reader:
        apart = reader.latency(*DAY, by=frozenset({"vantage"}), bucket_s=3600)
        together = reader.latency(*DAY, by=frozenset({"target"}), bucket_s=3600)
        assert [(one.vantage, one.target, one.count) for one in apart] == [("a", None, 1), ("b", None, 1)]
        assert [(one.vantage, one.target, one.p99_s) for one in together] == [(None, "t", 3.0)]
        assert reader.latency(*DAY, target="nobody", bucket_s=3600) == []
        with pytest.raises(ValueError, match="more than 2000 points"):
            reader.latency(*DAY, bucket_s=1)


def test_exchange_without_an_answer_has_no_total_latency(store: Store) -> None:
    """A name that fails within 4 ms must not make the service look fast; its phases still count."""
    failed = http(0, failure=Failure.DNS_SERVFAIL, dns_s=0.004, total_s=0.004)
    with reader_of(store, failed, http(1, dns_s=0.002, wait_s=0.1, total_s=0.2)) as reader:
        found = {one.phase: one for one in reader.latency(NOW, NOW + 60, bucket_s=60)}

    assert (found["total"].count, found["total"].p50_s, found["dns"].count) == (1, 0.2, 2)


def test_failures_are_counted_out_of_their_own_kind(store: Store) -> None:
    """Three of four requests; the answered question does not count as a request."""
    facts = [http(0), *(http(n, failure=Failure.READ_TIMEOUT) for n in (1, 2, 3)), dns(4, "a")]
    missed = NotMeasured(at=NOW, vantage="v", target="t", probe="http", reason="missed")
    with reader_of(store, *facts, missed) as reader:
        (found,) = reader.failures(*DAY)
        (gap,) = reader.gaps(*DAY)

    assert (found.failure, found.count, found.of) == (Failure.READ_TIMEOUT, 3, 4)
    assert (found.first_at, found.last_at) == (NOW + 1, NOW + 3)
    assert (gap.probe, gap.reason, gap.count) == ("http", "missed", 1)


def test_the_silence_of_a_vantage_is_a_gap_and_its_return_is_none(store: Store) -> None:
    """Both are facts about contact; only one says that something was not measured."""
    words = ((HEARD, NOW), (SILENT, NOW + 100), (HEARD, NOW + 200))
    facts = [NotMeasured(at=at, vantage="v", target=HUB, probe=CONTACT, reason=word) for word, at in words]
    with reader_of(store, *facts) as reader:
        (gap,) = reader.gaps(*DAY)

    assert (gap.vantage, gap.reason, gap.first_at) == ("v", "silent", NOW + 100)


def test_a_path_change_is_a_contradiction_of_what_is_known(store: Store) -> None:
    """Silent hops are filled in from other traces; going back is a change of its own, and the next is counted."""
    paths = ("ab*d", "a*cd", "abcd", "axcd", "ab*d", "axcd")
    with reader_of(store, *(trace(n, path) for n, path in enumerate(paths))) as reader:
        found = [("".join(hop or "*" for hop in c.old), "".join(hop or "*" for hop in c.new), c.count, c.first_at)
                 for c in reader.path_changes(*DAY)]  # fmt: skip

    assert found == [("abcd", "axcd", 1, NOW + 3), ("axcd", "ab*d", 1, NOW + 4), ("ab*d", "axcd", 1, NOW + 5)]


def test_a_longer_path_to_the_destination_is_a_change(store: Store) -> None:
    """Its TTL moved although no known hop contradicts."""
    with reader_of(store, trace(0, "a*d"), trace(1, "a**d")) as reader:
        (found,) = reader.path_changes(*DAY)
    assert found.new == ("a", None, None, "d")


@pytest.mark.parametrize(
    "traces",
    [
        [trace(0, "abcd"), trace(1, "****", reached=False), trace(2, "abcd")],
        [trace(0, "abcd"), trace(1, "ab", reached=False)],
        [trace(0, "abcd", flow=1), trace(1, "axcd", flow=2)],
    ],
    ids=["silent for once", "not reached", "another flow"],
)
def test_what_is_no_path_change(store: Store, traces: list[TraceObservation]) -> None:
    """Near-misses: silence, a trace that ends early, and what load balancers do with another flow."""
    with reader_of(store, *traces) as reader:
        assert reader.path_changes(*DAY) == []


def test_dns_changes_count_each_way_once(store: Store) -> None:
    """A rotation between two answers is two values with counts; a time-out and a new TTL are no changes."""
    timeout = dns(3, rcode=None, failure=Failure.DNS_TIMEOUT)
    facts = [
        dns(0, "a", ttl_s=60.0),
        dns(1, "a", ttl_s=59.0),
        dns(2, "b"),
        timeout,
        dns(4, "b"),
        dns(5, "a"),
        dns(6, "b"),
    ]
    with reader_of(store, *facts, dns(7, "b", dnssec="secure")) as reader:
        found = reader.dns_changes(*DAY)

    assert [(c.old.answers, c.new.answers, c.count, c.first_at, c.last_at) for c in found] == [
        (("a",), ("b",), 2, NOW + 2, NOW + 6),
        (("b",), ("a",), 1, NOW + 5, NOW + 5),
    ]


def test_certificate_changes_tell_a_new_key_from_a_renewal(store: Store) -> None:
    """The renewal keeps the key; plain HTTP between and another TLS version are no changes."""
    facts = [
        http(0, spki_sha256="k1", certificate_sha256="c1", tls_version="TLSv1.2"),
        http(1),
        http(2, spki_sha256="k1", certificate_sha256="c1", tls_version="TLSv1.3"),
        http(3, spki_sha256="k1", certificate_sha256="c2", not_after=NOW + 9),
        http(4, spki_sha256="k2", certificate_sha256="c3", issuer="CN=other"),
    ]
    with reader_of(store, *facts) as reader:
        found = reader.certificate_changes(*DAY)

    assert [(c.new_key, c.old.certificate_sha256, c.new.certificate_sha256) for c in found] == [
        (False, "c1", "c2"),
        (True, "c2", "c3"),
    ]
    assert (found[0].new.not_after, found[1].new.issuer) == (NOW + 9, "CN=other")


def test_each_family_has_a_certificate_of_its_own(store: Store) -> None:
    """Different front ends for IPv4 and IPv6, asked in turn, are no change; a new one of one family is."""
    facts = [
        http(second, family=family, spki_sha256="k", certificate_sha256=certificate)
        for second, family, certificate in ((0, 4, "c4"), (1, 6, "c6"), (2, 4, "c4"), (3, 6, "c6"), (4, 6, "c7"))
    ]
    with reader_of(store, *facts) as reader:
        found = reader.certificate_changes(*DAY)

    assert [(c.old.certificate_sha256, c.new.certificate_sha256, c.count) for c in found] == [("c6", "c7", 1)]


def route(second: float, prefix: str, origin: int | None, peer: str = "192.0.2.1") -> RouteEvent:
    """One announcement, or a withdrawal where the origin is None."""
    return RouteEvent(
        at=NOW + second, kind=RouteKind.WITHDRAWAL if origin is None else RouteKind.ANNOUNCEMENT,
        prefix=parse_prefix(prefix), peer=peer, peer_asn=Asn(3356), collector="rrc00",
        path=None if origin is None else AsPath((Asn(3356), Asn(origin))),
    )  # fmt: skip


def test_route_events_are_summed_up_by_prefix_and_origin(store: Store) -> None:
    """Two peers of one origin are one line; another origin is another; a target sees only its addresses'."""
    store.add_routes([
        route(0, "203.0.113.0/24", 64500), route(1, "203.0.113.0/24", 64500, peer="192.0.2.2"),
        route(2, "203.0.113.0/24", 64666), route(3, "203.0.113.0/24", None), route(4, "198.51.100.0/24", 1),
        FeedState(at=NOW, source="ris", live=True),
    ])  # fmt: skip
    with reader_of(store, http(0, address="203.0.113.9"), http(1, address="no address")) as reader:
        found = [(r.prefix, r.origins, r.announcements, r.withdrawals, r.peers) for r in reader.route_events(*DAY)]
        of_target = [(r.prefix, r.origins) for r in reader.route_events(*DAY, target="t")]

    assert found == [
        ("203.0.113.0/24", (64500,), 2, 0, 2),
        ("203.0.113.0/24", (64666,), 1, 0, 1),
        ("203.0.113.0/24", (), 0, 1, 1),
        ("198.51.100.0/24", (1,), 1, 0, 1),
    ]
    assert {prefix for prefix, _ in of_target} == {"203.0.113.0/24"}


def test_the_views_show_facts_with_iso_times(store: Store) -> None:
    """What people with sqlite3 or psql see; the names here are promised."""
    reader_of(
        store, http(0.5, address="203.0.113.9", total_s=0.25, body_sha256="ab" * 32, failure=Failure.TOO_SLOW),
        dns(1, "203.0.113.9", ttl_s=60.0), trace(2, "a*c"),
    ).close()  # fmt: skip
    store.add_routes([route(3, "203.0.113.0/24", 64500), route(4, "203.0.113.0/24", None)])
    assert ask(store.place, "SELECT at, vantage, target, address, failure, total_ms, body_sha256 FROM v_http") == [
        ("2023-11-14T22:13:20.500Z", "v", "t", "203.0.113.9", "too_slow", 250.0, "ab" * 32)
    ]
    assert ask(store.place, "SELECT at, server, name, answers, ttl_s FROM v_dns") == [
        ("2023-11-14T22:13:21.000Z", "s", "n", '["203.0.113.9"]', 60.0)
    ]
    assert ask(store.place, "SELECT at, hops, reached FROM v_trace") == [("2023-11-14T22:13:22.000Z", "a * c", 1)]
    assert ask(store.place, "SELECT at, kind, prefix, as_path FROM v_routes ORDER BY at") == [
        ("2023-11-14T22:13:23.000Z", "announcement", "203.0.113.0/24", "3356 64500"),
        ("2023-11-14T22:13:24.000Z", "withdrawal", "203.0.113.0/24", None),
    ]
    assert ask(store.place, "SELECT id, opened_at FROM v_incidents") == []


def test_one_targets_window_is_one_range_of_the_key(tmp_path: Path) -> None:
    """The plan searches by target and time, with and without a target: the answer's cost is the window's."""
    Store.open(tmp_path / "history.db").close()
    connection = sqlite3.connect(tmp_path / "history.db")
    for condition in ("target = 1 AND done >= 5 AND done < 6", "target IN (SELECT id FROM target) AND done >= 5"):
        plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM http WHERE {condition}").fetchall()
        assert any("SEARCH f USING PRIMARY KEY (target=? AND done>" in row[3] for row in plan), plan
    connection.close()
