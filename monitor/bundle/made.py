"""Puts a bundle together: the facts that an incident was judged by, what was known then, and the account of it.

Before it is handed out it is read back and judged, by the same code as at whoever gets it. What that gives is in
the bundle, and whether it is what the monitor recorded: live, it had days of memory and feeds whose states no file
has a form for, so the two can differ in a figure; that is said, and never smoothed over.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from monitor import __version__
from monitor.bgp.watch import Watch
from monitor.bundle.archive import MANIFEST, MOST_BYTES, BundleError
from monitor.bundle.config_excerpt import config_excerpt, to_toml
from monitor.bundle.excerpt import addresses_of, networks_of, prefix_lines, vrps_json
from monitor.bundle.manifest import FORMAT, Content, Manifest, encode_manifest
from monitor.diagnose import Knowledge
from monitor.diagnose.rules import RULES_VERSION
from monitor.history import Reader
from monitor.history.ris_lines import ris_line
from monitor.hub.warm_start import OBSERVATIONS_S, ROUTES_S, past_hours, past_observations
from monitor.model import Incident, RouteEvent, RouteFact, parse_prefix
from monitor.model.settings import Config
from monitor.model.target import ORIGINS_TARGET, Target
from monitor.replay import read_folder, replay, watch_of
from monitor.report.dossier import Dossier, dossier_of
from monitor.report.dossier_page import dossier_html
from monitor.report.headline import began_at
from monitor.report.sighting import BEFORE_S, sightings_of
from probes.observation import Observation, encode

# An incident closes when the facts that came a little later agree: they belong to it.
_AFTER_S = 300.0
# Routes of the moments before the first bad fact are part of the story.
_ROUTES_BEFORE_S = 600.0

_README = """This archive is the account of one incident, made by whydown {version}.

