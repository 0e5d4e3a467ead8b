"""Roll-ups: the same answers as from the facts, to within the scale, whatever comes late."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard
from asking import ask
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.history import HistoryDamagedError, Keep, Reader, Store
from monitor.history.answers import Latency
from monitor.history.latency_scale import BOUNDS, SECONDS, percentiles, place, rank
from monitor.history.rollup_block import (
    MOST_IN_SLOT,
    PHASES,
    Block,
    Slot,
    coarser,
    compressor,
    empty,
    pack,
    replace,
    unpack,
)
from monitor.model.history_place import HistoryPlace
from probes.observation import DnsObservation, Failure, HttpObservation, Observation

HOUR = 1_700_000_000 - 1_700_000_000 % 3600
DAY_S = 86_400.0
ALL = frozenset({"target", "vantage", "phase"})
examples = settings(derandomize=True, max_examples=80, deadline=None)


@pytest.fixture
def store(place: HistoryPlace) -> Iterator[Store]:
    """An empty history, open for writing."""
    with Store.open(place) as opened:
        yield opened


def http(second: float, wait_s: float = 0.05, **fields: Any) -> HttpObservation:
    """One answered request, complete at that second after HOUR."""
    given: dict[str, Any] = {"vantage": "v", "target": "t", "total_s": 0.0, **fields}
    return HttpObservation(at=HOUR + second, wait_s=wait_s, **given)


def traffic(seconds: int, seed: int = 1) -> list[Observation]:
    """Requests of two targets from three vantages, one every ten seconds each, some failing."""
    dice = random.Random(seed)
    return [
        http(
            second + dice.random(), round(dice.lognormvariate(-3, 1), 6), vantage=vantage, target=target,
            connect_s=round(dice.lognormvariate(-4, 0.5), 6), total_s=round(dice.lognormvariate(-2, 1), 6),
            failure=dice.choice([None, None, Failure.TOO_SLOW]),
        )
        for second in range(0, seconds, 10) for vantage in ("a", "b", "c") for target in ("t", "u")
    ]  # fmt: skip


def latency(
    store: Store, *, since: float = HOUR, until: float = HOUR + 7200, bucket_s: float = 60, **fields: Any
) -> list[Latency]:
    """The latency of the target t."""
    with Reader.open(store.place) as reader:
        return reader.latency(since, until, target="t", bucket_s=bucket_s, **fields)


def blocks(store: Store, table: str) -> list[tuple[Any, ...]]:
    """All blocks of a roll-up."""
    return ask(store.place, f"SELECT target, block, vantage, body FROM {table} ORDER BY 1, 2, 3")


@examples
@given(micros=st.integers(1_000, 9_000_000))
def test_a_place_is_within_two_percent(micros: int) -> None:
    """From one millisecond to nine seconds, where nearly every measurement is."""
    assert abs(SECONDS[place(micros)] * 1e6 - micros) <= 0.02 * micros + 0.5


@examples
@given(micros=st.integers(0, 2**52))
def test_every_duration_has_a_place(micros: int) -> None:
    """Below a millisecond it is off by 63 us at most, up to 49 s by 5 %, and the last place has all beyond."""
    found = place(micros)
    assert 0 <= found <= 255
    assert (found == 255) == (micros >= BOUNDS[-1])
    if found < 255:
        assert abs(SECONDS[found] * 1e6 - micros) <= max(63, 0.05 * micros)


@examples
@given(places=st.binary(min_size=1, max_size=300), cut=st.integers(0, 300))
def test_percentiles_of_joined_places_are_those_of_all(places: bytes, cut: int) -> None:
    """However the measurements were divided among slots; by the definition of nearest rank."""
    ordered = sorted(places)
    shares = (0.5, 0.95, 0.99, 1.0)

    expected = [SECONDS[ordered[rank(len(ordered), share)]] for share in shares]
    assert percentiles(places[cut:] + places[:cut], shares) == expected


slots = st.lists(
    st.builds(
        Slot,
        st.lists(
            st.binary(max_size=4).map(lambda b: bytes(sorted(b))), min_size=len(PHASES), max_size=len(PHASES)
        ),
        st.dictionaries(st.sampled_from(["http", "http read_timeout", "dns"]), st.integers(1, 70_000), max_size=3),
    ),
    min_size=5,
    max_size=5,
)


@examples
@given(first=slots, second=slots)
def test_slots_of_a_block_are_replaced_and_come_back(first: list[Slot], second: list[Slot]) -> None:
    """Neighbours stay as they were; a count beyond 16 bits is its largest."""
    block = empty(12)
    for start, new in ((1, second), (0, first), (6, second), (6, first)):
        replace(block, start, new)
    again = unpack(pack(block, compressor()), zstandard.ZstdDecompressor())

    expected = [*first, second[4], *first, None]
    for number, column in enumerate(again.columns):
        ends = column.ends()
        found = [column.places[begin:end] for begin, end in pairwise(ends)]
        assert found == [slot.phases[number] if slot else b"" for slot in expected]
    for name, counts in again.tallies.items():
        numbers = list(memoryview(counts).cast("H"))
        assert numbers == [min(slot.tallies.get(name, 0), 65_535) if slot else 0 for slot in expected]


@examples
@given(packed=st.binary(max_size=60) | st.binary(max_size=40).map(zstandard.ZstdCompressor().compress))
def test_a_damaged_block_is_an_error(packed: bytes) -> None:
    """Any bytes are a block or a ValueError."""
    try:
        found = unpack(packed, zstandard.ZstdDecompressor())
    except ValueError:
        return
    assert isinstance(found, Block)


@pytest.mark.parametrize(
    ("bucket_s", "by"),
    [
        (60, ALL), (120, frozenset({"vantage"})), (300, frozenset({"target", "phase"})), (900, ALL),
        (3600, frozenset({"vantage"})),
    ],
)  # fmt: skip
def test_folding_changes_no_answer(store: Store, tend: Any, bucket_s: float, by: frozenset[str]) -> None:
    """Before, in the middle and after: point for point the same, and within the scale of the exact one."""
    store.add_observations(traffic(5000))
    before = latency(store, bucket_s=bucket_s, by=by)
    for _ in range(9):
        store.tend(HOUR + 9000, Keep(facts_s=DAY_S, minutes_s=DAY_S, five_minutes_s=DAY_S))
    half = latency(store, bucket_s=bucket_s, by=by)
    folded, _ = tend(store, HOUR + 9000)
    assert folded == 2 * 17 - 9
    after = latency(store, bucket_s=bucket_s, by=by)
    exact = latency(store, bucket_s=bucket_s + 1e-9, by=by)

    assert before == half == after
    assert [(one.target, one.vantage, one.phase, one.count) for one in after] == [
        (one.target, one.vantage, one.phase, one.count) for one in exact
    ]
    for rolled, measured in zip(after, exact, strict=True):
        for ours, theirs in ((rolled.p50_s, measured.p50_s), (rolled.p99_s, measured.p99_s)):
            assert ours == pytest.approx(theirs, rel=0.02, abs=63e-6)
        assert rolled.max_s == pytest.approx(measured.max_s, rel=0.02)
        assert sum(point.count for point in rolled.points) == rolled.count
        for one, other in zip(rolled.points, measured.points, strict=True):
            assert (one.at, one.count) == (pytest.approx(other.at, abs=1), other.count)
            assert one.p95_s == pytest.approx(other.p95_s, rel=0.02, abs=63e-6)


def test_a_late_fact_is_in_the_answer_at_once_and_after_folding(store: Store, tend: Any) -> None:
    """An hour after its minute was folded it still counts, once."""
    store.add_observations([http(30, 0.1), http(90, 0.1)])
    assert tend(store, HOUR + 400)[0] == 1
    store.add_observations([http(31, 0.3, vantage="late"), http(95, 0.2)])
    waits = latency(store, by=frozenset({"target", "phase"}))
    tend(store, HOUR + 4000)

    assert [(point.at - HOUR, point.count) for one in waits if one.phase == "wait" for point in one.points] == [
        (0, 2), (60, 2)
    ]  # fmt: skip
    assert latency(store, by=frozenset({"target", "phase"})) == waits


def test_five_minutes_that_are_not_over_are_not_folded(store: Store, tend: Any) -> None:
    """And a minute's grace after; their facts are in the answer all the same, up to the second that was asked."""
    store.add_observations([http(10), http(299.5), http(301)])
    assert tend(store, HOUR + 359)[0] == 0
    assert tend(store, HOUR + 361)[0] == 1
    (wait,) = (one for one in latency(store, until=HOUR + 300.9) if one.phase == "wait")
    assert wait.count == 2
    (wait,) = (one for one in latency(store, until=HOUR + 301.5) if one.phase == "wait")
    assert wait.count == 3


