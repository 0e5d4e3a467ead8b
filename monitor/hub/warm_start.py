"""A new engine that remembers: open incidents and baselines come back from the history.

Used at the start, after a reload, and by each `whydown once`. It reads the history and nothing else.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, product

from monitor.diagnose.engine import Engine
from monitor.diagnose.fact import known_at
from monitor.diagnose.knowledge import Knowledge
from monitor.diagnose.resting import Resting
from monitor.diagnose.usual_hours import FEWEST_VALUES, HOUR_S, KEPT_HOURS, PastHour, comparable
from monitor.history import Reader
from monitor.model import FileMark, Incident, RouteFact
from monitor.model.contact import HUB
from monitor.model.history_place import HistoryPlace
from monitor.model.target import ORIGINS_TARGET, names_observed
from monitor.model.vrp import VrpChange
from probes import DnsObservation, HttpObservation, Observation

OBSERVATIONS_S = 6 * 3600.0
"""Enough for a baseline of each phase; older observations say little about tonight."""

MOST_EXCHANGES, FEWEST_ROUNDS = 1_000_000, 120
"""So much is read at a start, a minute's work (60 µs each), and of very many series so many rounds of each: a
baseline holds 400 values and is one from five on. Nobody is told anything before all is read."""

FIRST_MET = {"http": 50, "dns": 300}
"""Of each target's earliest exchanges that the history has: where it, its name servers and its mail hosts were
then is whose space is to be known by the routes of then. Without them the origin of a hijack that stood for longer
than the observations above would be taken for the usual one. Most questions are put to resolvers, which show none.
"""

HOURS_FROM = ("connect", "kernel_rtt", "wait")
"""The phases that an hour's round trip, one of the first two, and think time are made from."""

MOST_HOURS = 200_000
"""Hours of series that are read at a start, some 8 s of it: three weeks of 20 targets from 20 vantages, and four
days of 100 targets.
"""

ROUTES_S = 24 * 3600.0
"""All routes of this long; of the time before it those that still stand, and the first of each way."""


def engine_from_history(
    place: HistoryPlace,
    knowledge: Knowledge,
    until: float,
    coming: Sequence[VrpChange] = (),
    *,
    resumes: Callable[[Incident], bool] = lambda incident: True,
    judged_s: float | None = None,
    resting: Collection[Resting] = (),
) -> Engine:
    """An engine that knows the facts before `until`, Unix seconds, and the incidents that were open then.

    It judges moments from `until` on. `coming`: changes that the VRPs in `knowledge` show already, and that are
    among the facts that the engine will be fed. `resumes`: whether an open incident is this engine's to go on
    with. `judged_s`: how long it will judge; None: for good. `resting`: what the last engine knew to be over.

    :raises HistoryError: the history at `place` cannot be read
    """
    with Reader.open(place) as reader:
        known = reader.vrp_changes(until - ROUTES_S)
        names = names_observed(knowledge.targets)
        window_s = read_s(knowledge, len(reader.vantages()))
        asked_s = None if judged_s is None else window_s + judged_s
        hours = past_hours(reader, until - window_s, [*names, *knowledge.control_names], asked_s)
        engine = Engine(replace(knowledge, vrp_changes=(*known, *coming), hours=tuple(hours)))
        engine.resume([(one, sequence) for one, sequence in reader.open_incidents(until) if resumes(one)], resting)
        # The owner of a partition, one of many, reads what concerns it, and nobody what is watched no more.
        only = {*names, *knowledge.control_names, ORIGINS_TARGET, HUB}
        observations = past_observations(reader, until - window_s, until, names, only=only)
        routes = past_routes(reader, until - ROUTES_S, until)
        engine.warm_up(heapq.merge(observations, routes, key=known_at), until)
    return engine


def read_s(knowledge: Knowledge, vantages: int) -> float:
    """How long before a start the observations are read from, seconds: less where there are very many."""
    intervals = [target.interval_s for target in knowledge.targets]
    intervals += [control.interval_s for control in knowledge.controls]
    pace = max(vantages, 1) * sum(1.0 / interval_s for interval_s in intervals)
    if not pace:
        return OBSERVATIONS_S
    return min(OBSERVATIONS_S, max(MOST_EXCHANGES / pace, FEWEST_ROUNDS * max(intervals)))


