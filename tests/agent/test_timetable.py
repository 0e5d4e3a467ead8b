"""The timetable: grids, spreading, boosts and missed rounds, with time as a value."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.agent.timetable import MOST_MISSED_ROUNDS, Job, Probe, Timetable, is_public_name, jobs_of, spread
from monitor.model.settings import BoostSettings, Config, TracerouteSettings
from monitor.model.target import Control, Target

BOOST = BoostSettings(interval_s=5.0, duration_s=180.0)
NOW = 1_700_000_000.0


def _job(*, interval_s: float = 30.0, offset_s: float = 7.0, target: str = "shop", boosted_s: float = 5.0) -> Job:
    return Job(target=target, probe=Probe.HTTP, interval_s=interval_s, offset_s=offset_s, boosted_s=boosted_s)


def test_a_restart_keeps_the_grid() -> None:
    """Two timetables of the same configuration agree on every round, whenever they were made."""
    config = Config(vantage="seoul-1", targets=(Target(name="shop", url="https://shop.example/"),))
    one, other = Timetable(jobs_of(config), BOOST), Timetable(jobs_of(config), BOOST)

    for key, planned in one.jobs.items():
        assert one.next_after(planned, NOW) == other.next_after(other.jobs[key], NOW)


def test_rounds_follow_each_other_by_exactly_the_interval() -> None:
    """The grid does not drift: the thousandth round is where arithmetic says."""
    table, planned = Timetable([_job()], BOOST), _job()
    first = at = table.next_after(planned, NOW)
    for _ in range(1000):
        at = table.next_due(planned, at)

    assert at == first + 1000 * 30.0


def test_a_thousand_targets_are_spread_evenly() -> None:
    """No tenth of the interval gets more than one and a half times its share of the first probes."""
    shares = Counter(int(spread(f"target-{n}", Probe.HTTP, "seoul-1") * 10) for n in range(1000))

    assert sum(shares.values()) == 1000
    assert max(shares.values()) < 150
    assert min(shares.values()) > 50


def test_vantages_do_not_probe_a_target_in_step() -> None:
    """The vantage is part of the hash, so that a hundred vantages do not hit a server at once."""
    assert len({spread("shop", Probe.HTTP, f"vantage-{n}") for n in range(100)}) == 100


@settings(derandomize=True, max_examples=200)
@given(
    interval_s=st.floats(0.5, 86400.0).map(lambda value: round(value, 3)),
    share=st.floats(0, 0.999),
    now=st.floats(1e9, 3e9),  # the years 2001 to 2065
)
def test_the_next_round_is_later_and_at_most_one_interval_away(
    interval_s: float, share: float, now: float
) -> None:
    """Whatever the interval and the time, no round is in the past, and none is skipped."""
    planned = _job(interval_s=interval_s, offset_s=round(share * interval_s, 3))
    due = Timetable([planned], BOOST).next_after(planned, now)

    assert now < due <= now + interval_s + 0.002


def test_the_first_round_comes_within_seconds_of_the_start() -> None:
    """A traceroute every five minutes does not wait five minutes for its first one."""
    planned = _job(interval_s=300.0, offset_s=299.0)
    table = Timetable([planned], BOOST)

    assert NOW <= table.first_due(planned, NOW) <= NOW + 2.0


def test_the_grid_round_does_not_fall_upon_the_first_one() -> None:
    """A grid point just after the first round is left out: the next is at least half an interval away."""
    planned = _job(interval_s=30.0, offset_s=(NOW + 1.5) % 30.0)
    table = Timetable([planned], BOOST)
    first = table.first_due(planned, NOW)

    assert 15.0 < table.next_due(planned, first) - first <= 45.0


def test_a_boost_makes_rounds_finer_and_ends_by_itself() -> None:
    """Every five seconds while boosted; every thirty seconds afterwards."""
    planned = _job()
    table = Timetable([planned], BOOST)
    table.boost("shop", NOW)
    rounds = [NOW]
    while rounds[-1] < NOW + 300:
        rounds.append(table.next_due(planned, rounds[-1]))
    gaps = [later - earlier for earlier, later in pairwise(rounds[1:])]

    assert gaps[:30] == [5.0] * 30
    assert gaps[-2:] == [30.0] * 2


def test_a_second_boost_extends_and_does_not_stack() -> None:
    """Two boosts a minute apart end three minutes after the second, not six after the first."""
    table = Timetable([_job()], BOOST)

    assert table.boost("shop", NOW) is True
    assert table.boost("shop", NOW + 60) is False
    assert table.boosted_until("shop") == NOW + 60 + 180
    assert table.boost("shop", NOW + 500) is True


def test_a_boost_leaves_other_targets_alone() -> None:
    """Only the target in trouble is probed faster."""
    other = _job(target="mail")
    table = Timetable([_job(), other], BOOST)
    table.boost("shop", NOW)
    due = table.next_after(other, NOW)

    assert table.next_due(other, due) == due + 30.0


def test_a_boost_never_slows_down() -> None:
    """A target probed every second keeps its second when the boost asks for five."""
    config = Config(vantage="v", targets=(Target(name="fast", url="http://198.51.100.1/", interval_s=1.0),))
    (planned, _) = jobs_of(config)
    table = Timetable([planned], BOOST)
    table.boost("fast", NOW)
    due = table.next_after(planned, NOW)

    assert table.next_due(planned, due) - due == pytest.approx(1.0)


def test_rounds_between_two_runs_are_missed() -> None:
    """After a pause of two minutes, the three rounds between are named with their times."""
    planned = _job(offset_s=0.0)
    table = Timetable([planned], BOOST)
    last = table.next_after(planned, NOW)

    assert table.missed(planned, last, last + 120) == (last + 30, last + 60, last + 90)


def test_punctual_rounds_miss_nothing() -> None:
    """Two rounds that follow each other on the grid have none between."""
    planned = _job()
    table = Timetable([planned], BOOST)
    last = table.next_after(planned, NOW)

    assert table.missed(planned, last, table.next_due(planned, last)) == ()


def test_missed_rounds_after_a_week_asleep_are_bounded() -> None:
    """The newest thousand are told, at once, however long the gap was."""
    planned = _job(interval_s=0.5, offset_s=0.0, boosted_s=0.5)
    table = Timetable([planned], BOOST)
    missed = table.missed(planned, NOW, NOW + 7 * 86400)

    assert len(missed) == MOST_MISSED_ROUNDS
    assert missed[-1] == NOW + 7 * 86400 - 0.5


def test_a_target_gets_http_dns_and_trace_and_a_control_only_http() -> None:
    """A control tells a sick vantage; it is not itself diagnosed."""
    config = Config(
        vantage="v",
        targets=(Target(name="shop", url="https://shop.example/"),),
        controls=(Control(name="control", url="https://control.example/"),),
    )

    assert [planned.key for planned in jobs_of(config)] == ["http shop", "dns shop", "trace shop", "http control"]


def test_traceroute_can_be_switched_off() -> None:
    """`enabled = false` leaves no trace job."""
    config = Config(
        vantage="v",
        targets=(Target(name="shop", url="https://shop.example/"),),
        traceroute=TracerouteSettings(enabled=False),
    )

    assert [planned.probe for planned in jobs_of(config)] == [Probe.HTTP, Probe.DNS]


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://shop.example/", True),
        ("https://shop.example.:8443/", True),
        ("http://192.168.7.1/", False),
        ("http://[2001:db8::1]:8080/", False),
        ("http://localhost:8080/", False),
        ("http://api.localhost/", False),
        ("http://printer.local/", False),
        ("http://intranet/", False),
    ],
)
def test_only_names_that_the_public_dns_holds_get_dns_rounds(url: str, public: bool) -> None:
    """Asking a resolver for `localhost` would report a failure that is none."""
    assert is_public_name(url) is public
