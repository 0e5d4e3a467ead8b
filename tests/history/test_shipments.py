"""Shipments: replayed, reordered and doubled ones change nothing; a fact is kept once or refused with a reason."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from asking import ask
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.history import Keep, Reader, Refusal, Shipment, Store, TooManyGapsError
from monitor.history.clock_offset import WINDOW_S, ClockOffset
from monitor.history.intake import MOST_GAPS
from monitor.history.number_ranges import contains, united
from monitor.model.history_place import HistoryPlace
from probes.observation import HttpObservation, NotMeasured, Observation

NOW = 1_700_000_000.0
examples = settings(derandomize=True, max_examples=60, deadline=None)


@pytest.fixture
def store(place: HistoryPlace) -> Iterator[Store]:
    """An empty history, open for writing."""
    with Store.open(place) as opened:
        yield opened


def fact(number: int, vantage: str = "v") -> Observation:
    """The vantage's fact with this number."""
    return HttpObservation(at=NOW + number, vantage=vantage, target=f"t{number % 3}", status=number)


def shipment(*numbers: int, vantage: str = "v", **fields: object) -> Shipment:
    """These facts of the vantage, received a minute after NOW."""
    given: dict[str, object] = {
        "received_at": NOW + 60,
        "facts": [(n, fact(n, vantage)) for n in numbers],
        **fields,
    }
    return Shipment(vantage=vantage, **given)  # type: ignore[arg-type]


def kept(store: Store) -> list[int | None]:
    """The numbers of the facts that are in the history, by time."""
    with Reader.open(store.place) as reader:
        return [one.status for one in reader.observations(0, NOW * 2) if isinstance(one, HttpObservation)]


def ranges(store: Store) -> list[tuple[int, int]]:
    """What the store remembers as settled."""
    return ask(store.place, "SELECT low, high FROM settled ORDER BY vantage, low")


numbers = st.integers(1, 40)
pairs = st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))


@examples
@given(found=st.lists(pairs, max_size=12))
def test_ranges_hold_exactly_their_numbers(found: list[tuple[int, int]]) -> None:
    """Whatever overlaps or touches becomes one; what nobody named is not in it."""
    every = {number for low, high in found for number in range(low, high + 1)}
    result = united(found)

    assert [number for number in range(50) if contains(result, number)] == sorted(every)
    assert all(earlier[1] + 1 < later[0] for earlier, later in pairwise(result))


def test_any_order_of_shipments_keeps_each_fact_once(store: Store) -> None:
    """Cut into overlapping pieces, shuffled, each sent up to three times: 200 facts, none lost, none twice."""
    dice = random.Random(7)
    pieces = [shipment(*range(start, min(start + dice.randrange(1, 20), 201))) for start in range(1, 201, 3)]
    sent = pieces * 3
    dice.shuffle(sent)
    taken = [done for piece in sent for done in store.take([piece])]

    assert sorted(kept(store)) == list(range(1, 201))
    assert sum(len(done.fresh) for done in taken) == 200
    assert sum(done.repeated for done in taken) == sum(len(piece.facts) for piece in sent) - 200
    assert ranges(store) == [(1, 200)]


def test_a_fresh_lane_and_a_backlog_meet(store: Store) -> None:
    """After an outage fresh facts come first and old ones fill the gap; a few ranges become one."""
    store.take([shipment(1, 2, 3), shipment(90, 91)])
    store.take([shipment(92)])
    assert ranges(store) == [(1, 3), (90, 92)]
    assert store.take([shipment(*range(4, 60))])[0].repeated == 0
    store.take([shipment(*range(60, 90))])

    assert ranges(store) == [(1, 92)]
    assert kept(store) == list(range(1, 93))


def test_given_up_numbers_are_forgotten_with_their_gaps(store: Store) -> None:
    """A spool that was full has holes for ever: what it says it has no more needs no ranges."""
    store.take([shipment(*range(1, 100, 2))])
    assert len(ranges(store)) == 50
    assert [len(done.fresh) for done in store.take([shipment(101, settled_below=90)])] == [1]

    assert ranges(store) == [(1, 89), (91, 91), (93, 93), (95, 95), (97, 97), (99, 99), (101, 101)]
    assert store.take([shipment(4)])[0].repeated == 1


