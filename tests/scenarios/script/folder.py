"""Plays a script and writes the incident folder: observations with noise from a seed, routes, tables, truth."""

from __future__ import annotations

import gzip
import io
import json
import textwrap
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from world import Facts, Place, Service, World, spread

from probes.observation import Observation, completed_at
from script.routes import messages
from script.words import Message, Script, Spell, Truth, Watched

CONTROL = Service("control", ("198.19.254.80",), (), think_s=0.01)
CONTROL_AS = 64512


def files(script: Script, shared_data: Path | None = None) -> dict[str, str | bytes]:
    """Name to content of every file; `shared_data`: where the real routes are, for scripts that have some."""
    world = World(zlib.crc32(script.name.encode()))
    observations = [*_controls(script, world)]
    for index, place in enumerate(script.places):
        for number, watched in enumerate(script.targets):
            observations += _of(script, world, (index, place), (number, watched))
    made: dict[str, str | bytes] = {
        "config.toml": _config(script),
        "observations.jsonl.gz": _lines(observations),
        "prefix_to_as.txt": world.table(*_owners(script)),
        "expected.json": json.dumps([_expected(truth) for truth in script.truths], indent=1) + "\n",
    }
    recorded = script.recorded(shared_data) if script.recorded and shared_data is not None else None
    if routes := messages(script) if recorded is None else recorded:
        made["routes.jsonl"] = _routes(routes)
    if script.vrps:
        roas = [{"prefix": prefix, "maxLength": most, "asn": asn} for prefix, most, asn in script.vrps]
        made["vrps.json"] = json.dumps({"roas": roas}, indent=1) + "\n"
    if script.relationships:
        made["relationships.txt"] = "".join(f"{line}\n" for line in script.relationships)
    return made


def write(folder: Path, content: dict[str, str | bytes]) -> Path:
    """Write the files of a folder, which is made; names ending in .gz are compressed without a time stamp."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        data = text.encode() if isinstance(text, str) else text
        if name.endswith(".gz"):
            buffer = io.BytesIO()
            with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as packed:
                packed.write(data)
            data = buffer.getvalue()
        (folder / name).write_bytes(data)
    return folder


def _controls(script: Script, world: World) -> Iterator[Observation]:
    spells = (script.control,) if script.control is not None else ()
    for index, place in enumerate(script.places):
        for at in spread(script.start, script.end, script.control_interval_s, (0.05 + index / 10) % 1):
            spell = _spell(spells, CONTROL.name, place, at, "answer")
            seen = (
                spell.answer(world, at, place, CONTROL) if spell and spell.answer else world.ok(at, place, CONTROL)
            )
            if seen is not None:
                yield seen


def _of(
    script: Script, world: World, placed: tuple[int, Place], numbered: tuple[int, Watched]
) -> Iterator[Observation]:
    """All that one vantage measures of one target."""
    (index, place), (number, watched) = placed, numbered
    service = watched.service
    offset = (index / len(script.places) + number / 5) % 1
    seen: Observation | None
    for at in spread(script.start, script.end, watched.interval_s, offset):
        spell = _spell(script.spells, service.name, place, at, "answer")
        seen = spell.answer(world, at, place, service) if spell and spell.answer else world.ok(at, place, service)
        if seen is not None:
            yield seen
    for at in spread(script.start, script.end, script.trace_interval_s, (0.1 + offset / 2) % 1):
        spell = _spell(script.spells, service.name, place, at, "way")
        seen = spell.way(world, at, place, service) if spell and spell.way else world.trace(at, place, service)
        if seen is not None:
            yield seen
    for server, role in watched.name_servers.items():
        for at in spread(script.start, script.end, script.lookup_interval_s, offset):
            spell = _spell(script.spells, service.name, place, at, "lookup")
            made = spell.lookup if spell else None
            seen = (
                made(world, at, place, service, server) if made else world.dns(at, place, service, server=server)
            )
            if seen is not None:
                yield msgspec.structs.replace(seen, role=role)


def _spell(spells: tuple[Spell, ...], target: str, place: Place, at: float, what: str) -> Spell | None:
    """The last spell that says `what` of this target and vantage at this time."""
    found = [
        spell
        for spell in spells
        if spell.target == target
        and place.name in spell.places
        and spell.start <= at < spell.end
        and getattr(spell, what) is not None
    ]
    return found[-1] if found else None


def _owners(script: Script) -> list[tuple[str, int]]:
    rows = [(prefix, networks[-1]) for watched in script.targets for prefix, networks in watched.prefixes.items()]
    rows += [(prefix, networks[-1]) for prefix, networks in script.networks.items()]
    return [*rows, ("198.19.254.0/24", CONTROL_AS)]


def _config(script: Script) -> str:
    parts = [_header(script), *(watched.config for watched in script.targets)]
    parts.append(
        f'[[control]]\nname = "{CONTROL.name}"\nurl = "https://control.example/"\n'
        f'interval = "{script.control_interval_s:.0f}s"\n'
    )
    parts += [f"[vantages.{place.name}]\nasn = {place.asn}\n" for place in script.places]
    return "\n".join(parts)


def _header(script: Script) -> str:
    blocks = (script.title, f"FACT: {script.facts}", f"ASSUMPTION: {script.assumptions}")
    wrapped = (
        "\n".join(textwrap.wrap(" ".join(block.split()), 108, initial_indent="# ", subsequent_indent="# "))
        for block in blocks
    )
    return "\n#\n".join(wrapped) + "\n"


def _lines(facts: Facts) -> bytes:
    """Observations as JSON lines in the order in which they were known."""
    return b"".join(_line(fact) for fact in sorted(facts, key=completed_at))


def _line(fact: Observation) -> bytes:
    """One observation without the fields that say nothing, so that a new field changes no folder."""
    told = {name: value for name, value in msgspec.to_builtins(fact).items() if value is not None and value != ()}
    return msgspec.json.encode(told) + b"\n"


def _routes(rows: list[Message]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _expected(truth: Truth) -> dict[str, object]:
    row: dict[str, object] = {
        "target": truth.target,
        "cause": truth.cause,
        "start": truth.start,
        "end": truth.end,
        "affected": list(truth.affected),
        "suspected": truth.suspected,
    }
    if truth.also:
        row["also"] = list(truth.also)
    if truth.detail:
        row["detail"] = dict(truth.detail)
    if truth.culprit is not None:
        row["culprit"] = truth.culprit
    return row