def test_windows_that_do_not_begin_with_a_minute_are_answered_exactly(store: Store, tend: Any) -> None:
    """So are buckets of part of a minute; the near-miss of a whole one is not."""
    store.add_observations([http(30, 0.123456)])
    tend(store, HOUR + 400)
    for since, bucket_s, exact in (
        (HOUR + 1, 60, True),
        (HOUR, 90.5, True),
        (HOUR + 0.5, 300, True),
        (HOUR, 60, False),
    ):
        (found,) = (one for one in latency(store, since=since, bucket_s=bucket_s) if one.phase == "wait")
        assert (found.p50_s == 0.123456) == exact
        assert found.p50_s == pytest.approx(0.123456, rel=0.02)


def test_latency_outlives_the_facts_that_it_was_made_of(store: Store, tend: Any) -> None:
    """Facts go after a month, minutes after three, five-minutes after more than a year; a fact that comes then
    changes nothing of what was folded."""
    store.add_observations(traffic(1200))
    minutes, fives = latency(store, bucket_s=60), latency(store, bucket_s=300)
    tend(store, HOUR + 2000)
    tend(store, HOUR + 40 * DAY_S)
    with Reader.open(store.place) as reader:
        assert list(reader.observations(0, HOUR * 2)) == []
    store.add_observations([http(5, 9.0, vantage="a")])
    assert tend(store, HOUR + 41 * DAY_S)[0] == 1

    assert latency(store, bucket_s=60) == minutes
    tend(store, HOUR + 95 * DAY_S)
    assert (latency(store, bucket_s=60), latency(store, bucket_s=300)) == ([], fives)
    tend(store, HOUR + 402 * DAY_S)
    assert latency(store, bucket_s=300) == []
    assert blocks(store, "five_minute_block") == blocks(store, "minute_block") == []


