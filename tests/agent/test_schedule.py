"""The schedule on a real event loop and a real APScheduler: no overlap, and no round unaccounted.

Rounds are some milliseconds apart; the tests wait for events, never for a time to pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from monitor.agent.schedule import Schedule, all_once
from monitor.agent.timetable import Job, Probe, Timetable
from monitor.model.settings import BoostSettings
from probes import NotMeasured, clock

DEADLINE_S = 10.0


def _job(target: str = "shop", *, interval_s: float = 0.05, boosted_s: float = 0.05) -> Job:
    return Job(target=target, probe=Probe.HTTP, interval_s=interval_s, offset_s=0.0, boosted_s=boosted_s)


class _Rounds:
    """Counts rounds, and lets them wait until told otherwise."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.go = asyncio.Event()
        self.told: list[NotMeasured] = []
        self.changed = asyncio.Condition()

    async def run(self, job: Job) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.started.append(job.target)
        await self._tell_all()
        try:
            await self.go.wait()
        finally:
            self.at_once -= 1

    async def tell(self, rounds: Sequence[NotMeasured]) -> None:
        self.told += rounds
        await self._tell_all()

    async def until(self, condition: object) -> None:
        assert callable(condition)
        async with asyncio.timeout(DEADLINE_S), self.changed:
            await self.changed.wait_for(condition)

    async def _tell_all(self) -> None:
        async with self.changed:
            self.changed.notify_all()


def _schedule(rounds: _Rounds, *jobs: Job, boost: BoostSettings | None = None) -> Schedule:
    timetable = Timetable(jobs, boost or BoostSettings())
    return Schedule(timetable, rounds.run, rounds.tell, vantage="v")


def test_a_round_that_runs_is_not_started_again_and_the_skipped_ones_are_told() -> None:
    """While the first round hangs, each due round is `overlapping`, and none is started beside it."""

    async def scenario() -> _Rounds:
        rounds = _Rounds()
        schedule = _schedule(rounds, _job())
        schedule.start()
        await rounds.until(lambda: sum(one.reason == "overlapping" for one in rounds.told) >= 3)
        await schedule.stop()
        return rounds

    rounds = asyncio.run(scenario())

    assert rounds.started == ["shop"]
    assert rounds.most_at_once == 1
    assert {one.probe for one in rounds.told} == {"http"}


def test_rounds_go_on_after_a_slow_one() -> None:
    """The job is not lost by having overlapped."""

    async def scenario() -> _Rounds:
        rounds = _Rounds()
        schedule = _schedule(rounds, _job())
        schedule.start()
        await rounds.until(lambda: bool(rounds.told))
        rounds.go.set()
        await rounds.until(lambda: len(rounds.started) >= 3)
        await schedule.stop()
        return rounds

    assert asyncio.run(scenario()).most_at_once == 1


def test_a_process_that_was_asleep_tells_every_round_it_missed() -> None:
    """The loop is blocked for twenty rounds, as by a suspended machine: all of them are `missed` or run."""

    async def scenario() -> tuple[_Rounds, float, float]:
        rounds = _Rounds()
        rounds.go.set()
        schedule = _schedule(rounds, _job())
        schedule.start()
        await rounds.until(lambda: len(rounds.started) >= 2)
        asleep_from = clock.wall()
        while clock.wall() < asleep_from + 1.0:  # the loop does not turn
            pass
        asleep_until = clock.wall()
        await rounds.until(lambda: sum(one.reason == "missed" for one in rounds.told) >= 17)
        await schedule.stop()
        return rounds, asleep_from, asleep_until

    rounds, asleep_from, asleep_until = asyncio.run(scenario())
    missed = [one.at for one in rounds.told if one.reason == "missed"]

    assert len(missed) == len(set(missed))
    assert 17 <= sum(asleep_from <= at <= asleep_until for at in missed) <= 21


def test_stopping_tells_the_round_that_was_cut_short() -> None:
    """What had begun and could not end is `stopped`, not forgotten."""

    async def scenario() -> _Rounds:
        rounds = _Rounds()
        schedule = _schedule(rounds, _job(interval_s=3600.0))
        schedule.start()
        await rounds.until(lambda: bool(rounds.started))
        await schedule.stop()
        return rounds

    rounds = asyncio.run(scenario())

    assert [one.reason for one in rounds.told] == ["stopped"]
    assert rounds.at_once == 0


def test_stopping_twice_does_nothing() -> None:
    """The second call finds nothing to stop."""

    async def scenario() -> None:
        schedule = _schedule(_Rounds(), _job())
        schedule.start()
        await schedule.stop()
        await schedule.stop()

    asyncio.run(scenario())


def test_a_boost_brings_the_next_round_forward() -> None:
    """An hourly target is probed within a fraction of a second of its boost, again and again."""

    async def scenario() -> _Rounds:
        rounds = _Rounds()
        rounds.go.set()
        hourly = _job(interval_s=3600.0, boosted_s=0.05)
        schedule = _schedule(rounds, hourly, boost=BoostSettings(interval_s=0.05, duration_s=60.0))
        schedule.start()
        await rounds.until(lambda: bool(rounds.started))
        schedule.boost("shop")
        await rounds.until(lambda: len(rounds.started) >= 4)
        await schedule.stop()
        return rounds

    rounds = asyncio.run(scenario())

    assert [one for one in rounds.told if one.reason == "missed"] == []


def test_a_reload_starts_new_jobs_and_ends_removed_ones() -> None:
    """The new target is probed at once; the removed one is not probed any more."""

    async def scenario() -> tuple[_Rounds, int]:
        rounds = _Rounds()
        rounds.go.set()
        schedule = _schedule(rounds, _job("old"))
        schedule.start()
        await rounds.until(lambda: "old" in rounds.started)
        schedule.replace([_job("new")], BoostSettings())
        olds = rounds.started.count("old")
        await rounds.until(lambda: rounds.started.count("new") >= 5)
        await schedule.stop()
        return rounds, olds

    rounds, olds = asyncio.run(scenario())

    assert rounds.started.count("old") == olds


def test_a_clock_set_back_does_not_stop_the_probing() -> None:
    """After a step back by an hour every planned round lies ahead; realigned, they come at once."""

    async def scenario() -> list[str]:
        rounds = _Rounds()
        rounds.go.set()
        ahead_s = 3600.0
        timetable = Timetable([_job()], BoostSettings())
        schedule = Schedule(timetable, rounds.run, rounds.tell, vantage="v", now=lambda: clock.wall() + ahead_s)
        schedule.start()  # planned by a clock that is an hour ahead, which is then set right
        ahead_s = 0.0
        before = list(rounds.started)
        schedule.realign()
        await rounds.until(lambda: len(rounds.started) >= 2)
        await schedule.stop()
        return before

    assert asyncio.run(scenario()) == []


def test_all_once_runs_each_job_once() -> None:
    """The plain mode for cron needs no timers."""

    async def scenario() -> _Rounds:
        rounds = _Rounds()
        rounds.go.set()
        await all_once([_job("a"), _job("b")], rounds.run)
        return rounds

    assert sorted(asyncio.run(scenario()).started) == ["a", "b"]


def test_all_once_lets_a_failure_through() -> None:
    """What a round raises (the store has failed) ends the whole."""

    async def broken(job: Job) -> None:
        raise OSError("disk full")

    with pytest.RaisesGroup(OSError):
        asyncio.run(all_once([_job()], broken))