def test_vantages_number_for_themselves(store: Store) -> None:
    """The same numbers of two vantages are two facts each; one call may bring both."""
    taken = store.take([shipment(1, 2, vantage="a"), shipment(2, 3, vantage="b"), shipment(1, 2, vantage="a")])

    assert [(len(done.fresh), done.repeated) for done in taken] == [(2, 0), (2, 0), (0, 2)]
    assert sorted(status or 0 for status in kept(store)) == [1, 2, 2, 3]


def test_a_fact_that_cannot_be_kept_is_refused_alone(store: Store) -> None:
    """Its number is settled with the others, so it does not come again; each reason is told once."""
    facts: list[tuple[int, Observation]] = [
        (1, fact(1)),
        (2, HttpObservation(at=1e300, vantage="v", target="t")),
        (3, HttpObservation(at=NOW, vantage="w", target="t")),
        (4, HttpObservation(at=NOW, vantage="v", target="t", status=2**70)),
        (5, HttpObservation(at=NOW, vantage="v", target="t", error="\ud800")),
        (6, NotMeasured(at=NOW, vantage="v", target="t", probe="http", reason="x" * 70_000)),
        (8, fact(8)),
        (8, fact(9)),
    ]
    sent = shipment(facts=facts, refused=[Refusal(7, "an hour ahead of our clock")])
    first, again = store.take([sent])[0], store.take([sent])[0]

    assert kept(store) == [1, 8]
    assert sorted(refusal.sequence for refusal in first.refused) == [2, 3, 4, 5, 6, 7]
    reasons = " ".join(refusal.reason for refusal in first.refused)
    for said in ("1e+300", "speaks for the vantage 'w'", "64 bits", "not Unicode", "70000 characters", "an hour"):
        assert said in reasons
    assert (first.repeated, again.fresh, again.repeated, again.refused) == (1, (), 9, ())
    assert ranges(store) == [(1, 8)]


@pytest.mark.parametrize(
    "fields",
    [
        {"facts": [(0, fact(1))]},
        {"facts": [(2**63, fact(1))]},
        {"refused": [Refusal(-1, "")]},
        {"settled_below": 0},
        {"sent_at": float("nan")},
        {"received_at": -1.0},
    ],
)
def test_impossible_numbers_and_times_make_no_shipment(fields: dict[str, object]) -> None:
    """They would be no numbers of a spool; nothing gets as far as the store."""
    with pytest.raises(ValueError, match="is outside"):
        shipment(**fields)


def test_the_largest_number_is_taken_and_remembered(store: Store) -> None:
    """At the end of SQLite's integers nothing overflows."""
    last = 2**63 - 1
    sent = Shipment(vantage="v", received_at=NOW, facts=[(last, fact(1)), (last - 1, fact(2))])
    assert [len(store.take([sent])[0].fresh) for _ in range(2)] == [2, 0]
    assert ranges(store) == [(last - 1, last)]


def test_a_vantage_that_leaves_endless_gaps_is_stopped(store: Store) -> None:
    """The error names the limit, and nothing of the shipment is kept; others go on."""
    store.take([Shipment(vantage="v", received_at=NOW, facts=[], refused=[
        Refusal(2 * n, "x") for n in range(1, MOST_GAPS + 1)
    ])])  # fmt: skip
    with pytest.raises(TooManyGapsError, match=f"at most {MOST_GAPS}"):
        store.take([shipment(5 * MOST_GAPS)])
    assert kept(store) == []
    store.take([shipment(1, vantage="w"), shipment(5 * MOST_GAPS, settled_below=2 * MOST_GAPS)])
    assert len(kept(store)) == 2


