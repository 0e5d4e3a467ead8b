"""What is usual at an hour of the week: learned slowly, known for what it is, and no excuse for a real trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import parse_config
from monitor.diagnose import Engine, Fact, Knowledge, known_at
from monitor.diagnose.usual_hours import KEPT_HOURS, MOST_LATE, WEEKS, PastHour, UsualHours, comparable
from monitor.model.incident import Incident
from probes.observation import Failure, HttpObservation

HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
MONDAY = 1_704_067_200.0
"""2024-01-01 00:00 UTC."""

BEGINS, ENDS = 19 * HOUR, 22 * HOUR
"""The evening of each day."""

CONFIG = """
[[target]]
name = "shop"
url = "https://shop.example/"
interval = "10m"
"""
VANTAGES = ("berlin", "london", "tokyo")


def taught(hours: dict[int, float]) -> UsualHours:
    """What was told of these hours of the week of `MONDAY` and after, in seconds of round trip."""
    usual = UsualHours()
    for hour, rtt_s in sorted(hours.items()):
        past = PastHour(target="shop", vantage="berlin", hour=int(MONDAY // HOUR) + hour, rtt_s=rtt_s)
        usual.recall(past)
    return usual


def at(hour: float) -> float:
    """The time so many hours after the beginning of `MONDAY`."""
    return MONDAY + hour * HOUR


def test_nothing_is_usual_at_an_hour_before_there_is_a_history() -> None:
    """Two evenings are a coincidence."""
    assert UsualHours().rtt_s(at(20)) is None
    assert taught({20: 0.05, 44: 0.05}).rtt_s(at(68)) is None


def test_the_same_hour_of_three_days_tells_and_the_lower_of_the_middle_counts() -> None:
    """One bad evening among them makes no custom."""
    assert taught({20: 0.02, 44: 0.30, 68: 0.03}).rtt_s(at(92)) == pytest.approx(0.03)
    assert taught({20: 0.02, 44: 0.30, 68: 0.30, 92: 0.02}).rtt_s(at(116)) == pytest.approx(0.02)


def test_the_same_hour_of_the_week_wins_over_other_days() -> None:
    """A Saturday is told by Saturdays: on the days before, the same hour was another one."""
    week = {24 * day + 20: 0.02 for day in range(5)}
    saturdays = {24 * 5 + 20: 0.08, 24 * 12 + 20: 0.09}
    usual = taught(week | saturdays | {168 + hour: rtt for hour, rtt in week.items()})

    assert usual.rtt_s(at(24 * 19 + 20)) == pytest.approx(0.08)
    assert usual.rtt_s(at(24 * 15 + 20)) == pytest.approx(0.02)


def test_an_evening_that_begins_an_hour_early_is_still_that_evening() -> None:
    """Clocks are set twice a year, and nobody is punctual."""
    usual = taught({24 * day + hour: 0.08 if hour == 20 else 0.02 for day in range(4) for hour in range(24)})

    assert usual.rtt_s(at(96 + 19)) == usual.rtt_s(at(96 + 21)) == pytest.approx(0.08)
    assert usual.rtt_s(at(96 + 18)) == usual.rtt_s(at(96 + 22)) == pytest.approx(0.02)


def test_what_is_too_old_is_forgotten_even_over_a_long_silence() -> None:
    """After a pause of many weeks an hour is not told by another one that its place in memory once held."""
    usual = taught({24 * day + 20: 0.08 for day in range(7)})
    for count in range(8):
        usual.add(at(168 * (WEEKS + 2)) + 60 * count, 0.01, None)

    assert usual.rtt_s(at(168 * (WEEKS + 2) + 20)) is None


def test_an_exchange_of_an_hour_that_is_over_changes_nothing() -> None:
    """Late facts are few; a medley of two hours would be none."""
    usual = UsualHours()
    for day in range(3):
        for count in range(10):
            usual.add(at(24 * day + 20) + count, 0.05, 0.2)
            usual.add(at(24 * day + 19) + count, 5.0, 5.0)
    usual.add(at(92), 0.02, 0.1)

    assert usual.rtt_s(at(92)) == pytest.approx(0.05)
    assert usual.think_s(at(92)) == pytest.approx(0.2)


def test_an_hour_that_a_wrong_clock_invented_does_not_stop_learning() -> None:
    """A fact of the year 2090 makes all others late; when only these come, it is forgotten."""
    usual = UsualHours()
    usual.add(at(24 * 365 * 60), 0.01, None)
    for day in range(4):
        for count in range(MOST_LATE + 10):
            usual.add(at(24 * day + 20) + count, 0.05, None)
    usual.add(at(116), 0.02, None)

    assert usual.rtt_s(at(116)) == pytest.approx(0.05)


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 10_000), min_size=5, max_size=40), st.integers(1, 200))
def test_the_figure_of_an_hour_lies_among_its_values(values: list[int], times: int) -> None:
    """However many there are: memory is bounded, and what is kept of them is still of the whole hour."""
    usual = UsualHours()
    for day in range(3):
        for number, value in enumerate(values * times):
            usual.add(at(24 * day + 20) + 3600 * number / (len(values) * times), float(value), None)
    usual.add(at(92), 0.02, None)

    found = usual.rtt_s(at(92))
    assert found is not None
    assert min(values) <= found <= max(values)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.sets(st.integers(0, KEPT_HOURS - 1), max_size=200), st.integers(0, 30))
def test_the_hours_that_are_comparable_are_all_that_is_asked_for(known: set[int], later: int) -> None:
    """Told of these alone, it says the same as told of everything."""
    values = {hour: 0.001 * (1 + hour * 7919 % 101) for hour in known}
    base = int(MONDAY // HOUR)
    windows = comparable(base + KEPT_HOURS, base + KEPT_HOURS + later + 1, base)
    asked = {hour - base for window in windows for hour in window}

    few, everything = taught({hour: values[hour] for hour in known & asked}), taught(values)

    assert few.rtt_s(at(KEPT_HOURS + later)) == everything.rtt_s(at(KEPT_HOURS + later))
    assert later > 23 or len(asked) < KEPT_HOURS / 2


Answer = Callable[[float], tuple[float, float]]
"""Round trip and think time at a time, in seconds."""


def evening_is_busy(moment: float) -> tuple[float, float]:
    """The line is full from seven to ten, and the server slower, as every day."""
    busy = BEGINS <= (moment - MONDAY) % DAY < ENDS
    return (0.070, 0.260) if busy else (0.020, 0.050)


def measured(days: range, answer: Answer, failure: Failure | None = None) -> Iterator[Fact]:
    """What three vantages see of these days after `MONDAY`, every ten minutes."""
    for number in range(days.start * 144, days.stop * 144):
        for index, vantage in enumerate(VANTAGES):
            moment = MONDAY + number * 600.0 + 7 * index
            rng = Random(f"{vantage} {number}")
            rtt_s, think_s = (value * rng.lognormvariate(0.0, 0.12) for value in answer(moment))
            yield HttpObservation(
                at=moment, vantage=vantage, target="shop", address="198.51.100.7", family=4, status=200,
                failure=failure, connect_s=rtt_s, kernel_min_rtt_s=rtt_s, wait_s=rtt_s + think_s,
                total_s=2 * rtt_s + think_s,
            )  # fmt: skip


def told(engine: Engine, facts: Iterator[Fact], chunk: int = 1) -> list[Incident]:
    """The incidents that facts make, in the order of their opening."""
    known = sorted(facts, key=known_at)
    found: dict[str, Incident] = {}
    for start in range(0, len(known), chunk):
        for change in engine.feed(known[start : start + chunk]):
            found[change.incident.id] = change.incident
    return sorted(found.values(), key=lambda incident: incident.opened_at)


def fresh(hours: tuple[PastHour, ...] = ()) -> Engine:
    """An engine that has seen nothing, and was told of these hours."""
    return Engine(Knowledge.from_config(parse_config(CONFIG), hours=hours))


def opened_on(incidents: list[Incident]) -> list[int]:
    """On which days after `MONDAY` incidents opened."""
    return [int((incident.opened_at - MONDAY) // DAY) for incident in incidents]


def evenings(count: int) -> tuple[PastHour, ...]:
    """What the last days before `MONDAY` were like, as a history tells it."""
    hours = range(int(MONDAY // HOUR) - 24 * count, int(MONDAY // HOUR))
    levels = ((hour, evening_is_busy(hour * HOUR + 1)) for hour in hours)
    return tuple(
        PastHour(target="shop", vantage=vantage, hour=hour, rtt_s=rtt_s, think_s=think_s)
        for hour, (rtt_s, think_s) in levels
        for vantage in VANTAGES
    )


def test_what_comes_every_evening_is_news_for_three_days_and_then_no_more() -> None:
    """A young monitor cannot know better; an old one must."""
    days = opened_on(told(fresh(), measured(range(4), evening_is_busy)))

    assert {0, 1, 2} >= set(days) != set()


def test_an_engine_that_was_told_of_past_evenings_is_never_surprised() -> None:
    """After a restart the first evening is as usual as the last was."""
    assert told(fresh(evenings(3)), measured(range(1), evening_is_busy)) == []
    assert told(fresh(evenings(2)), measured(range(1), evening_is_busy)) != []


@pytest.mark.parametrize(
    ("extra", "causes"),
    [
        ((0.0, 3.0), {"server.overload"}),
        ((0.4, 0.0), {"server.link", "path.congestion", "route.change", "insufficient"}),
    ],
)
def test_a_real_trouble_of_an_evening_is_news_and_named_as_at_any_hour(
    extra: tuple[float, float], causes: set[str]
) -> None:
    """A server that thinks for seconds is overloaded, and the round trip is the evening's."""

    def answer(moment: float) -> tuple[float, float]:
        rtt_s, think_s = evening_is_busy(moment)
        ill = MONDAY + DAY + BEGINS + HOUR <= moment < MONDAY + DAY + ENDS
        return (rtt_s + extra[0] * ill, think_s + extra[1] * ill)

    found = told(fresh(evenings(4)), measured(range(2), answer))

    assert {incident.cause.value for incident in found} <= causes
    assert opened_on(found) == [1]


