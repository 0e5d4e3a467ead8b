"""Controlled hijacks of the PEERING testbed: the paths of before and during, as messages.

Both sites announce with origin AS47065 behind a number of their own, 61574 and 61575, so what the second one
does is a forged origin behind a new neighbour. The files name neither prefix nor times: a prefix of the testbed
and two moments stand for them.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from monitor.bgp.episodes import Episode, EpisodeKind, RouteDetector
from monitor.model import Asn, AsPath, RouteEvent, RouteKind, parse_prefix

PREFIX = parse_prefix("184.164.240.0/24")
BEFORE_AT, DURING_AT = 1_000_000.0, 1_003_600.0
EXPERIMENTS = (
    ("20_amsterdam01_seattle01", "amsterdam01", "amsterdam01_seattle01"),
    ("1_isi01_ufmg01", "ufmg01", "isi01_ufmg01"),
)
TAKER = Asn(61575)


def _rows(path: Path) -> list[tuple[str, str, AsPath]]:
    with gzip.open(path, "rt") as lines:
        rows = csv.reader(lines, delimiter="\t")
        return [(row[0], row[1], AsPath(tuple(Asn(int(n)) for n in row[2].split(",")))) for row in rows]


def play(data: Path, name: str, before: str, during: str) -> tuple[Episode | None, int, int]:
    """The episode of the second site, the peers that took its route, and all that had one."""
    detector = RouteDetector()
    detector.watch_prefix("watched", PREFIX)
    taken: set[tuple[str, str]] = set()
    had: set[tuple[str, str]] = set()
    for part, at, kind in ((before, BEFORE_AT, RouteKind.RIB), (during, DURING_AT, RouteKind.ANNOUNCEMENT)):
        for collector, monitor, path in _rows(data / "peering-hijack" / f"{name}__{part}_bgpstream_paths.csv.gz"):
            if kind is RouteKind.ANNOUNCEMENT:
                had.add((collector, monitor))
                if TAKER in path.segments:
                    taken.add((collector, monitor))
            detector.apply(
                RouteEvent(
                    at=at, kind=kind, prefix=PREFIX, peer=monitor, peer_asn=Asn(int(monitor)),
                    collector=collector, path=path,
                )
            )  # fmt: skip
        detector.settle(at + 1)
    found = [one for one in detector.episodes() if one.kind is EpisodeKind.FORGED_ORIGIN and one.offender == TAKER]
    return (found[0] if found else None), len(taken), len(had)
