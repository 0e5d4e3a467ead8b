"""What the dashboard asks of the history: the present state, failures over time, who originates a prefix."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.history import Keep, Reader, Store
from monitor.history.answers import Availability, VisibilityStep
from monitor.model import AsPath, FeedState, PeerState, RouteEvent, RouteFact, RouteKind, parse_prefix
from monitor.model.asn import Asn
from monitor.model.history_place import HistoryPlace
from probes.observation import Failure, HttpObservation

HOUR = 1_700_000_000 - 1_700_000_000 % 3600
KEEP = Keep(facts_s=1e6, minutes_s=1e6, five_minutes_s=1e6)
PREFIX = "198.51.100.0/24"

Origin = tuple[str, tuple[int, ...]]
Steps = list[tuple[float, int]]


@pytest.fixture
def store(place: HistoryPlace) -> Iterator[Store]:
    """An empty history, open for writing."""
    with Store.open(place) as opened:
        yield opened


def http(second: float, vantage: str = "v", target: str = "t", failure: Failure | None = None) -> HttpObservation:
    """A request that was complete at that second after HOUR."""
    return HttpObservation(
        at=HOUR + second, vantage=vantage, target=target, address="198.51.100.10", total_s=0.0, wait_s=0.05,
        failure=failure, status=200,
    )  # fmt: skip


def announced(second: float, peer: int, origin: int | None, prefix: str = PREFIX) -> RouteEvent:
    """What a peer says of a prefix; None: it has no route any more."""
    return RouteEvent(
        at=HOUR + second,
        kind=RouteKind.WITHDRAWAL if origin is None else RouteKind.ANNOUNCEMENT,
        prefix=parse_prefix(prefix),
        peer=f"192.0.2.{peer}",
        peer_asn=Asn(64500 + peer),
        collector="rrc00",
        path=None if origin is None else AsPath((Asn(64500 + peer), Asn(origin))),
    )


def test_newest_is_the_last_of_each_vantage_with_how_many_failed(store: Store) -> None:
    """By completion, within the window, each target and vantage for itself."""
    down = Failure.CONNECT_TIMEOUT
    store.add_observations(
        [http(10), http(40, failure=down), http(70), http(20, "w", failure=down), http(5000), http(30, target="u")]
    )
    with Reader.open(store.place) as reader:
        found = reader.newest(HOUR, HOUR + 100)
        (only,) = reader.newest(HOUR, HOUR + 100, target="u")

    assert [(one.observation.target, one.observation.vantage) for one in found] == [
        ("t", "v"),
        ("t", "w"),
        ("u", "v"),
    ]
    assert found[0].observation == http(70)
    assert [(one.rounds, one.failed) for one in found] == [(3, 1), (1, 1), (1, 0)]
    assert only.observation == http(30, target="u")


def test_newest_of_what_nobody_heard_of_is_nothing(store: Store) -> None:
    """No target of that name, and none in the window."""
    store.add_observations([http(10)])
    with Reader.open(store.place) as reader:
        assert reader.newest(HOUR, HOUR + 100, target="x") == []
        assert reader.newest(HOUR + 50, HOUR + 100) == []


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from([60, 300, 600]), st.booleans())
def test_availability_is_the_same_rolled_up_and_counted_by_hand(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    bucket: int,
    rolled: bool,
) -> None:
    """Stale slots, blocks and the last part of a slot together are every request once."""
    dice = random.Random(seed)
    seconds = sorted(dice.uniform(0, 4000) for _ in range(60))
    words = [None, None, Failure.READ_TIMEOUT, Failure.CONNECTION_REFUSED]
    seen = [http(round(second, 3), dice.choice("vw"), failure=dice.choice(words)) for second in seconds]
    until = dice.choice([3600.0, 3917.0, 4000.0])
    expected: dict[int, list[int]] = {}
    for one in seen:
        if one.at < HOUR + until:
            counts = expected.setdefault(int(one.at - HOUR) // bucket, [0, 0])
            counts[0] += 1
            counts[1] += one.failure is not None
    path = tmp_path_factory.mktemp("availability") / "history.db"
    with Store.open(path) as store:
        store.add_observations(seen[:40])
        if rolled:
            while store.tend(HOUR + 4000, KEEP).more:
                pass
        store.add_observations(seen[40:])
        with Reader.open(path) as reader:
            found = reader.availability(HOUR, HOUR + until, target="t", bucket_s=bucket)

    assert found == [
        Availability(at=float(HOUR + number * bucket), requests=requests, failed=failed)
        for number, (requests, failed) in sorted(expected.items())
    ]


def test_availability_needs_whole_minutes(store: Store) -> None:
    """The roll-ups have no others."""
    store.add_observations([http(10)])
    with Reader.open(store.place) as reader, pytest.raises(ValueError, match="not of whole minutes"):
        reader.availability(HOUR, HOUR + 100, target="t", bucket_s=7.0)


def visible(store: Store, facts: list[RouteFact], since: float = 100, until: float = 1000) -> dict[Origin, Steps]:
    """Peers over time by prefix and origins; times in seconds after HOUR."""
    store.add_observations([http(50)])
    store.add_routes(facts)
    with Reader.open(store.place) as reader:
        found = reader.visibility(HOUR + since, HOUR + until, target="t")
    return {(one.prefix, one.origins): [(step.at - HOUR, step.peers) for step in one.steps] for one in found}


def test_what_stood_before_the_window_stands_at_its_start(store: Store) -> None:
    """A stable route is announced once and never again."""
    facts: list[RouteFact] = [announced(1, 1, 65001), announced(2, 2, 65001), announced(3, 3, 65001)]

    assert visible(store, facts) == {(PREFIX, (65001,)): [(100, 3)]}


def test_peers_go_over_to_another_origin_one_by_one(store: Store) -> None:
    """Each step is a peer; a withdrawal takes one away, an unchanged route none."""
    facts: list[RouteFact] = [
        *(announced(1, peer, 65001) for peer in (1, 2, 3)),
        announced(200, 1, 65666), announced(300, 2, 65666), announced(310, 2, 65666), announced(400, 2, None),
    ]  # fmt: skip

    assert visible(store, facts) == {
        (PREFIX, (65001,)): [(100, 3), (200, 2), (300, 1)],
        (PREFIX, (65666,)): [(200, 1), (300, 2), (400, 1)],
    }


def test_a_session_that_ends_takes_its_routes_along(store: Store) -> None:
    """They are unknown from then on, until the peer tells them again."""
    down = PeerState(at=HOUR + 200.0, collector="rrc00", peer="192.0.2.1", peer_asn=Asn(64501), up=False)
    facts: list[RouteFact] = [announced(1, 1, 65001), announced(2, 2, 65001), down, announced(300, 1, 65001)]

    assert visible(store, facts) == {(PREFIX, (65001,)): [(100, 2), (200, 1), (300, 2)]}


def test_prefixes_that_do_not_hold_the_targets_addresses_are_left_out(store: Store) -> None:
    """More and less specific ones that do are in."""
    facts: list[RouteFact] = [
        announced(1, 1, 65001, "198.51.0.0/16"), announced(2, 1, 65001, "198.51.100.0/26"),
        announced(3, 1, 65001, "203.0.113.0/24"),
    ]  # fmt: skip

    assert {prefix for prefix, _ in visible(store, facts)} == {"198.51.0.0/16", "198.51.100.0/26"}


_TOLD = st.tuples(st.integers(0, 900), st.integers(1, 4), st.sampled_from([None, 65001, 65002]))


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 4), st.sampled_from([None, 65001, 65002])), max_size=30)
)
def test_steps_are_what_a_table_says_at_each_moment(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, int, int | None]]
) -> None:
    """Against a table that is kept by hand; the times differ, so that their order is plain."""
    told = sorted({second: (second, peer, origin) for second, peer, origin in told}.values())
    with Store.open(tmp_path_factory.mktemp("visibility") / "history.db") as store:
        found = visible(store, [announced(*one) for one in told], since=0)
    for moment in (0, 150, 450, 899):
        table: dict[int, int | None] = {}
        for second, peer, origin in told:
            if second <= moment:
                table[peer] = origin
        for origin in (65001, 65002):
            steps = [VisibilityStep(at=at, peers=peers) for at, peers in found.get((PREFIX, (origin,)), [])]
            now = [step.peers for step in steps if step.at <= moment]
            assert (now[-1] if now else 0) == list(table.values()).count(origin)


def test_feeds_are_as_they_said_last(store: Store) -> None:
    """Of before the moment that is asked for."""
    states = [
        FeedState(at=HOUR + second, source=source, live=live, reason=reason)
        for second, source, live, reason in (
            (1.0, "ris", True, ""), (2.0, "bmp", True, ""), (3.0, "ris", False, "gone"), (9.0, "ris", True, "")
        )
    ]  # fmt: skip
    store.add_routes(states)
    with Reader.open(store.place) as reader:
        found = reader.feed_states(HOUR + 5.0)

    assert [(one.source, one.live, one.reason) for one in found] == [("bmp", True, ""), ("ris", False, "gone")]