def test_the_store_says_when_each_vantage_came_and_how_its_clock_goes(store: Store) -> None:
    """Two minutes ahead, and half a second on the way at best: that much less is sure."""
    for delay in (3.0, 0.5, 9.0):
        store.take([shipment(int(delay) + 1, received_at=NOW + delay, sent_at=NOW + 120)])
    store.take([shipment(1, vantage="mute", received_at=NOW + 5)])
    with Reader.open(store.place) as reader:
        mute, vantage = reader.contacts()

    assert (vantage.vantage, vantage.received_at, vantage.shipments, vantage.facts) == ("v", NOW + 9, 3, 3)
    assert vantage.clock_ahead_s == pytest.approx(119.5)
    assert (mute.clock_ahead_s, mute.refusal) == (None, None)
    assert ask(store.place, "SELECT vantage, clock_ahead_ms FROM v_vantages ORDER BY 1 DESC") == [
        ("v", 119_500.0), ("mute", None)
    ]  # fmt: skip


def test_a_clock_that_is_set_is_believed_after_two_windows() -> None:
    """Old minima go; a slow moment alone makes no clock wrong."""
    offset = ClockOffset(0.0, 0.1)
    for at in range(1, 100):
        offset = offset.after(at * 10.0, at * 10.0 - (5.0 if at % 7 else 0.2))
    assert offset.estimate_s == pytest.approx(0.1)
    for at in range(100, 250):
        offset = offset.after(at * 10.0, at * 10.0 + 3600)

    assert offset.estimate_s == pytest.approx(-3600)
    assert offset.after(9_000.0 + 3 * WINDOW_S, 0.0).before_s is None


def test_every_fact_finds_the_shipment_that_brought_it(store: Store) -> None:
    """(vantage, number) leads to when it was received, also beside facts that this machine measured itself."""
    store.add_observations([fact(50)])
    store.take([shipment(1, 2, received_at=NOW + 100), shipment(2, 3, received_at=NOW + 200)])
    found = ask(
        store.place,
        "SELECT status, (SELECT received / 1000.0 FROM shipment s WHERE s.vantage = f.vantage AND s.first <= f.seq"
        " AND f.seq < s.first + s.count) FROM http f ORDER BY status",
    )

    assert found == [(1, NOW + 100), (2, NOW + 100), (3, NOW + 200), (50, None)]


def test_shipments_that_follow_each_other_share_a_row(store: Store) -> None:
    """One a second needs no row each; a pause, a gap in the facts, or a clock set back begins another one."""
    for number, at in ((1, 0.0), (2, 1.0), (3, 4.9), (4, 5.0), (5, 3.0)):
        store.take([shipment(number, received_at=NOW + at)])
    store.add_observations([fact(50)])
    store.take([shipment(6, received_at=NOW + 4.0)])
    found = ask(store.place, "SELECT first, count, received FROM shipment ORDER BY first")

    times = [(0, 3, 0.0), (3, 1, 5.0), (4, 1, 3.0), (6, 1, 4.0)]
    assert found == [(first, count, (NOW + at) * 1000) for first, count, at in times]


def test_a_vantage_that_is_still_heard_of_keeps_what_it_settled(store: Store, tend: Any) -> None:
    """Its facts may all be forgotten; a late repetition still changes nothing. The silent are forgotten."""
    store.take([shipment(1, 2), shipment(1, vantage="gone", received_at=NOW)])
    store.take([shipment(3, received_at=NOW + 86_400)])
    tend(store, NOW + 100_000, Keep(facts_s=3600, minutes_s=3600, five_minutes_s=90_000))
    assert kept(store) == []
    with Reader.open(store.place) as reader:
        assert [one.vantage for one in reader.contacts()] == ["v"]

    assert store.take([shipment(1, 2, 3)])[0].repeated == 3
    assert len(store.take([shipment(1, vantage="gone")])[0].fresh) == 1


def test_a_shipment_is_all_there_or_not_at_all(place: HistoryPlace) -> None:
    """An error in the middle of the transaction takes back facts and settled numbers alike."""
    with Store.open(place) as store:
        bad = msgspec.structs.replace(fact(9), vantage="w")
        broken = Shipment(vantage="v", received_at=NOW, facts=[(1, fact(1)), (2, bad)])
        object.__setattr__(broken, "facts", [(1, fact(1)), (2, None)])
        with pytest.raises(AttributeError):
            store.take([shipment(5), broken])
        assert (kept(store), ranges(store)) == ([], [])
        assert [len(done.fresh) for done in store.take([shipment(5), shipment(1)])] == [1, 1]
