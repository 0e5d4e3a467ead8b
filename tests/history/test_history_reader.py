"""Windows, filters and slices of the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.history import HistoryMissingError, Keep, Reader, Store
from monitor.model import AsPath, FeedState, PeerState, RouteEvent, RouteKind, parse_prefix
from monitor.model.asn import Asn
from monitor.model.history_place import HistoryPlace
from probes.observation import DnsObservation, HttpObservation, NotMeasured, TraceObservation, completed_at

NOW = 1_700_000_000.0
DAY_S = 86_400.0


def event(at: float, prefix: str, origin: int = 64500) -> RouteEvent:
    """One announcement."""
    return RouteEvent(
        at=at, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix(prefix), peer="192.0.2.1", peer_asn=Asn(3356),
        collector="rrc00", path=AsPath((Asn(3356), Asn(origin))),
    )  # fmt: skip


def test_a_window_takes_what_was_complete_in_it(place: HistoryPlace) -> None:
    """Half-open in the time of completion, so that windows side by side see every fact once."""
    before = HttpObservation(at=NOW - 2, vantage="v", target="t", total_s=1.999999)
    first = HttpObservation(at=NOW - 2, vantage="v", target="t", total_s=2.0)
    last = HttpObservation(at=NOW + 9, vantage="v", target="t", total_s=0.999999)
    after = HttpObservation(at=NOW + 9, vantage="v", target="t", total_s=1.0)
    with Store.open(place) as store:
        store.add_observations([after, last, first, before])
    with Reader.open(place) as reader:
        assert list(reader.observations(NOW, NOW + 10)) == [first, last]
        assert list(reader.observations(0, NOW)) == [before]


def test_slices_and_empty_years_do_not_break_the_order(place: HistoryPlace) -> None:
    """Facts from 1970 to 2100, many a slice apart, come in order and once."""
    facts = [
        HttpObservation(at=float(at), vantage="v", target=f"t{at % 3}")
        for at in (0, 299, 300, 301, 600, 1_700_000_000, 1_700_000_299, 1_700_000_300, 4_102_444_800)
    ]
    with Store.open(place) as store:
        store.add_observations(facts[::-1])
    with Reader.open(place) as reader:
        assert list(reader.observations(0, float("inf"))) == facts
        assert list(reader.observations(1, 4_102_444_800)) == facts[1:-1]


def test_the_last_storable_fact_is_still_found(place: HistoryPlace) -> None:
    """At the end of year 9999 with the longest duration: no fact goes in that cannot come out."""
    last = HttpObservation(at=253_402_300_799.0, vantage="v", target="t", total_s=2.0**32)
    with Store.open(place) as store:
        store.add_observations([last])
    with Reader.open(place) as reader:
        assert list(reader.observations(0, float("inf"))) == [last]


def test_filters_by_target_vantage_and_kind(place: HistoryPlace) -> None:
    """Each filter takes only its own; a name that was never heard of has no facts and is no error."""
    facts = [
        HttpObservation(at=NOW, vantage="a", target="x"),
        DnsObservation(at=NOW + 1, vantage="a", target="y", server="s", name="n"),
        TraceObservation(at=NOW + 2, vantage="b", target="x"),
        NotMeasured(at=NOW + 3, vantage="b", target="y", probe="http", reason="missed"),
    ]
    with Store.open(place) as store:
        store.add_observations(facts)
    with Reader.open(place) as reader:
        window = (NOW, NOW + 10)
        assert list(reader.observations(*window, target="x")) == [facts[0], facts[2]]
        assert list(reader.observations(*window, vantage="b")) == facts[2:]
        assert list(reader.observations(*window, kind="not_measured")) == [facts[3]]
        assert list(reader.observations(*window, target="x", vantage="b", kind="trace")) == [facts[2]]
        assert list(reader.observations(*window, target="nobody")) == []
        assert list(reader.observations(*window, vantage="nobody")) == []
        assert (reader.targets(), reader.vantages()) == (["x", "y"], ["a", "b"])
        with pytest.raises(ValueError, match="no kind 'ping'"):
            reader.observations(*window, kind="ping")


def test_routes_of_a_prefix_are_those_that_overlap_it(place: HistoryPlace) -> None:
    """The prefix, more-specifics and covering ones; not its neighbour, not the other family, no feed states."""
    inside, same, around = (event(NOW + n, p) for n, p in enumerate(("10.1.2.0/24", "10.1.0.0/16", "10.0.0.0/8")))
    neighbour, other = event(NOW + 3, "10.2.0.0/16"), event(NOW + 4, "a01::/16")
    feed = FeedState(at=NOW + 5, source="ris", live=False, reason="closed")
    with Store.open(place) as store:
        store.add_routes([feed, other, neighbour, around, same, inside])
    with Reader.open(place) as reader:
        assert list(reader.routes(0, NOW + 9, prefix=parse_prefix("10.1.0.0/16"))) == [inside, same, around]
        assert list(reader.routes(0, NOW + 9, prefix=parse_prefix("172.16.0.0/12"))) == []
        assert list(reader.routes(NOW + 3, NOW + 5)) == [neighbour, other]


def test_routes_are_read_in_pages_without_a_gap(place: HistoryPlace) -> None:
    """More facts than a page, thousands of them of the very same moment, in the order in which they came."""
    facts = [
        event(NOW, f"10.{n >> 8 & 255}.{n & 255}.0/24") if n % 3 else
        PeerState(at=NOW, collector="rrc00", peer="192.0.2.1", peer_asn=Asn(n), up=True)
        for n in range(12_001)
    ]  # fmt: skip
    with Store.open(place) as store:
        store.add_routes(facts)
    with Reader.open(place) as reader:
        assert list(reader.routes(NOW, NOW + 1)) == facts


def test_old_facts_are_forgotten_with_what_only_they_used(place: HistoryPlace, tend: Any) -> None:
    """Names go a day later; numbers are not given out again, so an open reader stays right."""
    keep = Keep(facts_s=DAY_S, minutes_s=DAY_S, five_minutes_s=DAY_S)
    old = HttpObservation(at=NOW - 3 * DAY_S, vantage="gone", target="gone", issuer="CN=gone", total_s=1.0)
    kept = HttpObservation(at=NOW, vantage="v", target="t", issuer="CN=kept")
    with Store.open(place) as store, Reader.open(place) as reader:
        store.add_observations([kept, old])
        store.add_routes([event(NOW - 3 * DAY_S, "10.0.0.0/8"), event(NOW, "10.1.0.0/16")])
        assert list(reader.observations(0, NOW - DAY_S)) == [old]

        folded, _ = tend(store, NOW + 400, keep)
        assert folded == 2

        new = HttpObservation(at=NOW + 1, vantage="new", target="new", issuer="CN=new")
        store.add_observations([new])
        assert list(reader.observations(0, NOW + 9)) == [kept, new]
        assert [fact.at for fact in reader.routes(0, NOW + 9)] == [NOW]
        assert (reader.targets(), reader.vantages()) == (["new", "t"], ["new", "v"])
        assert tend(store, NOW + 4000, keep) == (1, 0)


def test_a_reader_of_nothing_says_so(tmp_path: Path) -> None:
    """Reading makes no file."""
    with pytest.raises(HistoryMissingError, match=r"none\.db: no such file"):
        Reader.open(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_order_is_by_completion_not_by_start(place: HistoryPlace) -> None:
    """A long request that started first comes after a short one that ended first, across kinds."""
    long = HttpObservation(at=NOW, vantage="v", target="t", total_s=10.0)
    short = DnsObservation(at=NOW + 5, vantage="v", target="u", server="s", name="n", elapsed_s=0.1)
    with Store.open(place) as store:
        store.add_observations([long, short])
    with Reader.open(place) as reader:
        back = list(reader.observations(0, NOW + 99))
    assert back == [short, long]
    assert completed_at(short) < completed_at(long)
