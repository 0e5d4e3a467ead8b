"""Loading: every fact once at its home, and what concerns everybody besides as a copy for each."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bus.loading import MOST_IN_CRATE, joined, load
from monitor.bus.partition import VANTAGES, Partitions
from monitor.history.shipment import Dispatch, Refusal, Shipment
from monitor.model.route import FeedState
from monitor.model.target import Target
from probes import NotMeasured

NOW = 1_700_000_000.0
PARTITIONS = Partitions([Target(name=f"t{n}", url=f"https://h{n}.example/") for n in range(12)], 5)


def _fact(target: str) -> NotMeasured:
    return NotMeasured(at=NOW, vantage="v", target=target, probe="http", reason="missed")


def _shipment(targets: list[str], first: int = 1, *, vantage: str = "v") -> Shipment:
    return Shipment(
        vantage=vantage, received_at=NOW, settled_below=first, refused=[Refusal(10**6, "old")],
        facts=[(first + place, _fact(target)) for place, target in enumerate(targets)],
    )  # fmt: skip


@settings(derandomize=True, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 14), max_size=30), min_size=1, max_size=6))
def test_stores_get_each_fact_once_and_partitions_all_that_concerns_them(batches: list[list[int]]) -> None:
    """t12 to t14 are no targets, so they concern everybody."""
    shipments = [
        _shipment([f"t{n}" for n in batch], 1 + 1000 * place, vantage=f"v{place}")
        for place, batch in enumerate(batches)
    ]
    loads = list(load(shipments, (), PARTITIONS))
    sent = [(one.vantage, *fact) for one in shipments for fact in one.facts]
    kept = [
        (part.vantage, *fact)
        for one in loads
        if not one.is_copy
        for part in one.crate.shipments
        for fact in part.facts
    ]

    assert sorted(kept, key=repr) == sorted(sent, key=repr)
    for partition in PARTITIONS.used:
        here = [part for one in loads if one.partition == partition for part in one.crate.shipments]
        concerned = [fact for fact in sent if PARTITIONS.place(fact[2].target) in (None, partition)]
        assert Counter((part.vantage, n) for part in here for n, _ in part.facts) == Counter(
            (vantage, n) for vantage, n, _ in concerned
        )


@settings(derandomize=True, max_examples=20)
@given(st.integers(0, 3 * MOST_IN_CRATE))
def test_what_is_said_once_is_said_once_however_a_shipment_is_parted(count: int) -> None:
    """What it refuses and settles; a shipment without facts goes too."""
    loads = list(load([_shipment([f"t{n % 14}" for n in range(count)], 5)], (), PARTITIONS))
    parts = [part for one in loads for part in one.crate.shipments]

    assert [part.settled_below for part in parts if part.settled_below > 1] == [5]
    assert sum(len(part.refused) for part in parts) == 1
    assert all(sum(len(part.facts) for part in one.crate.shipments) <= MOST_IN_CRATE for one in loads)


def test_a_dispatch_is_whole_at_its_home_and_its_routes_are_everybodys() -> None:
    """A route concerns every partition, an observation of a target that target's alone."""
    state = FeedState(at=NOW, source="ris-live", live=True)
    home = PARTITIONS.place("t3")
    loads = list(load((), [Dispatch(source="~feeds", number=1, facts=(state, _fact("t3")))], PARTITIONS))
    found = {(one.partition, one.is_copy): one.crate.dispatches[0].facts for one in loads}

    assert found.pop((VANTAGES, False)) == (state, _fact("t3"))
    assert {partition for partition, _ in found} == set(PARTITIONS.used) - {VANTAGES}
    assert all(is_copy for _, is_copy in found)
    for (partition, _), facts in found.items():
        assert facts == ((state, _fact("t3")) if partition == home else (state,))


@settings(derandomize=True, max_examples=30)
@given(st.lists(st.lists(st.integers(0, 14), max_size=40), min_size=1, max_size=4))
def test_a_store_puts_the_parts_of_a_shipment_together_again(batches: list[list[int]]) -> None:
    """All that a shipment said is said once more, by one shipment."""
    sent = [
        _shipment([f"t{n}" for n in batch], 1 + 1000 * place, vantage=f"v{place}")
        for place, batch in enumerate(batches)
    ]
    parts = [part for one in load(sent, (), PARTITIONS) if not one.is_copy for part in one.crate.shipments]
    found = joined(parts)

    assert [one.vantage for one in sent] == sorted(one.vantage for one in found)
    for whole, one in zip(sorted(found, key=lambda one: one.vantage), sent, strict=True):
        assert dict(whole.facts) == dict(one.facts)
        assert len(whole.facts) == len(one.facts)
        assert (whole.settled_below, list(whole.refused)) == (one.settled_below, list(one.refused))