report.html          the report; open it in a browser
report.json          the same as data
verdict.jsonl        what the facts below give, one incident a line
observations.jsonl   every measurement that was judged, one JSON object a line
routes.jsonl         every route message that was judged (RIPE RIS Live's form)
routes-before.jsonl  routes that were known before
hours-before.jsonl   how long exchanges took at the hours of the weeks before
config.toml          what was measured and expected, without anything secret
vrps.json, prefix_to_as.txt, relationships.txt   what was known of address space, where known
manifest.json        size and SHA-256 of each of these files; its own SHA-256 is the archive's fingerprint

To judge again:  whydown replay THIS-FILE       (checks every hash first)
To check a hash by hand:  sha256sum observations.jsonl
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a bundle is made from. `document`: config.toml as it was parsed; `config`: as it was read."""

    reader: Reader
    config: Config
    document: Mapping[str, object]
    knowledge: Knowledge


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBundle:
    """The files of a bundle, by name, and its fingerprint: the SHA-256 of the manifest."""

    contents: Mapping[str, Path]
    manifest: Manifest
    fingerprint: str


def incident_dossier(reader: Reader, incident: Incident, now: float) -> Dossier:
    """The account of an incident out of a history; `now` in Unix seconds."""
    begin = began_at(incident)
    until = (incident.closed_at if incident.closed_at is not None else now) + _AFTER_S
    return dossier_of(
        incident,
        reader.changes(incident.id),
        sightings_of(incident, reader, now),
        reader.observations(begin - BEFORE_S, until),
        _messages(reader, incident, until),
        now=now,
    )


def make_bundle(sources: Sources, incident: Incident, folder: Path, *, now: float, timezone: str) -> MadeBundle:
    """Write the bundle's files into `folder`, an empty one; `now` in Unix seconds.

    :raises BundleError: the configuration does not have the incident's target, or there are too many facts
    :raises HistoryError: the history cannot be read
    :raises OSError: a file cannot be written
    :raises monitor.replay.ReplayError: the history holds no facts of that time any more
    """
    until = (incident.closed_at if incident.closed_at is not None else now) + _AFTER_S
    left_out = _write_facts(sources, incident, folder, until)
    dossier = incident_dossier(sources.reader, incident, now)
    (folder / "report.html").write_text(dossier_html(dossier, timezone=timezone), encoding="utf-8")
    (folder / "report.json").write_bytes(msgspec.json.encode(dossier) + b"\n")
    (folder / "README.txt").write_text(_README.format(version=__version__), encoding="utf-8")
    verdict = verdict_of(folder)
    (folder / "verdict.jsonl").write_bytes(verdict)
    differs = _difference(incident, verdict)
    head = sources.reader.seal_head()
    contents = {path.name: path for path in sorted(folder.iterdir())}
    manifest = Manifest(
        format=FORMAT,
        made_by=f"whydown {__version__}",
        made_at=now,
        rules=RULES_VERSION,
        incident=incident.id,
        since=began_at(incident) - OBSERVATIONS_S,
        until=until,
        as_recorded=not differs,
        differs=differs,
        left_out=dict(left_out),
        seals=head.number,
        head=head.head.hex(),
        files={name: Content(bytes=path.stat().st_size, sha256=_sha256(path)) for name, path in contents.items()},
    )
    total = sum(content.bytes for content in manifest.files.values())
    if total > MOST_BYTES:
        raise BundleError(f"it would hold {total} bytes, more than the {MOST_BYTES} that a reader takes")
    encoded = encode_manifest(manifest)
    (folder / MANIFEST).write_bytes(encoded)
    return MadeBundle(
        contents={**contents, MANIFEST: folder / MANIFEST},
        manifest=manifest,
        fingerprint=hashlib.sha256(encoded).hexdigest(),
    )


def verdict_of(folder: Path) -> bytes:
    """The lines that `whydown replay --json` prints of an unpacked bundle.

    :raises monitor.replay.ReplayError: there is nothing to judge in it
    :raises monitor.config.ConfigError: its configuration is bad
    """
    incidents = replay(read_folder(folder, _ignore))
    return b"".join(msgspec.json.encode(incident) + b"\n" for incident in incidents)


def _write_facts(sources: Sources, incident: Incident, folder: Path, until: float) -> Counter[str]:
    """Everything that `read_folder` reads; which facts had no form, by kind."""
    targets = concerned(sources.config.targets, incident)
    if not targets:
        raise BundleError(f"the configuration has no target {str(incident.target)[:64]!r} (any more)")
    (folder / "config.toml").write_text(to_toml(config_excerpt(sources.document, targets)), encoding="utf-8")
    wanted = {*targets, *sources.knowledge.control_names, ORIGINS_TARGET}
    past = past_observations(sources.reader, began_at(incident) - OBSERVATIONS_S, until)
    observations = [fact for fact in past if fact.target in wanted]
    _write_lines(folder / "observations.jsonl", map(encode, observations))
    table = sources.knowledge.prefix_table
    watch = watch_of(sources.config, (fact for fact in observations if fact.target in targets), table)
    since = began_at(incident) - ROUTES_S
    left_out: Counter[str] = Counter()
    routes = list(_watched(sources.reader.routes(since, until), watch))
    before = list(_watched(sources.reader.routes_before(since), watch))
    _write_lines(folder / "routes.jsonl", _ris_lines(routes, left_out))
    _write_lines(folder / "routes-before.jsonl", _ris_lines(before, left_out))
    hours = past_hours(sources.reader, began_at(incident) - OBSERVATIONS_S, wanted)
    _write_lines(folder / "hours-before.jsonl", map(msgspec.json.encode, hours))
    _write_tables(sources.knowledge, folder, watch, observations, [*routes, *before])
    return left_out


def concerned(targets: Iterable[Target], incident: Incident) -> frozenset[str]:
    """The incident's targets, what they depend on, and what depends on them; all of them for a sick vantage's."""
    known = {target.name: target for target in targets}
    members = set(incident.members or ([incident.target] if incident.target else known))
    found: set[str] = set()
    waiting = members & known.keys()
    while waiting:
        found |= waiting
        waiting = {name for one in waiting for name in known[one].depends_on if name in known} - found
    callers = {name for name, target in known.items() if members & set(target.depends_on)}
    return frozenset(found | callers)


def _write_tables(
    knowledge: Knowledge,
    folder: Path,
    watch: Watch,
    observations: Iterable[Observation],
    routes: Iterable[RouteFact],
) -> None:
    addresses = addresses_of(observations)
    table = knowledge.prefix_table
    if table is not None:
        (folder / "prefix_to_as.txt").write_text("".join(prefix_lines(table, addresses)), encoding="ascii")
    if knowledge.vrps is not None:
        (folder / "vrps.json").write_bytes(vrps_json(knowledge.vrps, watch))
    if knowledge.relationships is not None:
        lines = knowledge.relationships.excerpt(networks_of(routes, table, addresses))
        _write_lines(folder / "relationships.txt", (line.encode() for line in lines))


def _watched(routes: Iterable[RouteFact], watch: Watch) -> Iterator[RouteFact]:
    return (fact for fact in routes if not isinstance(fact, RouteEvent) or watch.covers_event(fact.prefix))


def _ris_lines(routes: Iterable[RouteFact], left_out: Counter[str]) -> Iterator[bytes]:
    for fact in routes:
        line = ris_line(fact)
        if line is None:
            left_out[type(fact).__name__] += 1
        else:
            yield line


def _messages(reader: Reader, incident: Incident, until: float) -> Iterator[RouteEvent]:
    """What was said of the incident's prefix."""
    if incident.detail.prefix is None:
        return
    prefix = parse_prefix(incident.detail.prefix)
    for fact in reader.routes(began_at(incident) - _ROUTES_BEFORE_S, until, prefix=prefix):
        if isinstance(fact, RouteEvent):
            yield fact


def _difference(incident: Incident, verdict: bytes) -> str:
    """In what the replayed incident differs from the recorded one; empty: in nothing."""
    found = [msgspec.json.decode(line, type=Incident) for line in verdict.splitlines()]
    same = next((one for one in found if one.id == incident.id), None)
    if same is None:
        begin = began_at(incident)
        same = next((one for one in found if one.target == incident.target and _overlaps(one, incident)), None)
        if same is None:
            return f"the facts give no incident of {incident.target or 'that vantage'} after {begin:.0f}"
    names = [name for name in Incident.__struct_fields__ if getattr(same, name) != getattr(incident, name)]
    return ", ".join(names)


def _overlaps(one: Incident, other: Incident) -> bool:
    end, other_end = (each.closed_at if each.closed_at is not None else float("inf") for each in (one, other))
    return one.opened_at <= other_end and other.opened_at <= end


def _write_lines(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ignore(path: Path, line: int, message: str) -> None:
    """What we wrote ourselves has no bad lines; whoever replays the bundle is told of any."""
