"""What is remembered of facts on their way: which came already, and which numbers may be forgotten."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bus.seen import GENERATION_S, Seen
from monitor.bus.settling import Settling
from monitor.history.shipment import Shipment
from monitor.hub.keeping import MOST_LATE_S
from probes import NotMeasured

NOW = 1_700_000_000.0


@settings(derandomize=True, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 20), st.floats(0, GENERATION_S / 10)), max_size=80)
)
def test_a_fact_counts_once_for_as_long_as_it_may_count_at_all(came: list[tuple[str, int, float]]) -> None:
    """Within the bound for late facts no second one gets through, whatever comes between."""
    seen, at, counted = Seen(), NOW, dict[tuple[str, int], float]()
    for source, number, pause_s in came:
        at += pause_s
        seen.tick(at)
        for _ in seen.fresh(source, [(number, None)]):
            last = counted.get((source, number))
            assert last is None or at - last > MOST_LATE_S
            counted[source, number] = at

    assert seen.repeated + len(counted) <= len(came)


def test_what_is_long_past_is_forgotten() -> None:
    """Memory is bounded by time: two generations."""
    seen = Seen()
    list(seen.fresh("a", [(1, None)]))
    for step in range(4):
        seen.tick(NOW + step * GENERATION_S)

    assert list(seen.fresh("a", [(1, "again")])) == ["again"]


def _shipment(below: int, *numbers: int) -> Shipment:
    fact = NotMeasured(at=NOW, vantage="v", target="t", probe="http", reason="missed")
    return Shipment(vantage="v", received_at=NOW, settled_below=below, facts=[(n, fact) for n in numbers])


def test_a_word_waits_for_what_stands_before_it() -> None:
    """Else facts that it overtook would be taken for repetitions, and be lost."""
    settling = Settling()
    (part,) = settling.parted([_shipment(7, 8, 9)], place=20)

    assert (part.settled_below, [number for number, _ in part.facts]) == (1, [8, 9])
    assert settling.ripe(kept=19, end=30) == []
    (ripe,) = settling.ripe(kept=20, end=30)
    assert (ripe.settled_below, list(ripe.facts)) == (7, [])
    assert settling.ripe(kept=30, end=30) == []


def test_a_word_is_not_put_off_by_the_next_ones() -> None:
    """A vantage that sends all the time would never be settled."""
    settling = Settling()
    for place in range(20, 40):
        list(settling.parted([_shipment(place)], place))

    assert [one.settled_below for one in settling.ripe(kept=20, end=40)] == [20]


def test_a_word_from_a_stream_that_is_no_more_is_dropped() -> None:
    """Its place would be reached by other messages, long before what it speaks of."""
    settling = Settling()
    list(settling.parted([_shipment(7)], place=1000))

    assert settling.ripe(kept=5, end=5) == []
    assert settling.ripe(kept=2000, end=2000) == []
