"""The hub's crew: orders at once, boosts once, silence and wrong clocks said."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from monitor.config import parse_config
from monitor.diagnose.contact import SILENT_S
from monitor.diagnose.fact import Fact
from monitor.history.shipment import Shipment, Taken
from monitor.hub.crew import Crew
from monitor.link.messages import Batch, Orders, OrdersRequest
from monitor.web.intake import Brought
from probes import NotMeasured, Observation

KEY = "ed25519:JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
FILE = f"""
[[target]]
name = "shop"
url = "https://shop.example/"
[vantages]
v.keys = ["{KEY}"]
nobody.asn = 64500
"""


class _Centre:
    """Takes everything. Time is what `now` says."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.taken: list[tuple[int, Observation]] = []

    async def take(self, shipment: Shipment) -> Taken:
        self.taken += shipment.facts
        return Taken(fresh=(), repeated=0, refused=())

    async def put(self, facts: Sequence[Fact]) -> None:
        raise AssertionError("nothing is put but by `watch`")

    def crew(self) -> Crew:
        return Crew(
            parse_config(FILE), self,
            now=lambda: self.now, monotonic=lambda: self.now,
        )  # fmt: skip

    def brought(self, sent_at: float, late: int = 0) -> Brought:
        batch = Batch(vantage="v", sent_at=sent_at, late=bool(late))
        seen = NotMeasured(at=self.now, vantage="v", target="shop", probe="http", reason="missed")
        facts = tuple((number, seen) for number in range(1, late + 1))
        return Brought(vantage="v", batch=batch, facts=facts, refused=(), received_at=self.now)


def _ask(measures: str = "", after: int = 0) -> OrdersRequest:
    return OrdersRequest(vantage="v", sent_at=1_700_000_000.0, measures=measures, after=after)


def test_targets_are_handed_out_once_and_again_when_they_change() -> None:
    """Who has them waits; a reload with other ones ends the wait."""

    async def scenario() -> tuple[Orders, Orders]:
        crew = _Centre().crew()
        first = await crew.orders(_ask())
        assert first.measures is not None
        waiting = asyncio.create_task(crew.orders(_ask(crew.digest)))
        await asyncio.sleep(0)
        assert not waiting.done()
        crew.configure(parse_config(FILE.replace("shop.example", "new.example")))
        return first, await waiting

    first, second = asyncio.run(scenario())

    assert "shop.example" in (first.measures or "")
    assert "new.example" in (second.measures or "")


def test_a_look_is_for_one_vantage_alone() -> None:
    """The round trip of another one has not moved; what it is asked with later goes by the number all the same."""

    async def scenario() -> None:
        crew = _Centre().crew()
        crew.boost("shop", "v")
        (boost,) = (await crew.orders(_ask(crew.digest))).boosts
        assert boost.target == "shop"
        crew.boost("shop", "elsewhere")
        nothing = asyncio.create_task(crew.orders(_ask(crew.digest, after=boost.number)))
        await asyncio.sleep(0)
        assert not nothing.done()
        crew.boost("mail")
        assert [one.target for one in (await nothing).boosts] == ["mail"]

    asyncio.run(scenario())


def test_a_boost_reaches_who_waits_and_who_comes_within_a_minute_once() -> None:
    """Its number says who has had it; after a minute it is no news."""

    async def scenario() -> None:
        centre = _Centre()
        crew = centre.crew()
        digest = crew.digest
        waiting = asyncio.create_task(crew.orders(_ask(digest)))
        await asyncio.sleep(0)
        crew.boost("shop")
        (boost,) = (await waiting).boosts
        late = await crew.orders(_ask(digest))

        assert boost.target == "shop"
        assert late.boosts == (boost,)
        again = asyncio.create_task(crew.orders(_ask(digest, after=boost.number)))
        await asyncio.sleep(0)
        assert not again.done()
        crew.boost("shop")
        (second,) = (await again).boosts
        assert second.number > boost.number
        centre.now += 61.0
        too_late = asyncio.create_task(crew.orders(_ask(digest)))
        await asyncio.sleep(0)
        assert not too_late.done()
        crew.dismiss()
        assert (await too_late).boosts == ()

    asyncio.run(scenario())


def test_contact_is_a_fact_when_it_begins_ends_and_begins_again() -> None:
    """One each, when the hub knew of it; a vantage without a key is not missed."""

    async def scenario() -> tuple[list[tuple[str, str, float]], list[str]]:
        centre = _Centre()
        crew, began = centre.crew(), centre.now
        news: list[NotMeasured] = []
        with capture_logs() as logs:
            await crew.take(centre.brought(centre.now))
            for _ in range(3):
                centre.now += SILENT_S / 2 + 1.0
                news += crew.contact_news()
            await crew.take(centre.brought(centre.now))
            await crew.take(centre.brought(centre.now))
            news += crew.contact_news() + crew.contact_news()
        assert {(one.target, one.probe) for one in news} == {("hub", "contact")}
        return [(one.vantage, one.reason, one.at - began) for one in news], [log["event"] for log in logs]

    news, events = asyncio.run(scenario())

    assert news == [("v", "heard", 0.0), ("v", "silent", SILENT_S + 2.0), ("v", "heard", 1.5 * SILENT_S + 3.0)]
    assert events == ["vantage_silent", "vantage_heard_again"]