def test_the_evenings_ills_in_the_morning_are_news() -> None:
    """What is usual at eight in the evening is not at eight in the morning."""

    def answer(moment: float) -> tuple[float, float]:
        early = 8 * HOUR <= moment - MONDAY - DAY < 10 * HOUR
        return (0.070, 0.050) if early else evening_is_busy(moment)

    assert opened_on(told(fresh(evenings(4)), measured(range(2), answer))) == [1]


def test_a_failure_is_one_however_regularly_it_comes() -> None:
    """Hours excuse slowness only."""
    past = evenings(5)
    quiet = list(measured(range(1), evening_is_busy))
    failing = [
        fact if not BEGINS <= known_at(fact) - MONDAY < ENDS else refused
        for fact, refused in zip(
            quiet, measured(range(1), evening_is_busy, Failure.CONNECTION_REFUSED), strict=True
        )
    ]

    assert [incident.cause.value for incident in told(fresh(past), iter(failing))] == ["server.down"]


def test_slowness_beyond_all_measure_stays_news_every_evening() -> None:
    """Who waits for three seconds at eight each evening suffers at eight each evening."""

    def answer(moment: float) -> tuple[float, float]:
        rtt_s, think_s = evening_is_busy(moment)
        return rtt_s, 3.0 if think_s > 0.1 else think_s

    past = tuple(
        PastHour(
            target="shop",
            vantage=one.vantage,
            hour=one.hour,
            rtt_s=one.rtt_s,
            think_s=answer(one.hour * HOUR + 1)[1],
        )
        for one in evenings(7)
    )

    assert opened_on(told(fresh(past), measured(range(1), answer))) == [0]


