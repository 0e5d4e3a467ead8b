"""Facts come out in the order in which they became known."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.diagnose.fact import known_at
from monitor.hub.fact_order import FactOrder
from probes import HttpObservation, NotMeasured


def _round(at: float) -> NotMeasured:
    return NotMeasured(at=at, vantage="v", target="shop", probe="http", reason="missed")


def test_a_slow_request_comes_after_a_quick_one_that_started_later() -> None:
    """A fact is known when it is complete: ten seconds of waiting end after a request of two seconds later."""
    slow = HttpObservation(at=100.0, vantage="v", target="shop", total_s=10.0)
    quick = HttpObservation(at=102.0, vantage="v", target="shop", total_s=0.1)
    order = FactOrder()
    order.push([slow, quick])

    assert order.release(105.0) == [quick]
    assert order.release(110.0) == [slow]


def test_facts_wait_until_nothing_earlier_should_come() -> None:
    """What is younger than the limit stays."""
    order = FactOrder()
    order.push([_round(101.0), _round(100.0)])

    assert [fact.at for fact in order.release(100.5)] == [100.0]
    assert len(order) == 1


def test_a_late_fact_is_fed_late_and_counted_not_lost() -> None:
    """A collector that is a minute behind still counts."""
    order = FactOrder()
    order.push([_round(100.0)])
    order.release(160.0)
    order.push([_round(120.0)])

    assert order.late == 1
    assert [fact.at for fact in order.release(161.0)] == [120.0]


def test_facts_of_the_same_moment_keep_their_order_of_arrival() -> None:
    """Two announcements in one message stay in the message's order."""
    order = FactOrder()
    facts = [NotMeasured(at=100.0, vantage="v", target=name, probe="http", reason="missed") for name in "bac"]
    order.push(facts)

    assert order.release(100.0) == facts


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.floats(0, 1000)), st.lists(st.integers(0, 1000)))
def test_every_fact_comes_out_once_and_each_release_is_sorted(times: list[float], limits: list[int]) -> None:
    """Whatever the times and the limits, nothing is lost, doubled or out of order within a release."""
    order = FactOrder()
    order.push(_round(at) for at in times)
    released: list[float] = []
    for limit in [*sorted(limits), 1000]:
        part = [known_at(fact) for fact in order.release(limit)]
        assert part == sorted(part)
        released += part

    assert released == sorted(times)
