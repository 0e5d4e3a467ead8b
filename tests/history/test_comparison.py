"""Two windows beside each other: what differs is told, what both saw or one could not see is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.history import Reader, Store
from monitor.history.answers import Sight
from monitor.history.comparison import Comparison, comparison
from monitor.history.overview import Question
from monitor.model import AsPath, RouteEvent, RouteKind, parse_prefix
from monitor.model.asn import Asn
from monitor.model.history_place import HistoryPlace
from probes.observation import DnsObservation, Failure, Hop, HttpObservation, Observation, TraceObservation

THEN, NOW, LENGTH = 1_643_840_000.0, 1_643_850_000.0, 600.0
WHO = {"vantage": "seoul-1", "target": "shop"}


def _trace(at: float, *addresses: str | None, reached: bool = True) -> TraceObservation:
    hops = tuple(Hop(ttl=ttl, address=address) for ttl, address in enumerate(addresses, 1))
    return TraceObservation(at=at, address="203.0.113.9", port=443, hops=hops, reached=reached, **WHO)


def _request(at: float, wait_s: float, key: str = "aa", failure: Failure | None = None) -> HttpObservation:
    return HttpObservation(
        at=at, address="203.0.113.9", wait_s=wait_s, total_s=wait_s, spki_sha256=key, failure=failure, **WHO
    )


def _answer(at: float, *addresses: str) -> DnsObservation:
    return DnsObservation(at=at, server="s", name="shop.example", rcode="NOERROR", answers=addresses, **WHO)


def _route(at: float, prefix: str, origin: int) -> RouteEvent:
    return RouteEvent(
        at=at, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix(prefix), peer="192.0.2.1", peer_asn=Asn(64500),
        collector="rrc00", path=AsPath((Asn(64500), Asn(origin))), next_hop="192.0.2.1",
    )  # fmt: skip


def _compared(place: HistoryPlace, *facts: Observation) -> Comparison:
    with Store.open(place) as store:
        store.add_observations(facts)
    with Reader.open(place) as reader:
        return comparison(reader, Question(since=NOW, until=NOW + LENGTH), THEN, THEN + LENGTH)


def _news(found: Comparison) -> Iterator[tuple[str, Sight, str]]:
    for one in found.sights:
        yield one.change, one.seen.what, one.seen.value


def test_figures_of_both_windows_stand_beside_each_other(place: HistoryPlace) -> None:
    """A series that one window lacks has None there."""
    found = _compared(
        place, _request(THEN, 0.1), _request(NOW, 0.4), _request(NOW + 1, 0.4),
        HttpObservation(at=NOW, vantage="tokyo-1", target="shop", wait_s=0.2, total_s=0.2),
    )  # fmt: skip
    waits = {one.vantage: (one.then, one.now) for one in found.latency if one.phase == "wait"}
    then, now = waits["seoul-1"]

    assert then is not None
    assert now is not None
    assert (then.count, now.count) == (1, 2)
    assert (then.p50_s, now.p50_s) == (pytest.approx(0.1, rel=0.02), pytest.approx(0.4, rel=0.02))
    assert waits["tokyo-1"][0] is None


def test_failures_have_their_share_in_both(place: HistoryPlace) -> None:
    """Half of them failed now, none before."""
    found = _compared(
        place, _request(THEN, 0.1), _request(NOW, 0.1), _request(NOW + 1, 0.1, failure=Failure.STATUS_UNEXPECTED)
    )
    (failure,) = found.failures

    assert (failure.then_count, failure.now_count, failure.now_of) == (0, 1, 2)


def test_a_new_key_is_new_and_the_old_one_gone(place: HistoryPlace) -> None:
    """By what answered, whatever the hour of its first answer."""
    found = _compared(place, _request(THEN, 0.1, "aa"), _request(NOW, 0.1, "bb"))

    assert set(_news(found)) == {("new", Sight.KEY, "bb"), ("gone", Sight.KEY, "aa")}


def test_rotating_answers_are_no_news(place: HistoryPlace) -> None:
    """Each answer is another pair out of the same three addresses."""
    found = _compared(
        place, _answer(THEN, "a", "b"), _answer(THEN + 1, "b", "c"), _answer(NOW, "a", "c"), _answer(NOW + 1, "d")
    )
    assert set(_news(found)) == {("new", Sight.ADDRESS, "d"), ("gone", Sight.ADDRESS, "b")}


def test_a_silent_hop_is_no_other_path(place: HistoryPlace) -> None:
    """It contradicts nothing."""
    found = _compared(
        place, _trace(THEN, "1", "2", "9"), _trace(NOW, "1", None, "9"), _trace(NOW + 1, None, "2", "9")
    )

    assert found.sights == []


def test_another_router_is_another_path(place: HistoryPlace) -> None:
    """The path of before is gone when nothing of now agrees with it."""
    found = _compared(
        place, _trace(THEN, "1", "2", "9"), _trace(NOW, "1", None, "9"), _trace(NOW + 1, "1", "7", "9")
    )

    assert list(_news(found)) == [("new", Sight.PATH, "1 7 9"), ("gone", Sight.PATH, "1 2 9")]


def test_what_was_not_measured_then_is_not_new_now(place: HistoryPlace) -> None:
    """Nobody looked."""
    found = _compared(place, _request(NOW, 0.1), _answer(NOW, "a"), _trace(NOW, "1", "9"))

    assert found.sights == []


def test_another_origin_and_a_more_specific_are_new(place: HistoryPlace) -> None:
    """The usual one was announced an hour before the other window, and stands."""
    with Store.open(place) as store:
        store.add_routes([
            _route(THEN - 3600, "203.0.113.0/24", 64510), _route(NOW, "203.0.113.0/24", 64510),
            _route(NOW + 1, "203.0.113.0/24", 64666), _route(NOW + 2, "203.0.113.0/25", 64666),
        ])  # fmt: skip
    found = _compared(place)
    news = [(one.change, one.seen.subject, one.seen.value) for one in found.sights]

    assert news == [("new", "203.0.113.0/24", "AS64666"), ("new", "203.0.113.0/25", "AS64666")]


def test_a_route_that_nobody_repeats_is_not_gone(place: HistoryPlace) -> None:
    """And where no route was heard before, none is new: no feed ran."""
    with Store.open(place) as store:
        store.add_routes([_route(THEN, "203.0.113.0/24", 64510)])
    gone = _compared(place)
    with Reader.open(place) as reader:
        new = comparison(reader, Question(since=THEN, until=THEN + LENGTH), NOW - 2 * 86_400, NOW - 86_400)

    assert gone.sights == []
    assert new.sights == []
