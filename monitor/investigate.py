"""A past window once more through the engine: stored observations, and routes from wherever they are to be had.

The facts come from the history or an incident folder; routes that neither has are fetched from RIPEstat, out
of saved answers, or from files of collectors. Then it is a replay: the same engine, told the time by the facts.
This file neither prints nor writes; what it did and could not do is in the `Investigation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from monitor.bgp.ripestat import OriginPeriod, RpkiAnswer
from monitor.bgp.sources import Answers, grouped, past_routes, read_routes_file, validity_now
from monitor.bgp.watch import Watch
from monitor.diagnose import Knowledge, known_at
from monitor.files import Complain
from monitor.history import Reader
from monitor.hub.warm_start import OBSERVATIONS_S, ROUTES_S, past_hours, past_observations
from monitor.model import Incident, Prefix, RouteEvent, RouteFact, RouteKind
from monitor.model.history_place import HistoryPlace
from monitor.model.settings import Config
from monitor.replay import Folder, assembled, replay, watch_of
from probes import Observation

MAX_ROUTES = 2_000_000
"""Of files; about 2 GB of memory, and hours of a whole collector."""


class InvestigationError(Exception):
    """The window cannot be investigated; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is asked: a target of the configuration, and from when to when, Unix seconds."""

    target: str
    since: float
    until: float

    def concerns(self, incident: Incident) -> bool:
        """Whether the incident was open in the window, and is the target's, or a sick vantage's."""
        in_time = incident.opened_at < self.until and (incident.closed_at or self.until) >= self.since
        return in_time and (incident.target in (None, self.target) or self.target in incident.members)


@dataclass(slots=True, kw_only=True)
class Facts:
    """What is known of a window before anything is fetched, with the time before it that baselines need."""

    config: Config
    knowledge: Knowledge
    observations: list[Observation]
    routes: list[RouteFact]
    before: list[RouteFact] = field(default_factory=list)
    """What earlier routes still say, which is not judged."""

    def watch(self, window: Window, named: Iterable[Prefix] = ()) -> Watch:
        """The address space of the target alone, and prefixes that were named."""
        target = self.config.target(window.target)
        if target is None:
            known = ", ".join(one.name for one in self.config.targets)
            raise InvestigationError(f"no target {window.target[:64]!r} in the configuration; there are {known}")
        watch = watch_of(replace(self.config, targets=(target,)), self.observations, self.knowledge.prefix_table)
        for prefix in named:
            watch.add_prefix(prefix)
        return watch


@dataclass(slots=True, kw_only=True)
class Fetched:
    """Routes that were not stored, and what was learned beside them. `problems`: what could not be had."""

    routes: list[RouteFact] = field(default_factory=list)
    periods: list[OriginPeriod] = field(default_factory=list)
    rpki_now: list[RpkiAnswer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def facts_of_history(place: HistoryPlace, config: Config, knowledge: Knowledge, window: Window) -> Facts:
    """The stored facts of the window, and of the hours before it.

    :raises HistoryError: the history cannot be read
    """
    with Reader.open(place) as reader:
        since = window.since - OBSERVATIONS_S
        names = {*(target.name for target in config.targets), *knowledge.control_names}
        return Facts(
            config=config,
            knowledge=replace(knowledge, hours=tuple(past_hours(reader, since, names))),
            observations=list(past_observations(reader, since, window.until)),
            routes=list(reader.routes(window.since - ROUTES_S, window.until)),
            before=list(reader.routes_before(window.since - ROUTES_S)),
        )


def facts_of_folder(folder: Folder, window: Window) -> Facts:
    """The same of an incident folder."""
    observations: list[Observation] = []
    routes: list[RouteFact] = list(folder.table)
    for fact in folder.facts:
        if isinstance(fact, RouteFact):
            if window.since - ROUTES_S <= known_at(fact) < window.until:
                routes.append(fact)
        elif window.since - OBSERVATIONS_S <= known_at(fact) < window.until:
            observations.append(fact)
    return Facts(
        config=folder.config,
        knowledge=folder.knowledge,
        observations=observations,
        routes=routes,
        before=list(folder.before),
    )


def has_routes(facts: Facts, watch: Watch) -> bool:
    """Whether the facts tell of the target's routes at all."""
    return any(isinstance(fact, RouteEvent) and watch.covers_event(fact.prefix) for fact in facts.routes)


async def routes_by_answers(answers: Answers, watch: Watch, window: Window, named: Sequence[Prefix]) -> Fetched:
    """The routes of the window as RIPEstat tells them, and the origins' validity today.

    :raises InvestigationError: it is not known which prefixes the target is in
    """
    prefixes = watch.subscriptions()
    if not prefixes:
        raise InvestigationError(
            f"no address of {window.target!r} was measured in this window; name its prefix with --prefix"
        )
    past = await past_routes(answers, prefixes, window.since, window.until, named)
    origins = [(event.prefix, origin) for event in past.events for origin in sorted(event.origins)]
    validity, unasked = await validity_now(answers, origins)
    problems = grouped([*past.problems, *unasked])
    if past.left_out:
        problems.append(f"{past.left_out} further prefixes were not asked about")
    untold = _without_a_table(past.events)
    if untold:
        problems.append(
            f"tables at the start for {', '.join(untold)}: what was usual is learned from updates alone"
        )
    return Fetched(routes=list(past.events), periods=past.periods, rpki_now=validity, problems=problems)


def _without_a_table(events: Iterable[RouteEvent]) -> list[str]:
    """Prefixes with updates only: the first origin seen is taken for the usual one, and may be the hijacker."""
    tables = {event.prefix for event in events if event.kind is RouteKind.RIB}
    return sorted({str(event.prefix) for event in events} - {str(prefix) for prefix in tables})


def routes_of_files(paths: Iterable[Path], watch: Watch, window: Window, complain: Complain) -> Fetched:
    """The watched routes of collectors' files (MRT, RIS Live lines) until the window's end.

    :raises InvestigationError: a file cannot be read, or holds more than `MAX_ROUTES` of them
    """
    found = Fetched()
    for path in paths:
        try:
            for fact in read_routes_file(path, complain):
                if fact.at >= window.until or (
                    isinstance(fact, RouteEvent) and not watch.covers_event(fact.prefix)
                ):
                    continue
                if len(found.routes) >= MAX_ROUTES:
                    raise InvestigationError(f"{path}: more than {MAX_ROUTES} routes of watched prefixes")
                found.routes.append(fact)
        except OSError as error:
            raise InvestigationError(f"{path}: {error.strerror or error}") from error
    return found


def investigate(facts: Facts, fetched: Fetched, window: Window) -> list[Incident]:
    """The incidents of the window, by the engine that runs live.

    A route of a table that was fetched is what was in use before the window, also where the history knows
    later updates: it is fed first.
    """
    routes = [*fetched.routes, *facts.routes]
    folder = assembled(facts.config, facts.knowledge, facts.observations, routes, facts.before)
    return [incident for incident in replay(folder) if window.concerns(incident)]


def counted(routes: Iterable[RouteFact]) -> tuple[int, int]:
    """How many route events are of tables, and how many are updates."""
    kinds = [fact.kind is RouteKind.RIB for fact in routes if isinstance(fact, RouteEvent)]
    return sum(kinds), len(kinds) - sum(kinds)
