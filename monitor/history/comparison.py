"""Two windows beside each other: figures, failures, and what only one of them saw.

What both saw is not told. A silent hop is a wildcard, so a path is new only when it contradicts every path of the
other window; and where a window has nothing of a kind for a subject, nothing of the other's is new or gone there:
what was not measured is evidence of nothing. Of routes only what is new is told, beside the day before the other
window too: a route is said once and stands until it is withdrawn, so that nobody repeats it does not make it gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from monitor.history.answers import (
    Failures,
    FailuresCompared,
    Figures,
    Latency,
    LatencyCompared,
    RouteSummary,
    Seen,
    Sight,
    SightCompared,
)
from monitor.history.overview import Question
from monitor.history.reader import Reader
from monitor.history.rollup_block import PHASES
from monitor.history.sights import PathSeries, SeenPath

_ROUTES_STAND_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between the question's window (`now`) and one of another time (`then`)."""

    now: Question
    then: Question
    latency: list[LatencyCompared]
    failures: list[FailuresCompared]
    sights: list[SightCompared]

    def answers(self) -> Iterator[msgspec.Struct]:
        """Every answer, tagged by `view`."""
        yield from self.latency
        yield from self.failures
        yield from self.sights


def comparison(reader: Reader, now: Question, then_since: float, then_until: float) -> Comparison:
    """Compare the question's window with [then_since, then_until)."""
    then = replace(now, since=then_since, until=then_until)
    return Comparison(
        now=now,
        then=then,
        latency=_latency(_latencies(reader, then), _latencies(reader, now)),
        failures=_failures(_all_failures(reader, then), _all_failures(reader, now)),
        sights=[
            *_sights(_seen(reader, then), _seen(reader, now)),
            *_origins(_announced(reader, then, _ROUTES_STAND_S), _announced(reader, now, 0.0)),
            *_paths(_ways(reader, then), _ways(reader, now)),
        ],
    )


def _latencies(reader: Reader, question: Question) -> list[Latency]:
    return reader.latency(
        question.since, question.until, target=question.target, vantage=question.vantage,
        by=question.by | {"target"}, bucket_s=question.bucket_s,
    )  # fmt: skip


def _latency(then: Sequence[Latency], now: Sequence[Latency]) -> list[LatencyCompared]:
    old = {(one.target, one.vantage, one.phase): _figures(one) for one in then}
    new = {(one.target, one.vantage, one.phase): _figures(one) for one in now}
    keys = sorted({*old, *new}, key=lambda key: (key[0] or "", key[1] or "", PHASES.index(key[2])))
    return [
        LatencyCompared(
            target=key[0], vantage=key[1], phase=key[2], then=old.get(key), now=new.get(key)
        )
        for key in keys
    ]  # fmt: skip


def _figures(one: Latency) -> Figures:
    return Figures(count=one.count, p50_s=one.p50_s, p95_s=one.p95_s, p99_s=one.p99_s)


def _all_failures(reader: Reader, question: Question) -> list[Failures]:
    return reader.failures(question.since, question.until, target=question.target, vantage=question.vantage)


def _failures(then: Sequence[Failures], now: Sequence[Failures]) -> list[FailuresCompared]:
    old = {(one.target, one.vantage, one.kind, one.failure): one for one in then}
    new = {(one.target, one.vantage, one.kind, one.failure): one for one in now}
    return [
        FailuresCompared(
            target=key[0], vantage=key[1], kind=key[2], failure=key[3],
            then_count=old[key].count if key in old else 0, then_of=old[key].of if key in old else 0,
            now_count=new[key].count if key in new else 0, now_of=new[key].of if key in new else 0,
        )
        for key in sorted({*old, *new})
    ]  # fmt: skip


def _seen(reader: Reader, question: Question) -> list[Seen]:
    return reader.sights(question.since, question.until, target=question.target, vantage=question.vantage)


def _announced(reader: Reader, question: Question, earlier_s: float) -> list[RouteSummary]:
    return reader.route_events(question.since - earlier_s, question.until, target=question.target)


def _origins(then: Sequence[RouteSummary], now: Sequence[RouteSummary]) -> Iterator[SightCompared]:
    """Origins of prefixes, and prefixes, that were not heard before; nothing where no route was."""
    there = {(route.prefix, origin) for route in then for origin in route.origins}
    for route in now if there else ():
        for origin in route.origins:
            if (route.prefix, origin) not in there:
                seen = Seen(
                    what=Sight.ORIGIN, target=None, subject=route.prefix, value=f"AS{origin}", vantages=(),
                    count=route.announcements, first_at=route.first_at, last_at=route.last_at,
                )  # fmt: skip
                yield SightCompared(change="new", seen=seen)


def _sights(then: Sequence[Seen], now: Sequence[Seen]) -> Iterator[SightCompared]:
    for change, ours, others in (("new", now, then), ("gone", then, now)):
        there = {(one.what, one.target, one.subject, one.value) for one in others}
        subjects = {(one.what, one.target, one.subject) for one in others}
        for one in ours:
            comparable = (one.what, one.target, one.subject) in subjects
            if comparable and (one.what, one.target, one.subject, one.value) not in there:
                yield SightCompared(change=change, seen=one)


def _ways(reader: Reader, question: Question) -> dict[PathSeries, list[SeenPath]]:
    return reader.paths(question.since, question.until, target=question.target, vantage=question.vantage)


def _paths(
    then: dict[PathSeries, list[SeenPath]], now: dict[PathSeries, list[SeenPath]]
) -> Iterator[SightCompared]:
    for change, ours, others in (("new", now, then), ("gone", then, now)):
        for series, ways in sorted(ours.items()):
            known = others.get(series, [])
            for way in ways:
                if known and all(old.known.contradicts(way.known.hops, way.known.last_ttl) for old in known):
                    yield SightCompared(change=change, seen=way.seen(series))
