"""Writes a world as an incident folder (contract 3.2), and beside it what is true of it."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from simulator.addresses import steady
from simulator.cast import Service, Vantage
from simulator.conditions import Span
from simulator.exchange import Exchange, Observation
from simulator.feed import lines
from simulator.lookup import lookup
from simulator.propagation import Path as AsPath
from simulator.relations import lines as relation_lines
from simulator.trace import FLOWS, trace
from simulator.world import Truth, World

TOUCHED = 0.3
"""A vantage is affected when the trouble was met in this share of its exchanges, twice at least."""

_FIELDS = {
    "kernel": ("kernel_rtt_s", "kernel_min_rtt_s", "retransmits"),
    "total": ("total_s",),
    "checks": ("checks_failed",),
    "body": ("body_sha256", "body_bytes"),
    "http_version": ("http_version",),
}
"""What older or other agents do not record, by the names of `Recorded.missing`."""

LOOKUPS_S = 60.0
MISSED = 0.003
"""The share of measurements that were never made, for no reason that is recorded."""


class _Tally:
    """Who met which trouble how often."""

    def __init__(self) -> None:
        self.met: Counter[tuple[int, str]] = Counter()
        self.made: dict[tuple[int, str], int] = {}

    def count(self, world: World, vantage: str, service: str, at: float, met: set[int]) -> None:
        for number, truth in enumerate(world.truths):
            if truth.target in (service, None) and truth.span.holds(at):
                self.made[number, vantage] = self.made.get((number, vantage), 0) + 1
                self.met[number, vantage] += number in met or truth.everyone

    def affected(self, number: int, truth: Truth) -> list[str]:
        if truth.vantage is not None:
            return [truth.vantage]
        counted = [(vantage, made) for (which, vantage), made in self.made.items() if which == number]
        return sorted(
            vantage
            for vantage, made in counted
            if self.met[number, vantage] >= 2 and self.met[number, vantage] >= TOUCHED * made
        )


def write(world: World, folder: Path) -> None:
    """Write everything; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    tally = _Tally()
    observations = [one for vantage in world.setting.vantages for one in _seen_by(world, vantage, tally)]
    observations.sort(key=lambda one: (one["at"], one["vantage"], one["target"], one["kind"]))
    _write_lines(folder / "observations.jsonl.gz", map(msgspec.json.encode, observations))
    if world.setting.recorded.routes:
        _write_lines(folder / "routes.jsonl.gz", lines(world))
    if world.setting.recorded.prefix_to_as:
        table = "".join(f"{prefix}\t{asn}\n" for prefix, asn in world.plan.owners.items())
        (folder / "prefix_to_as.txt").write_text(table)
    if world.relations is not None:
        (folder / "relationships.txt").write_text("\n".join(relation_lines(world.relations)) + "\n")
    if world.roas:
        roas = [{"prefix": str(p), "maxLength": most, "asn": asn} for p, most, asn in world.roas]
        (folder / "vrps.json").write_bytes(msgspec.json.encode({"roas": roas}))
    (folder / "config.toml").write_text("\n".join(_config(world)) + "\n")
    routes = world.setting.recorded.routes
    expected = [
        _expected(
            number,
            truth,
            tally,
            shown=routes and is_shown(world, truth),
            hinted=routes and _is_hinted(world, truth),
        )
        for number, truth in enumerate(world.truths)
        if truth.causes
    ]
    told = msgspec.json.encode([one for one in expected if one is not None])
    (folder / "expected.json").write_bytes(msgspec.json.format(told, indent=1))


