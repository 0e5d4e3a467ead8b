"""What became of a run: facts lost and doubled, incidents beside those of a single engine, mails sent once."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from cluster.verdicts import Told, single_run, told
from cluster.world import World
from monitor.history import NoticeState, Reader
from monitor.model.history_place import HistoryPlace
from probes import Observation

GRID_S = 10.0
"""Two runs agree on an incident's opening when it lies within some moments of judgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`apart`: incidents of one run that the other has not; `late_s`: the largest difference of an opening."""

    sent: int
    stored: int
    lost: int
    doubled: int
    incidents: int
    apart: tuple[str, ...]
    late_s: float
    notices: int
    unsent: int
    mails: int
    mails_twice: int

    @property
    def holds(self) -> bool:
        """Whether everything is as it must be."""
        wrong = (
            self.lost,
            self.doubled,
            len(self.apart),
            self.unsent,
            self.mails_twice,
            self.mails - self.notices,
        )
        return not any(wrong) and self.late_s <= GRID_S

    def lines(self) -> list[str]:
        """As rows of a table."""
        rows = [
            ("facts sent", self.sent), ("stored", self.stored), ("lost", self.lost), ("doubled", self.doubled),
            ("incidents", self.incidents), ("not as in a single run", len(self.apart)),
            ("largest difference of an opening", f"{self.late_s:.0f} s"), ("messages owed", self.notices),
            ("mails received", self.mails), ("mails received twice", self.mails_twice),
        ]  # fmt: skip
        return [f"| {name} | {value} |" for name, value in rows] + [f"| apart: {one} | |" for one in self.apart]


def outcome(
    world: World, start: float, sent: int, place: HistoryPlace, mails: Mapping[tuple[str, str], int]
) -> Outcome:
    """Compare everything; the single engine runs in a process of its own meanwhile."""
    end = start + world.lasts_s
    with ProcessPoolExecutor(1, get_context("fork")) as beside:
        alone = beside.submit(single_run, world, start)
        with Reader.open(place) as reader:
            counted = _counted(world, start, reader.observations(start - 60.0, end + 600.0, kind="http"))
            here = told(reader.incidents(start - 60.0, end + 600.0), start, end)
            notices = reader.notices(start - 60.0, end + 600.0)
        single = told(alone.result(), start, end)
    return Outcome(
        sent=sent,
        stored=counted.stored,
        lost=counted.lost,
        doubled=counted.doubled,
        incidents=len(here),
        apart=_apart(here, single),
        late_s=_late_s(here, single),
        notices=len(notices),
        unsent=sum(notice.state is not NoticeState.SENT for notice in notices),
        mails=sum(mails.values()),
        mails_twice=sum(count > 1 for count in mails.values()),
    )


@dataclass(frozen=True, slots=True)
class _Counted:
    stored: int
    lost: int
    doubled: int


def _counted(world: World, start: float, kept: Iterable[Observation]) -> _Counted:
    """What was measured beside what is kept, a minute at a time: millions of facts need not lie in memory."""
    minutes = range(int(start // 60) - 1, int((start + world.lasts_s) // 60) + 2)
    streams = (world.facts(vantage, start) for vantage in range(world.vantages))
    stored = lost = doubled = 0
    for measured, found in zip(
        _by_minute(heapq.merge(*streams, key=_at), minutes), _by_minute(kept, minutes), strict=True
    ):
        count = Counter(found)
        stored += len(found)
        lost += len(set(measured) - count.keys())
        doubled += len(found) - len(count)
    return _Counted(stored, lost, doubled)


def _by_minute(seen: Iterable[Observation], minutes: range) -> Iterator[list[tuple[str, str, float]]]:
    """What names a fact, for those of each minute; they come in order of their end, which is no minute later."""
    held: defaultdict[int, list[tuple[str, str, float]]] = defaultdict(list)
    coming = iter(seen)
    for minute in minutes:
        for one in coming:
            held[int(one.at // 60)].append((one.vantage, one.target, one.at))
            if one.at >= (minute + 2) * 60:
                break
        yield held.pop(minute, [])


def _at(fact: Observation) -> float:
    return fact.at


def _key(one: Told) -> tuple[object, ...]:
    return (one.subject, one.cause, one.affected, one.is_closed)


def _apart(here: list[Told], single: list[Told]) -> tuple[str, ...]:
    mine, other = Counter(map(_key, here)), Counter(map(_key, single))
    said = {_key(one): f"{', '.join(one.subject)}: {one.cause} at {len(one.affected)} vantages, {_ended(one)}"
            for one in (*here, *single)}  # fmt: skip
    return tuple(f"only in the cluster: {said[key]}" for key in (mine - other).elements()) + tuple(
        f"only in a single run: {said[key]}" for key in (other - mine).elements()
    )


def _ended(one: Told) -> str:
    return "closed" if one.is_closed else "open"


def _late_s(here: list[Told], single: list[Told]) -> float:
    openings = {_key(one): one.opened for one in single}
    return max((abs(one.opened - openings[_key(one)]) for one in here if _key(one) in openings), default=0.0)