def open_at(place: HistoryPlace, at: float) -> list[Incident]:
    """The incidents that were open at a time, Unix seconds.

    :raises HistoryError: the history at `place` cannot be read
    """
    with Reader.open(place) as reader:
        return [incident for incident, _ in reader.open_incidents(at)]


def past_routes(reader: Reader, since: float, until: float) -> Iterator[RouteFact]:
    """The route facts of [since, until), and before them what those of earlier still say at `since`."""
    yield from reader.routes_before(since)
    yield from reader.routes(since, until)


def past_observations(
    reader: Reader,
    since: float,
    until: float,
    targets: Iterable[str] = (),
    *,
    only: Collection[str] | None = None,
) -> Iterator[Observation]:
    """The observations of [since, until), and before them what was told of addresses' origins until then, and
    where the targets of these names were first met. `only`: of the former those that carry one of these names.
    """
    earlier: list[Observation] = [seen for name in targets for seen in _first_met(reader, name, since)]
    if until - ROUTES_S < since:
        earlier += reader.observations(until - ROUTES_S, since, target=ORIGINS_TARGET, kind="dns")
    yield from sorted(earlier, key=known_at)
    yield from reader.observations(since, until, targets=only)


def past_hours(
    reader: Reader, until: float, names: Iterable[str], judged_s: float | None = None
) -> list[PastHour]:
    """What the hours that were over at `until` were like, by the roll-ups, of all weeks that an engine remembers.

    `judged_s`: only those that are asked for within so long from `until` on. Of very many series the oldest are
    left out. An engine that was there has the medians of the exchanges themselves, and these are within 2 % of
    them; of an hour in which some failed they count what these took, too, which it does not.
    """
    end, names = int(until // HOUR_S), sorted(names)
    first = end - min(KEPT_HOURS, MOST_HOURS // max(len(names) * len(reader.vantages()), 1))
    windows = [range(first, end)]
    if judged_s is not None:
        windows = comparable(end, int((until + judged_s) // HOUR_S) + 1, first)
    found = []
    for name, hours in product(names, windows):
        for one in reader.hours(hours, target=name, phases=HOURS_FROM, fewest=FEWEST_VALUES):
            known = one.medians_s
            rtt_s = min((known[phase] for phase in HOURS_FROM[:2] if phase in known), default=None)
            think_s = max(known["wait"] - rtt_s, 0.0) if rtt_s is not None and "wait" in known else None
            found.append(PastHour(target=name, vantage=one.vantage, hour=one.hour, rtt_s=rtt_s, think_s=think_s))
    return found


def _first_met(reader: Reader, target: str, before: float) -> Iterable[Observation]:
    """The first that showed each place among the earliest exchanges about a target."""
    met: dict[tuple[str, ...], Observation] = {}
    for kind, most in FIRST_MET.items():
        for seen in islice(reader.observations(0.0, before, target=target, kind=kind), most):
            places = _places(seen)
            if places:
                met.setdefault(places, seen)
    return met.values()


def _places(seen: Observation) -> tuple[str, ...]:
    """The addresses that a good exchange shows to be a target's: who answered, what its zone's servers said."""
    if isinstance(seen, HttpObservation) and seen.address is not None and seen.failure is None:
        return (seen.address,)
    if isinstance(seen, DnsObservation) and seen.role == "authoritative" and seen.failure is None:
        return (seen.server, *seen.answers)
    return ()


def origins_told(place: HistoryPlace, until: float) -> tuple[Observation, ...]:
    """What was told of addresses' origins lately, so that nobody is asked the same after each restart.

    :raises HistoryError: the history at `place` cannot be read
    """
    with Reader.open(place) as reader:
        return tuple(reader.observations(until - ROUTES_S, until, target=ORIGINS_TARGET, kind="dns"))


def file_marks(place: HistoryPlace, source: str) -> dict[str, FileMark]:
    """How far a feed's files were read, by their path.

    :raises HistoryError: the history at `place` cannot be read
    """
    with Reader.open(place) as reader:
        return reader.file_marks(source)
