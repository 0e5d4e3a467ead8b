"""The hub: batches, backpressure, boosts, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence

import pytest

from monitor.diagnose.fact import Fact
from monitor.history import HistoryError, Notice
from monitor.history.shipment import Shipment, Taken
from monitor.hub.hub import MOST_LATE, Hub
from monitor.hub.judging import Step
from monitor.hub.lookout import Listeners
from monitor.hub.pipeline import Pipeline
from monitor.hub.reaction import Reaction
from monitor.model.incident import Incident, IncidentChange
from monitor.model.route import RouteFact
from monitor.model.target import Target
from monitor.model.verdict import Verdict
from probes import Failure, HttpObservation, NotMeasured, Observation, clock

SHOP = Target(name="shop", url="https://shop.example/")


class _House:
    """A store and an engine that only remember; both can be made to wait, the store to fail."""

    def __init__(self) -> None:
        self.kept: list[Observation] = []
        self.batches: list[int] = []
        self.fed: list[Fact] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.takes = threading.Event()
        self.taken: list[list[bool]] = []
        self.concludes, self.may_conclude = threading.Event(), threading.Event()
        self.may_conclude.set()
        self.error: Exception | None = None
        self.verdicts: Mapping[str, Verdict] = {}
        self.uneasy: Mapping[str, float] = {}
        self.open_incidents: tuple[Incident, ...] = ()

    def add_observations(self, observations: Sequence[Observation]) -> None:
        self.may_go.wait(10)
        if self.error:
            raise self.error
        if observations:
            self.batches.append(len(observations))
        self.kept += observations

    def add_routes(self, facts: Sequence[RouteFact]) -> None:
        pass

    def take(self, shipments: Sequence[Shipment]) -> list[Taken]:
        self.takes.set()
        self.may_go.wait(10)
        self.taken.append([one.late for one in shipments])
        taken = [Taken(fresh=tuple(fact for _, fact in one.facts), repeated=0, refused=()) for one in shipments]
        self.kept += [fact for one in taken for fact in one.fresh]
        return taken

    def save_changes(self, changes: Sequence[IncidentChange], notices: Sequence[Notice]) -> None:
        raise AssertionError("there are no changes")

    def feed(self, facts: Sequence[Fact]) -> list[IncidentChange]:
        self.fed += facts
        return []

    def advance(self, now: float) -> list[IncidentChange]:
        self.concludes.set()
        self.may_conclude.wait(10)
        return []


def _rounds(count: int) -> list[NotMeasured]:
    return [
        NotMeasured(at=clock.wall(), vantage="v", target="shop", probe="http", reason=f"n{number}")
        for number in range(count)
    ]


def _pipeline(house: _House) -> Pipeline:
    return Pipeline(house, house, lambda change: ())


def test_a_stop_lets_what_was_brought_be_stored_and_concluded() -> None:
    """Facts in the queue, and facts that wait for their grace, are all worked on before `run` returns."""
    house, facts = _House(), _rounds(500)

    async def scenario() -> None:
        hub, stop = Hub(Listeners(boost=lambda target: None)), asyncio.Event()
        await hub.put(facts)
        stop.set()
        await hub.run(_pipeline(house), Reaction([SHOP]), stop)

    asyncio.run(scenario())

    assert house.kept == facts
    assert house.fed == facts


def test_facts_that_come_together_are_stored_together() -> None:
    """A burst costs one transaction, not one a fact."""
    house = _House()

    async def scenario() -> None:
        stepped = asyncio.Event()
        listeners = Listeners(
            boost=lambda target: None, stepped=lambda step: stepped.set() if step.stored else None
        )
        hub, stop = Hub(listeners), asyncio.Event()
        running = asyncio.create_task(hub.run(_pipeline(house), Reaction([SHOP]), stop))
        await hub.put(_rounds(100))
        await asyncio.wait_for(stepped.wait(), 10)
        stop.set()
        await running

    asyncio.run(scenario())

    assert house.batches == [100]


def test_a_slow_store_makes_the_bringer_wait_and_drops_nothing() -> None:
    """With a queue of ten, the eleventh fact waits for the disk; in the end all are there."""
    house, facts = _House(), _rounds(50)
    house.may_go.clear()

    async def scenario() -> int:
        hub, stop = Hub(Listeners(boost=lambda target: None), most_waiting=10), asyncio.Event()

        async def bring() -> None:
            for fact in facts:
                await hub.put([fact])

        bringing = asyncio.create_task(bring())
        running = asyncio.create_task(hub.run(_pipeline(house), Reaction([SHOP]), stop))
        while hub.waiting < 10:  # noqa: ASYNC110  (the queue has no event for being full)
            await asyncio.sleep(0)
        waiting = hub.waiting
        assert not bringing.done()
        house.may_go.set()
        await bringing
        stop.set()
        await running
        return waiting

    assert asyncio.run(scenario()) == 10
    assert house.kept == facts


def test_a_store_that_fails_ends_the_hub() -> None:
    """A monitor that cannot remember must not look alive."""
    house = _House()
    house.error = HistoryError("history h.db: disk full")

    async def scenario() -> None:
        hub = Hub(Listeners(boost=lambda target: None))
        await hub.put(_rounds(1))
        await hub.run(_pipeline(house), Reaction([SHOP]), asyncio.Event())

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(scenario())
    assert raised.group_contains(HistoryError, match="disk full")


def test_a_receipt_does_not_wait_for_a_diagnosis() -> None:
    """While the engine thinks, what comes is stored and answered; it is concluded from afterwards."""
    house, first, facts = _House(), _rounds(1), _rounds(3)
    house.may_conclude.clear()

    async def scenario() -> Taken | None:
        hub, stop = Hub(Listeners(boost=lambda target: None)), asyncio.Event()
        running = asyncio.create_task(hub.run(_pipeline(house), Reaction([SHOP]), stop))
        await hub.put(first)
        await asyncio.to_thread(house.concludes.wait, 10)
        numbered = list(enumerate(facts, start=1))
        try:
            return await asyncio.wait_for(
                hub.take(Shipment(vantage="v", received_at=clock.wall(), facts=numbered)), 10
            )
        finally:
            house.may_conclude.set()
            stop.set()
            await running

    taken = asyncio.run(scenario())

    assert taken == Taken(fresh=tuple(facts), repeated=0, refused=())
    assert house.fed == [*first, *facts]


def test_what_is_fresh_waits_for_one_transaction_of_a_backlog_at_most() -> None:
    """Twenty shipments of an outage wait already; they go on by turns with what is fresh, and never together."""
    house = _House()
    house.may_go.clear()

    async def scenario() -> None:
        hub, stop = Hub(Listeners(boost=lambda target: None)), asyncio.Event()

        def bring(number: int, *, late: bool) -> asyncio.Task[Taken | None]:
            facts = [(number, fact) for fact in _rounds(MOST_LATE // 2)]
            return asyncio.create_task(
                hub.take(Shipment(vantage="v", received_at=clock.wall(), facts=facts, late=late))
            )

        late = [bring(number, late=True) for number in range(1, 21)]
        await asyncio.sleep(0)
        running = asyncio.create_task(hub.run(_pipeline(house), Reaction([SHOP]), stop))
        await asyncio.to_thread(house.takes.wait, 10)
        fresh = bring(21, late=False)
        await asyncio.sleep(0)
        house.may_go.set()
        await asyncio.gather(fresh, *late)
        stop.set()
        await running

    asyncio.run(scenario())

    assert house.taken.index([False]) <= 1
    assert [kinds for kinds in house.taken if any(kinds)] == [[True, True]] * 10


def test_the_first_failure_boosts_its_target() -> None:
    """And the addresses that were met are passed on."""
    boosted: list[str] = []
    located: list[Observation] = []
    failed = HttpObservation(
        at=clock.wall(), vantage="v", target="shop", address="203.0.113.10", failure=Failure.READ_TIMEOUT
    )

    async def scenario() -> None:
        hub, stop = Hub(Listeners(boost=boosted.append, located=located.extend)), asyncio.Event()
        await hub.put([failed])
        stop.set()
        await hub.run(_pipeline(_House()), Reaction([SHOP]), stop)

    asyncio.run(scenario())

    assert boosted == ["shop"]
    assert located == [failed]


def test_time_passes_for_the_engine_without_facts() -> None:
    """Steps go on in silence, or nobody would notice it."""
    steps: list[Step] = []

    async def scenario() -> None:
        two = asyncio.Event()

        def stepped(step: Step) -> None:
            steps.append(step)
            if len(steps) == 2:
                two.set()

        hub, stop = Hub(Listeners(boost=lambda target: None, stepped=stepped), tick_s=0.01), asyncio.Event()
        running = asyncio.create_task(hub.run(_pipeline(_House()), Reaction([SHOP]), stop))
        await asyncio.wait_for(two.wait(), 10)
        stop.set()
        await running

    asyncio.run(scenario())

    assert [step.stored for step in steps[:2]] == [0, 0]


def test_an_exchange_happens_between_two_steps() -> None:
    """The new engine gets every fact from then on, and none is fed to both."""
    old, new = _House(), _House()
    first, second = _rounds(1), _rounds(1)

    async def scenario() -> None:
        stored = asyncio.Event()
        listeners = Listeners(
            boost=lambda target: None, stepped=lambda step: stored.set() if step.stored else None
        )
        hub, stop = Hub(listeners), asyncio.Event()
        pipeline = _pipeline(old)
        running = asyncio.create_task(hub.run(pipeline, Reaction([SHOP]), stop))
        await hub.put(first)
        await asyncio.wait_for(stored.wait(), 10)
        await hub.exchange(lambda: pipeline.replace(new), Reaction([SHOP]))
        await hub.put(second)
        stop.set()
        await running

    asyncio.run(scenario())

    assert old.fed + new.fed == first + second
    assert new.fed[-1:] == second


def test_an_exchange_forgets_no_edge() -> None:
    """Fresh VRPs come every hour: a target that has been down since yesterday is not boosted each time."""
    boosted: list[str] = []
    failed = HttpObservation(at=clock.wall(), vantage="v", target="shop", failure=Failure.READ_TIMEOUT)

    async def scenario() -> None:
        stored = asyncio.Event()
        listeners = Listeners(boost=boosted.append, stepped=lambda step: stored.set() if step.stored else None)
        hub, stop = Hub(listeners), asyncio.Event()
        running = asyncio.create_task(hub.run(_pipeline(_House()), Reaction([SHOP]), stop))
        await hub.put([failed])
        await asyncio.wait_for(stored.wait(), 10)
        await hub.exchange(lambda: None, Reaction([SHOP]))
        await hub.put([failed])
        stop.set()
        await running

    asyncio.run(scenario())

    assert boosted == ["shop"]
