"""Observations are read in slices of time that hold about as many whatever the pace, and nothing is left out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.history import Reader, Store
from monitor.history.observation_slices import FACTS, FIRST_US, LONGEST_US, SHORTEST_US, next_length
from monitor.model.history_place import HistoryPlace
from probes.observation import NotMeasured

NOW = 1_700_000_000.0


@settings(derandomize=True, max_examples=60)
@given(st.floats(0.001, 1_000_000.0))
def test_at_any_pace_a_slice_holds_what_it_should(pace: float) -> None:
    """From a fact in a quarter of an hour to a million a second; only the first slice is a guess."""
    length = FIRST_US
    for _ in range(12):
        length = next_length(length, int(pace * length / 1e6))
        assert SHORTEST_US <= length <= LONGEST_US
        assert pace * length / 1e6 <= 1.01 * FACTS + pace * SHORTEST_US / 1e6

    assert length in (LONGEST_US, SHORTEST_US) or pace * length / 1e6 >= 0.9 * FACTS


@settings(derandomize=True, max_examples=20)
@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_the_next_slice_grows_no_more_than_so_much(length: int, found: int) -> None:
    """A quiet hour before a busy one must not be followed by a slice that nobody could hold."""
    assert next_length(length, found) <= max(4 * length, SHORTEST_US)


def test_a_burst_between_quiet_hours_is_read_whole(place: HistoryPlace) -> None:
    """Each fact once and in order, over slices of all lengths; and only of the targets that are asked for."""
    times = [NOW + 900.0 * n for n in range(12)]
    times += [NOW + 5000.0 + n / 100 for n in range(2000)] + [NOW + 50_000.0]
    facts = [
        NotMeasured(at=at, vantage="v", target=f"t{n % 3}", probe="http", reason="missed")
        for n, at in enumerate(sorted(times))
    ]
    with Store.open(place) as store:
        store.add_observations(facts)

    with Reader.open(place) as reader:
        assert list(reader.observations(0, NOW * 2)) == facts
        of_two = list(reader.observations(0, NOW * 2, targets=("t0", "t2", "nobody")))
        assert of_two == [fact for fact in facts if fact.target != "t1"]
        assert list(reader.observations(0, NOW * 2, targets=())) == []