def _seen_by(world: World, vantage: Vantage, tally: _Tally) -> Iterator[Observation]:
    recorded = world.setting.recorded
    for service in world.setting.services:
        for at in _moments(world, vantage, service, "http", world.setting.interval_s):
            seen, met = Exchange(world, vantage, service, at).run()
            tally.count(world, vantage.name, service.name, at, met)
            for name in recorded.missing:
                for field in _FIELDS[name]:
                    seen.pop(field, None)
            yield seen
        if service.control:
            continue
        if recorded.traces:
            for number, at in enumerate(_moments(world, vantage, service, "trace", recorded.trace_interval_s)):
                traced = trace(world, vantage, service, at, 1 + number % FLOWS)
                if traced is not None:
                    yield traced
        if recorded.names:
            for number, at in enumerate(_moments(world, vantage, service, "dns", LOOKUPS_S)):
                yield lookup(world, vantage, service, at, "authoritative" if number % 3 == 2 else "recursive")


def _moments(world: World, vantage: Vantage, service: Service, probe: str, every_s: float) -> Iterator[float]:
    """When a vantage measures: spread over the interval by its name, and what a sudden stop leaves out."""
    at = world.setting.start + steady(vantage.name, service.name, probe) % 1000 / 1000 * every_s
    while at < world.setting.end:
        if not world.script.silent(at) and world.rng.random() > MISSED:
            yield at
        at += every_s


def _write_lines(path: Path, text: Iterable[bytes]) -> None:
    # Without a time stamp and cheaply packed: the same seed gives the same octets, soon.
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in text), 1, mtime=0))


def _config(world: World) -> Iterator[str]:
    interval = f"{world.setting.interval_s:.0f}s"
    for service in world.setting.services:
        yield "[[control]]" if service.control else "[[target]]"
        yield f'name = "{service.name}"'
        yield f'url = "{service.url}"'
        yield f'interval = "{interval}"'
        if service.control:
            continue
        limit = ', max_wait = "2s"' if world.setting.recorded.max_wait else ""
        yield f'expect = {{ status = [200], body_contains = "ok"{limit} }}'
        if service.declared_prefixes:
            yield f"prefixes = {_array(map(str, service.prefixes))}"
        for key, values in (
            ("origins", service.declared_origins),
            ("allowed_origins", service.allowed_origins),
            ("depends_on", service.depends_on),
        ):
            if values:
                yield f"{key} = {_array(values)}"


def _array(values: Iterable[object]) -> str:
    """A TOML array, which is written as JSON's is."""
    return msgspec.json.encode(list(values)).decode()


def _expected(number: int, truth: Truth, tally: _Tally, *, shown: bool, hinted: bool) -> dict[str, object] | None:
    """One entry of expected.json; None where the trouble never touched anybody and BGP does not show it.

    A new neighbour of the origin that carries nobody's traffic is a peering like any other, as far as anybody
    can tell. A part of its space behind a forged path may be called a hijack then, and nothing as well.
    """
    affected, also = tally.affected(number, truth), list(truth.causes[1:])
    if not affected and truth.vantage is None and "none" not in truth.causes and not shown:
        if not hinted:
            return None
        also.append("none")
    span = Span(truth.span.start, truth.span.end)
    return {
        "target": truth.target,
        "cause": truth.causes[0],
        "also": also,
        "start": span.start,
        "end": span.end,
        "affected": affected,
        "culprit": truth.culprit,
        "hijack": truth.hijack or None,
    }


def is_shown(world: World, truth: Truth) -> bool:
    """Whether some collector heard of a hijack for what it is: a forged origin looks like a new neighbour."""
    if not truth.hijack or truth.hijack["kind"] == "forged_origin":
        return False
    return any(path[-1:] == (truth.culprit,) for path in _heard(world, truth))


def _is_hinted(world: World, truth: Truth) -> bool:
    """Whether some collector heard of a part of the target's space by way of the culprit."""
    is_part = bool(truth.hijack) and truth.hijack["kind"] == "subprefix"
    return is_part and any(truth.culprit in path for path in _heard(world, truth))


def _heard(world: World, truth: Truth) -> Iterator[AsPath]:
    """The paths that peers of collectors had since a trouble began, where they are recorded."""
    return (
        routes.get(peer.asn, ())
        for epochs in world.routing.epochs.values()
        for begun, routes in epochs
        if begun >= truth.span.start
        for peer in world.setting.peers
        if world.setting.recorded.routes
    )