def test_failures_are_tallied_by_word_and_kind(store: Store, tend: Any) -> None:
    """Minute by minute, requests and questions apart."""
    timeout = DnsObservation(
        at=HOUR + 70, vantage="v", target="t", server="s", name="n", failure=Failure.DNS_TIMEOUT
    )
    store.add_observations(
        [http(10), http(20, failure=Failure.TOO_SLOW), http(70, failure=Failure.TOO_SLOW), timeout]
    )
    tend(store, HOUR + 400)
    ((_, _, _, minutes),) = blocks(store, "minute_block")
    assert blocks(store, "five_minute_block") == []
    tend(store, HOUR + 95 * DAY_S)
    ((_, _, _, fives),) = blocks(store, "five_minute_block")
    tallies = {
        name: list(memoryview(counts).cast("H"))[:3]
        for name, counts in unpack(minutes, zstandard.ZstdDecompressor()).tallies.items()
    }
    whole = unpack(fives, zstandard.ZstdDecompressor()).tallies

    assert tallies == {
        "http": [2, 1, 0], "http too_slow": [1, 1, 0], "dns": [0, 1, 0], "dns dns_timeout": [0, 1, 0]
    }  # fmt: skip
    assert {name: memoryview(counts).cast("H")[0] for name, counts in whole.items()} == {
        "http": 3, "http too_slow": 2, "dns": 1, "dns dns_timeout": 1,
    }  # fmt: skip


@examples
@given(minutes=slots)
def test_five_minutes_are_five_of_the_minutes(minutes: list[Slot]) -> None:
    """Every place of every phase, in any order, and every tally, as far as a count goes."""
    block = empty(60)
    replace(block, 10, minutes)
    made = coarser(block, 5)
    slot = slice(2, 3)

    for number, column in enumerate(made.columns):
        begin, end = column.ends()[2:4]
        assert sorted(column.places[begin:end]) == sorted(b"".join(one.phases[number] for one in minutes))
        assert column.ends()[-1] == end
    for name, counts in made.tallies.items():
        whole = sum(min(one.tallies.get(name, 0), MOST_IN_SLOT) for one in minutes)
        assert list(memoryview(counts).cast("H")[slot]) == [min(whole, MOST_IN_SLOT)]


