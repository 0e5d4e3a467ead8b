"""Replay: an incident folder's facts through the engine, as if they happened now.

The folder holds config.toml, observations.jsonl and, each optional, routes.jsonl, MRT files, vrps.json,
relationships.txt and prefix_to_as.txt (or prefix_to_as-20240101.txt of several days). What routes-before.jsonl
and hours-before.jsonl say was known before, and is not judged. expected.json is never read here. Bad lines are
counted and reported, and the rest goes on.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from monitor.bgp.episodes import Relationships
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.mrt import UNNAMED_COLLECTOR
from monitor.bgp.rpki import VrpTable
from monitor.bgp.sources import read_prefix_table, read_relationships, read_routes_file, table_at
from monitor.bgp.watch import Watch
from monitor.config import load_config
from monitor.diagnose import Engine, Fact, Knowledge, in_order, known_at
from monitor.diagnose.usual_hours import PastHour
from monitor.files import Complain, read_lines
from monitor.model.asn import Asn
from monitor.model.incident import Incident
from monitor.model.prefix import Address, as_address
from monitor.model.route import RouteEvent, RouteFact, RouteKind
from monitor.model.settings import Config
from monitor.model.target import names_observed
from monitor.model.vrp import VrpChange
from probes.observation import DnsObservation, HttpObservation, Observation, TraceObservation, decode

OBSERVATIONS = ("observations.jsonl", "observations.jsonl.gz", "observations.jsonl.zst")
PREFIX_TABLES = ("prefix_to_as.txt", "prefix_to_as.txt.gz")
HOURS_BEFORE = ("hours-before.jsonl", "hours-before.jsonl.gz", "hours-before.jsonl.zst")
ROUTES_BEFORE = ("routes-before.jsonl", "routes-before.jsonl.gz", "routes-before.jsonl.zst")
DATED_PREFIX_TABLES = "prefix_to_as-*"
RELATIONSHIPS = ("relationships.txt", "relationships.txt.gz", "relationships.txt.bz2")
LATEST_S = 253_402_300_799.0
"""The end of the year 9999."""
ROUTE_SUFFIXES = (".mrt", ".gz", ".bz2", ".zst", ".jsonl")


class ReplayError(Exception):
    """The folder cannot be replayed; the message names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Folder:
    """An incident folder, read: `table` are the routes of RIB dumps, `facts` all else in known order.

    `before`: what was known of routes before the facts, in order; it is remembered and not judged.
    """

    config: Config
    knowledge: Knowledge
    table: tuple[RouteFact, ...]
    facts: tuple[Fact, ...]
    before: tuple[RouteFact, ...] = ()


def read_folder(folder: Path, complain: Complain) -> Folder:
    """Read everything that the engine needs from an incident folder.

    :raises ReplayError: there is no such folder, or no observations and no routes in it
    :raises monitor.config.ConfigError: its config.toml is bad or missing
    """
    if not folder.is_dir():
        raise ReplayError(f"{folder}: no such folder")
    config = load_config(folder / "config.toml")
    observations = list(_observations(folder, complain))
    table = _prefix_table(folder, min((one.at for one in observations), default=math.inf))
    watch = watch_of(config, observations, table)
    routes = list(_routes(_route_files(folder), watch, complain))
    before = _routes([path for name in ROUTES_BEFORE if (path := folder / name).exists()], watch, complain)
    if not observations and not routes:
        raise ReplayError(f"{folder}: neither {OBSERVATIONS[0]} nor routes in it")
    knowledge = Knowledge.from_config(
        config,
        prefix_table=table,
        vrps=_vrps(folder, config),
        relationships=_relationships(folder, config, complain),
        hours=_hours_before(folder, complain),
    )
    return assembled(config, knowledge, observations, routes, before)


def watch_of(config: Config, observations: Iterable[Observation], table: PrefixTable | None) -> Watch:
    """What is watched for the targets: declared prefixes, and those around every address that was met."""
    watch = Watch((prefix for target in config.targets for prefix in target.prefixes), table)
    for address in _addresses(observations, names_observed(config.targets)):
        watch.add_address(address)
    return watch


def assembled(
    config: Config,
    knowledge: Knowledge,
    observations: Iterable[Observation],
    routes: Iterable[RouteFact],
    before: Iterable[RouteFact] = (),
) -> Folder:
    """Facts from anywhere as a folder has them: a table's routes apart, all else in the order it was known."""
    named = _named_peers(list(routes))
    changes = sorted((fact for fact in named if isinstance(fact, VrpChange)), key=known_at)
    knowledge = replace(knowledge, vrp_changes=tuple(changes))
    dumped = tuple(fact for fact in named if _is_dumped(fact))
    later: list[Fact] = [fact for fact in named if not _is_dumped(fact)]
    facts = tuple(in_order([*later, *observations]))
    return Folder(config, knowledge, dumped, facts, tuple(sorted(before, key=known_at)))


def replay(folder: Folder, chunk: int | None = None) -> list[Incident]:
    """The incidents that the facts make, in opening order; `chunk`: facts fed at once (default: all).

    One that turned out to be a share of another is left out, for the other tells it.
    """
    engine = Engine(folder.knowledge)
    engine.warm_up(folder.table)
    if folder.before and folder.facts:
        engine.warm_up(folder.before, known_at(folder.facts[0]))
    incidents: dict[str, Incident] = {}
    size = chunk or max(len(folder.facts), 1)
    for start in range(0, len(folder.facts), size):
        for change in engine.feed(folder.facts[start : start + size]):
            incidents[change.incident.id] = change.incident
    if folder.facts:
        for change in engine.advance(known_at(folder.facts[-1])):
            incidents[change.incident.id] = change.incident
    found = [incident for incident in incidents.values() if incident.joined is None]
    return sorted(found, key=lambda incident: (incident.opened_at, incident.id))