def test_a_vantage_that_never_comes_is_silent_and_one_that_is_dismissed_is_not_missed() -> None:
    """It counts from the start of the hub; a reload without its key forgets it."""
    centre = _Centre()

    async def scenario() -> tuple[list[str], list[NotMeasured]]:
        first, second = centre.crew(), centre.crew()
        second.configure(parse_config(FILE.replace("v.keys", "other.keys")))
        centre.now += SILENT_S + 1.0
        return [one.vantage for one in first.contact_news()], second.contact_news()

    missed, others = asyncio.run(scenario())

    assert missed == ["v"]
    assert [one.vantage for one in others] == ["other"]


def test_a_clock_that_is_wrong_is_said_once_and_when_it_is_right_again() -> None:
    """By what most exceeds the way here; one slow batch makes no wrong clock."""

    async def said(*off_s: float) -> list[tuple[str, object]]:
        centre = _Centre()
        crew = centre.crew()
        with capture_logs() as logs:
            for off in off_s:
                centre.now += 700.0  # a window of its own
                await crew.take(centre.brought(centre.now + off))
        return [(log["event"], log.get("ahead_s")) for log in logs]

    assert asyncio.run(said(-0.1, -30.0, -0.1)) == []
    assert asyncio.run(said(3600.0, 3600.0)) == [("vantage_clock_wrong", 3600.0)]
    assert [event for event, _ in asyncio.run(said(3600.0, 0.0, 0.0, 0.0))][-1] == "vantage_clock_right_again"


@pytest.mark.parametrize("off_s", [3600.0, -3600.0, 3.0, -7200.0])
def test_facts_of_a_wrong_clock_are_dated_by_the_hubs(off_s: float) -> None:
    """An hour ahead or behind, what is measured now is of now, and so may be concluded from."""
    centre = _Centre()
    asyncio.run(centre.crew().take(_dated(centre.now + off_s, hub_ahead_s=-off_s)))

    assert [fact.at for _, fact in centre.taken] == [centre.now]


@pytest.mark.parametrize(
    ("late", "ahead_s"), [(True, -3600.0), (False, -1.5), (False, -7201.0), (False, math.inf), (False, math.nan)]
)
def test_facts_keep_their_times_where_the_clock_of_then_is_not_known(late: bool, ahead_s: float) -> None:
    """A backlog's, those of a clock that is right enough, and those of one that no wrong hour explains."""
    centre = _Centre()
    asyncio.run(centre.crew().take(_dated(centre.now - 7.0, hub_ahead_s=ahead_s, late=late)))

    assert [fact.at for _, fact in centre.taken] == [centre.now - 7.0]


def _dated(at: float, *, hub_ahead_s: float, late: bool = False) -> Brought:
    """One fact from `at` by the vantage's clock."""
    batch = Batch(vantage="v", sent_at=at, hub_ahead_s=hub_ahead_s, late=late)
    seen = NotMeasured(at=at, vantage="v", target="shop", probe="http", reason="missed")
    return Brought(vantage="v", batch=batch, facts=((1, seen),), refused=(), received_at=_Centre().now)


def test_late_facts_take_their_time_and_fresh_ones_do_not() -> None:
    """Agents take turns: each is told when what was let in before is over."""

    async def scenario() -> tuple[float, list[float], list[float]]:
        centre = _Centre()
        crew = centre.crew()
        fresh = await crew.take(centre.brought(centre.now))
        assert fresh is not None
        pauses, waits = [], [crew.backlog_wait_s(name) for name in ("v", "w")]
        for _ in range(3):
            receipt = await crew.take(centre.brought(centre.now, late=2000))
            assert receipt is not None
            pauses.append(receipt.backlog_pause_s)
        waits += [crew.backlog_wait_s(name) for name in ("v", "w")]
        centre.now += 10.0
        waits += [crew.backlog_wait_s(name) for name in ("v", "w")]
        return fresh.backlog_pause_s, pauses, waits

    fresh_s, pauses, waits = asyncio.run(scenario())

    assert fresh_s == 0.0
    assert [round(pause, 1) for pause in pauses] == [0.5, 1.5, 2.5]
    assert [round(wait, 1) for wait in waits] == [0.0, 0.0, 2.5, 0.0, 0.0, 0.0]
