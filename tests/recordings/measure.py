"""Runs recordings through the decoder and the detector, as a live feed would bring them."""

from __future__ import annotations

import heapq
import json
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from recorded import Recording

from monitor.bgp.episodes import Declared, Episode, EpisodeKind, RouteDetector, Turn
from monitor.bgp.ris_live import decode
from monitor.bgp.sources import read_routes_file
from monitor.model import Asn, Prefix, RouteEvent, parse_prefix

SETTLE_EVERY_S = 10.0
"""As the engine does at its longest tick."""


@dataclass(frozen=True)
class Outcome:
    """What a recording showed. `bad`: messages with the labelled route; `late_*`: from the first of them on."""

    messages: int
    bad: int
    episode: Episode | None
    late_messages: int | None
    late_s: float | None
    others: Counter[EpisodeKind]
    other_taken: tuple[Episode, ...]


def run(recording: Recording, data: Path, origins: tuple[int, ...] = ()) -> Outcome:
    """Play a recording; `origins` are declared where the recording has no table of before."""
    detector = RouteDetector(kept_s=float("inf"))
    declared = Declared(origins=frozenset(map(Asn, origins)))
    detector.watch_prefix("watched", parse_prefix(recording.watched), declared)
    count = bad = 0
    first_bad: tuple[int, float] | None = None
    opened: tuple[int, float] | None = None
    settled_at = 0.0
    for message in recording.messages(data):
        count += 1
        at = message["timestamp"]
        if at - settled_at >= SETTLE_EVERY_S:
            detector.settle(at)
            settled_at = at
        if recording.is_bad(message):
            bad += 1
            first_bad = first_bad or (count, at)
        for fact in decode(json.dumps(message).encode()):
            if not isinstance(fact, RouteEvent):
                continue
            for change in detector.apply(fact):
                if opened is None and change.turn is Turn.OPENED and _is(recording, change):
                    opened = (count, at)
    found = detector.episodes()
    labelled = next((episode for episode in found if _is(recording, episode)), None)
    others = [episode for episode in found if episode is not labelled]
    return Outcome(
        messages=count,
        bad=bad,
        episode=labelled,
        late_messages=opened[0] - first_bad[0] if opened and first_bad else None,
        late_s=opened[1] - first_bad[1] if opened and first_bad else None,
        others=Counter(episode.kind for episode in others),
        other_taken=tuple(episode for episode in others if episode.taken),
    )


def together(recordings: tuple[Recording, ...], data: Path, origins: tuple[int, ...]) -> Counter[EpisodeKind]:
    """The episodes of recordings of one network's prefixes that one detector hears, as a monitor of it would."""
    detector = RouteDetector(kept_s=float("inf"))
    declared = Declared(origins=frozenset(map(Asn, origins)))
    for recording in recordings:
        detector.watch_prefix("watched", parse_prefix(recording.watched), declared)
    settled_at = 0.0
    streams = [recording.messages(data) for recording in recordings]
    for message in heapq.merge(*streams, key=lambda message: float(message["timestamp"])):
        if message["timestamp"] - settled_at >= SETTLE_EVERY_S:
            settled_at = message["timestamp"]
            detector.settle(settled_at)
        for fact in decode(json.dumps(message).encode()):
            if isinstance(fact, RouteEvent):
                detector.apply(fact)
    return Counter(episode.kind for episode in detector.episodes())


def _is(recording: Recording, seen: object) -> bool:
    label = recording.label
    return label is not None and (
        (getattr(seen, "kind", None), str(getattr(seen, "prefix", None)), getattr(seen, "origin", None))
        == (label.kind, label.prefix, label.origin)
        and getattr(seen, "offender", None) == label.offender
    )


@dataclass(frozen=True)
class Ordinary:
    """What an ordinary quarter of an hour of a collector showed for prefixes drawn by a seed."""

    watched: int
    facts: int
    seconds: float
    kinds: Counter[EpisodeKind]
    taken: tuple[Episode, ...]


def ordinary(files: list[Path], watched: int = 1_000) -> Ordinary:
    """Watch so many prefixes of a file, nothing declared, and hear what happens to them."""
    facts = [
        fact for file in files for fact in read_routes_file(file, lambda *_: None) if isinstance(fact, RouteEvent)
    ]
    prefixes: list[Prefix] = sorted({fact.prefix for fact in facts if fact.path is not None}, key=str)
    drawn = random.Random(1).sample(prefixes, min(watched, len(prefixes)))
    detector = RouteDetector(kept_s=float("inf"))
    for prefix in drawn:
        detector.watch_prefix(str(prefix), prefix)
    settled_at = facts[0].at
    for fact in facts:
        detector.apply(fact)
        if fact.at - settled_at >= SETTLE_EVERY_S:
            detector.settle(fact.at)
            settled_at = fact.at
    episodes = detector.episodes()
    return Ordinary(
        watched=len(drawn),
        facts=len(facts),
        seconds=facts[-1].at - facts[0].at,
        kinds=Counter(episode.kind for episode in episodes),
        taken=tuple(episode for episode in episodes if episode.taken),
    )