def _observations(folder: Path, complain: Complain) -> Iterator[Observation]:
    for name in OBSERVATIONS:
        path = folder / name
        if path.exists():
            yield from _observations_of(path, complain)


def _observations_of(path: Path, complain: Complain) -> Iterator[Observation]:
    for number, line in read_lines(path, complain):
        try:
            seen = decode(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            complain(path, number, str(error))
            continue
        # No history takes another; and to judge every moment from 1e300 seconds before 1970 on would never end.
        if 0.0 <= seen.at <= known_at(seen) <= LATEST_S:
            yield seen
        else:
            complain(path, number, f"seen at {seen.at!r}, known at {known_at(seen)!r}: not in 0..{LATEST_S:.0f} s")


def _hours_before(folder: Path, complain: Complain) -> Iterator[PastHour]:
    for path in (folder / name for name in HOURS_BEFORE):
        for number, line in read_lines(path, complain) if path.exists() else ():
            try:
                yield msgspec.json.decode(line, type=PastHour)
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                complain(path, number, str(error))


def _route_files(folder: Path) -> list[Path]:
    """Every routes file and MRT file; RIB dumps first."""
    skip = {*OBSERVATIONS, *PREFIX_TABLES, *RELATIONSHIPS, *HOURS_BEFORE, *ROUTES_BEFORE}
    paths = [path for path in folder.iterdir() if path.suffix in ROUTE_SUFFIXES and path.name not in skip]
    return sorted(paths, key=lambda path: (not path.name.startswith("rib."), path.name))


def _routes(paths: Iterable[Path], watch: Watch, complain: Complain) -> Iterator[RouteFact]:
    """What the files say of watched space, file by file."""
    for path in paths:
        for fact in read_routes_file(path, complain):
            if not isinstance(fact, RouteEvent) or watch.covers_event(fact.prefix):
                yield fact


def _named_peers(routes: list[RouteFact]) -> list[RouteFact]:
    """Gives a dump's peers the collector that the updates name them by.

    A file called rib.mrt does not say whose it is. Its routes would stay for ever beside those of the same
    peers in the updates, which could then neither replace nor withdraw them.
    """
    collectors: dict[tuple[str, Asn], set[str]] = {}
    for fact in routes:
        if isinstance(fact, RouteEvent) and fact.kind is not RouteKind.RIB:
            collectors.setdefault((fact.peer, fact.peer_asn), set()).add(fact.collector)
    return [
        msgspec.structs.replace(fact, collector=min(collectors[fact.peer, fact.peer_asn]))
        if isinstance(fact, RouteEvent)
        and fact.collector == UNNAMED_COLLECTOR
        and collectors.get((fact.peer, fact.peer_asn))
        else fact
        for fact in routes
    ]


def _is_dumped(fact: RouteFact) -> bool:
    return isinstance(fact, RouteEvent) and fact.kind is RouteKind.RIB


def _prefix_table(folder: Path, at: float) -> PrefixTable | None:
    """The table of the folder; of several with dates in their names the one in force `at` that time."""
    for name in PREFIX_TABLES:
        if (folder / name).exists():
            return read_prefix_table(folder / name)
    dated = table_at(folder / DATED_PREFIX_TABLES, at)
    return read_prefix_table(dated) if dated.exists() else None


def _vrps(folder: Path, config: Config) -> VrpTable | None:
    """The VRPs, stale by the time that their export says: that of a copied file says nothing."""
    path = folder / "vrps.json"
    return VrpTable.from_json(path.read_bytes(), max_age_s=config.rpki.max_age_s) if path.exists() else None


def _relationships(folder: Path, config: Config, complain: Complain) -> Relationships | None:
    """Who is whose provider or peer, by the folder's own file, else by the one that its config.toml names."""
    path = next((folder / name for name in RELATIONSHIPS if (folder / name).exists()), config.as_relationships)
    if path is None:
        return None
    try:
        found = read_relationships(path)
    except OSError as error:
        complain(path, 0, error.strerror or str(error))
        return None
    if found.bad:
        complain(path, 0, f"{found.bad} bad lines: {'; '.join(found.errors)}")
    return found


def _addresses(observations: Iterable[Observation], targets: Container[str]) -> list[Address]:
    """Every address at which a target was measured, or that a name server gave for it or its mail hosts; of
    those servers, and of the routers on the way.
    """
    found: set[str] = set()
    for observation in observations:
        if observation.target not in targets:
            continue
        if isinstance(observation, HttpObservation | TraceObservation) and observation.address:
            found.add(observation.address)
        if isinstance(observation, TraceObservation):
            found.update(hop.address for hop in observation.hops if hop.address is not None)
        elif isinstance(observation, DnsObservation) and observation.role == "authoritative":
            found.add(observation.server)
        if isinstance(observation, DnsObservation) and observation.rrtype in ("A", "AAAA"):
            found.update(observation.answers)
    return [address for text in sorted(found) if (address := as_address(text)) is not None]
