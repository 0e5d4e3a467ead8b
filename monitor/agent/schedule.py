"""Runs every job at its time, never twice at once, and accounts for each round that did not take place.

APScheduler 3 holds the timers; `monitor.agent.timetable` says when; this file joins the two. Jobs live in
memory only and are rebuilt from the configuration, which is their one source. A due round ends in exactly
one of: the job's own run, or a `NotMeasured` with reason `missed` (the process was late or asleep),
`overlapping` (the round before still runs) or `stopped` (it was cut short by the end of the program).

It does not know what a job does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, EVENT_JOB_SUBMITTED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from monitor.agent.timetable import Job, Timetable
from monitor.model.settings import BoostSettings
from probes import NotMeasured, clock

Run = Callable[[Job], Coroutine[Any, Any, None]]
Tell = Callable[[list[NotMeasured]], Coroutine[Any, Any, None]]

# What APScheduler logs at lower levels (missed, overlapping) is told as facts already.
logging.getLogger("apscheduler").setLevel(logging.ERROR)


class Schedule:
    """The running timers of a timetable. All methods are called on the event loop's thread.

    `run` is awaited for each due round and must not raise; `tell` gets the rounds that did not take place.
    """

    def __init__(
        self, timetable: Timetable, run: Run, tell: Tell, *, vantage: str, now: Callable[[], float] = clock.wall
    ) -> None:
        self._timetable = timetable
        self._run = run
        self._tell = tell
        self._vantage = vantage
        self._now = now
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_listener(self._on_submitted, EVENT_JOB_SUBMITTED)
        self._scheduler.add_listener(self._on_missed, EVENT_JOB_MISSED)
        self._scheduler.add_listener(self._on_overlapping, EVENT_JOB_MAX_INSTANCES)
        self._accounted: dict[str, float] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._telling: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Plan a first round of every job within a few seconds, and then its grid."""
        self._scheduler.start()
        start = self._now()
        for job in self._timetable.jobs.values():
            self._plan(job, self._timetable.first_due(job, start))

    def replace(self, jobs: Iterable[Job], boost: BoostSettings) -> None:
        """Take a new configuration's jobs: unchanged ones keep their time, new and changed ones start soon.

        A round that runs is left to end; its job does not start again before that.
        """
        before = dict(self._timetable.jobs)
        self._timetable.replace(jobs, boost)
        after = self._timetable.jobs
        for key in before.keys() - after.keys():
            self._scheduler.remove_job(key)
            self._accounted.pop(key, None)
        start = self._now()
        for key, job in after.items():
            if before.get(key) != job:
                self._plan(job, self._timetable.first_due(job, start))

    def boost(self, target: str) -> float:
        """Probe the target faster for a while, from its next fine-grid round on; returns until when."""
        now = self._now()
        if self._timetable.boost(target, now):
            for key, job in self._timetable.jobs.items():
                if job.target == target:
                    self._bring_forward(key, self._timetable.next_after(job, now))
        return self._timetable.boosted_until(target)

    def realign(self) -> None:
        """Plan every job anew from now: the wall clock was set back, and the old times lie far ahead."""
        now = self._now()
        for key, job in self._timetable.jobs.items():
            self._accounted[key] = now
            self._scheduler.modify_job(key, next_run_time=_moment(self._timetable.next_after(job, now)))

    async def stop(self) -> None:
        """Start no more rounds, cut short those that run, and wait until all is told. Stopping twice is fine."""
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()
        await asyncio.sleep(0)  # a round handed to the loop just now gets to its own clean-up
        for task in tuple(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
            await asyncio.sleep(0)  # APScheduler shuts down in the loop's next turn
        if self._telling:
            await asyncio.wait(self._telling)

    def _plan(self, job: Job, due: float) -> None:
        self._accounted[job.key] = due
        self._scheduler.add_job(
            self._round,
            _GridTrigger(self._timetable, job),
            args=(job, due),
            id=job.key,
            replace_existing=True,
            next_run_time=_moment(due),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=max(round(job.boosted_s / 2), 1),  # whole seconds only
        )

    def _bring_forward(self, key: str, due: float) -> None:
        planned = self._scheduler.get_job(key)
        if planned is None or planned.next_run_time is None or planned.next_run_time.timestamp() <= due:
            return
        # Rounds of the fine grid before the boost began were never due.
        self._accounted[key] = max(self._accounted.get(key, 0.0), self._now())
        self._scheduler.modify_job(key, next_run_time=_moment(due))

    async def _round(self, job: Job, first_due: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a round runs outside of a task")
        self._running.add(task)
        try:
            await self._run(job)
        except asyncio.CancelledError:
            # Only `stop` cancels a round. Swallowed, because APScheduler would log it as a failure.
            due = self._accounted.get(job.key, first_due)
            await self._tell([self._not_measured(job, due, "stopped")])
        finally:
            self._running.discard(task)

    def _on_submitted(self, event: _SubmissionEvent) -> None:
        self._account(event.job_id, _seconds(event.scheduled_run_times[-1]), None)

    def _on_overlapping(self, event: _SubmissionEvent) -> None:
        self._account(event.job_id, _seconds(event.scheduled_run_times[-1]), "overlapping")

    def _on_missed(self, event: _MissedEvent) -> None:
        # It was submitted, so the rounds before it are accounted for.
        job = self._timetable.jobs.get(event.job_id)
        if job is not None:
            self._owe([self._not_measured(job, _seconds(event.scheduled_run_time), "missed")])

    def _account(self, key: str, due: float, reason: str | None) -> None:
        job = self._timetable.jobs.get(key)
        if job is None:
            return
        last = self._accounted.get(key, due)
        owed = [self._not_measured(job, at, "missed") for at in self._timetable.missed(job, last, due)]
        if reason is not None:
            owed.append(self._not_measured(job, due, reason))
        self._accounted[key] = due
        self._owe(owed)

    def _not_measured(self, job: Job, due: float, reason: str) -> NotMeasured:
        return NotMeasured(
            at=round(due, 3), vantage=self._vantage, target=job.target, probe=job.probe, reason=reason
        )

    def _owe(self, rounds: list[NotMeasured]) -> None:
        if not rounds:
            return
        # Listeners cannot wait, and telling waits when the history is slow.
        task = asyncio.get_running_loop().create_task(self._tell(rounds))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


async def all_once(jobs: Iterable[Job], run: Run) -> None:
    """Run every job once, now, all at the same time; `run` bounds how many really are."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(run(job))


class _GridTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """APScheduler's question "when next?", answered by the timetable."""

    def __init__(self, timetable: Timetable, job: Job) -> None:
        self._timetable = timetable
        self._job = job

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        if previous is None:
            return _moment(self._timetable.next_after(self._job, _seconds(now)))
        due = self._timetable.next_due(self._job, _seconds(previous))
        # After a long sleep APScheduler asks round by round up to now: go to the newest ones at once.
        # The rounds between are told as missed.
        late = _seconds(now) - 2 * self._job.interval_s
        return _moment(due if due >= late else self._timetable.next_after(self._job, late))


class _SubmissionEvent:
    """The part of APScheduler's JobSubmissionEvent that is used here."""

    job_id: str
    scheduled_run_times: list[datetime]


class _MissedEvent:
    """The part of APScheduler's JobExecutionEvent that is used here."""

    job_id: str
    scheduled_run_time: datetime


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _seconds(moment: datetime) -> float:
    return round(moment.timestamp(), 3)