def test_the_hours_of_addresses_far_apart_excuse_neither() -> None:
    """The history's figure of an hour is of all addresses; half of them a continent away, it is of none."""

    def answer(moment: float) -> tuple[float, float]:
        ill = MONDAY + 20 * HOUR <= moment < MONDAY + 21 * HOUR
        return (0.110 if ill else 0.020, 0.050)

    near = list(measured(range(1), answer))
    far = [
        HttpObservation(
            at=known_at(fact) + 120, vantage=fact.vantage, target="shop", address="203.0.113.9", family=4,
            status=200, connect_s=0.15, kernel_min_rtt_s=0.15, wait_s=0.2, total_s=0.35,
        )
        for fact in near if isinstance(fact, HttpObservation)
    ]  # fmt: skip
    past = tuple(
        PastHour(target="shop", vantage=one.vantage, hour=one.hour, rtt_s=0.11, think_s=0.05)
        for one in evenings(5)
    )

    assert opened_on(told(fresh(past), iter([*near, *far]))) == [0]


def test_verdicts_do_not_depend_on_how_the_facts_are_cut() -> None:
    """Byte by byte, with hours that were told and hours that were learned."""
    facts = list(measured(range(1), evening_is_busy))

    assert told(fresh(evenings(2)), iter(facts)) == told(fresh(evenings(2)), iter(facts), chunk=97) != []