def test_more_than_a_slot_counts_is_left_out_and_nothing_shifted() -> None:
    """Two hundred requests a second: what is beyond the count goes from its slot alone."""
    many, few = ([bytes([at]) * count for at in range(len(PHASES))] for count in (20_000, 3))
    block = empty(60)
    replace(block, 0, [*[Slot(many, {})] * 5, Slot(few, {})])
    column = coarser(block, 5).columns[4]

    assert column.ends()[:3] == [0, MOST_IN_SLOT, MOST_IN_SLOT + 3]
    assert column.places == bytes([4]) * (MOST_IN_SLOT + 3)


def test_facts_that_outlive_their_minutes_still_count(store: Store, tend: Any) -> None:
    """One that comes when its hour has only five-minutes left changes those of its vantage."""
    keep = Keep(facts_s=30 * DAY_S, minutes_s=DAY_S, five_minutes_s=400 * DAY_S)
    store.add_observations([http(10), http(700), http(20, vantage="a")])
    tend(store, HOUR + 2 * DAY_S, keep)
    assert (len(blocks(store, "minute_block")), len(blocks(store, "five_minute_block"))) == (0, 2)
    for second, passed_s in ((30, 0), (710, 7200)):
        store.add_observations([http(second)])
        tend(store, HOUR + 2 * DAY_S + passed_s, keep)
    answers = [
        (one.vantage, [point.count for point in one.points])
        for one in latency(store, bucket_s=300)
        if one.phase == "total"
    ]

    assert answers == [("a", [1]), ("v", [2, 2])]
    assert (len(blocks(store, "minute_block")), len(blocks(store, "five_minute_block"))) == (0, 2)


def test_a_damaged_roll_up_names_the_place(store: Store, tend: Any) -> None:
    """Reading it and folding into it both say which table it is."""
    store.add_observations([http(10)])
    tend(store, HOUR + 400)
    ask(store.place, "UPDATE minute_block SET body = ?", (b"\0",))
    named = re.escape(f"{store.place}: minute_block is damaged")
    with pytest.raises(HistoryDamagedError, match=named):
        latency(store)
    store.add_observations([http(11)])
    with pytest.raises(HistoryDamagedError, match=named):
        tend(store, HOUR + 4400)


def test_an_older_history_is_rolled_up_when_it_is_opened(tmp_path: Path, tend: Any) -> None:
    """Facts from before the roll-ups were known are stale, so they are folded in their turn."""
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        store.add_observations(traffic(600))
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP TABLE stale; DROP TABLE minute_block; DROP TABLE five_minute_block;"
        "DELETE FROM _sqlite_migrations WHERE name = '0009_rollups'"
    )
    connection.close()
    with Store.open(path) as store:
        assert tend(store, HOUR + 1000)[0] == 4
        assert sum(one.count for one in latency(store, by=frozenset({"target"}))) == 180


def test_failures_of_long_windows_are_those_of_the_facts(store: Store, tend: Any) -> None:
    """Counted from the tallies, also when the facts are forgotten; their times are right to five minutes."""
    store.add_observations([*traffic(3000), DnsObservation(
        at=HOUR + 60, vantage="a", target="t", server="s", name="n", failure=Failure.DNS_TIMEOUT
    )])  # fmt: skip

    def failures(since: float) -> dict[tuple[str, str, str, str], tuple[int, int, float, float]]:
        with Reader.open(store.place) as reader:
            found = reader.failures(since, HOUR + 3600)
        return {(f.target, f.vantage, f.kind, f.failure): (f.count, f.of, f.first_at, f.last_at) for f in found}

    exact = failures(HOUR)
    tend(store, HOUR + 4000)
    folded = failures(HOUR - 5 * DAY_S)
    tend(store, HOUR + 5 * DAY_S, Keep(facts_s=DAY_S, minutes_s=9 * DAY_S, five_minutes_s=9 * DAY_S))
    forgotten = failures(HOUR)

    assert len(exact) == 7
    assert exact.keys() == folded.keys() == forgotten.keys()
    for who, (count, of, first, last) in exact.items():
        assert folded[who] == forgotten[who]
        assert folded[who][:2] == (count, of)
        assert 0 <= first - folded[who][2] < 300
        assert 0 <= last - folded[who][3] < 300
