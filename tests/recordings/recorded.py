"""Recordings of real routes, as the RIS Live messages that they would have been, and what they should show.

Each `Recording` says what is watched, what is known before (nothing: it is learned from the recorded table),
and the event that its publisher labelled. The files lie outside the repository (`data/SOURCES.md` there).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.bgp.episodes import EpisodeKind

TABLE_AT = 1_500_000_000.0


@dataclass(frozen=True)
class Label:
    """The event: which kind, on which prefix, by which origin, behind or through which network."""

    kind: EpisodeKind
    prefix: str
    origin: int
    offender: int


@dataclass(frozen=True)
class Recording:
    """One recording; `watched` is the declared prefix, from which the rest is learned."""

    name: str
    watched: str
    label: Label | None
    folder: str
    file: str

    def messages(self, data: Path) -> Iterator[dict[str, Any]]:
        """The recorded rows as RIS Live messages, the table of before first."""
        path = data / self.folder / self.file
        yield from {"hijack-paths": _paths, "ripestat-telegram-20260616": _ripestat}[self.folder](path)

    def is_bad(self, message: dict[str, Any]) -> bool:
        """Whether a message announces the labelled prefix from the labelled origin."""
        label = self.label
        return label is not None and label.prefix in _announced(message) and message["path"][-1:] == [label.origin]


def ris_live(
    at: float, collector: str, peer: str, path: list[int | list[int]], announced: list[str], withdrawn: list[str]
) -> dict[str, Any]:
    """One message."""
    return {
        "type": "UPDATE", "timestamp": at, "peer": peer, "host": collector,
        "peer_asn": str(path[0]) if path and isinstance(path[0], int) else "0", "path": path,
        "announcements": [{"next_hop": peer, "prefixes": announced}] if announced else [],
        "withdrawals": withdrawn,
    }  # fmt: skip


def _announced(message: dict[str, Any]) -> list[str]:
    return [prefix for group in message["announcements"] for prefix in group["prefixes"]]


def _paths(path: Path) -> Iterator[dict[str, Any]]:
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()[1:]]
    for row in sorted(rows, key=lambda row: row["ts"]):
        words = [
            int(word) if word.isdigit() else [int(n) for n in word.strip("{}").split(",")]
            for word in row["as_path"].split()
        ]
        gone = row["type"] == "W"
        at, prefix = [row["prefix"]], row["prefix"]
        yield ris_live(row["ts"], row["collector"], row["peer_ip"], words, [] if gone else at, [prefix] * gone)


def _ripestat(path: Path) -> Iterator[dict[str, Any]]:
    data = json.loads(gzip.decompress(path.read_bytes()))["data"]
    for update in data["updates"]:
        attrs = update["attrs"]
        collector, _, peer = attrs["source_id"].partition("-")
        at = datetime.fromisoformat(update["timestamp"]).replace(tzinfo=UTC).timestamp()
        prefix = [attrs["target_prefix"]]
        gone = update["type"] == "W"
        words = [] if gone else attrs["path"]
        yield ris_live(at, f"rrc{collector}", peer, words, [] if gone else prefix, prefix * gone)


def _labelled(name: str, watched: str, kind: EpisodeKind, prefix: str, origin: int) -> Recording:
    return Recording(name, watched, Label(kind, prefix, origin, origin), "hijack-paths", f"{name}.jsonl.gz")


SPECIFIC, ORIGIN = EpisodeKind.NEW_MORE_SPECIFIC, EpisodeKind.NEW_ORIGIN
HIJACKS = (
    _labelled("pakistan_1", "208.65.152.0/22", SPECIFIC, "208.65.153.0/24", 17557),
    _labelled("iran_3", "91.108.56.0/22", SPECIFIC, "91.108.58.0/24", 58224),
    _labelled("bitcanal_hijack_1", "101.124.0.0/16", SPECIFIC, "101.124.128.0/18", 197426),
    _labelled("backconnect_1", "172.81.128.0/21", SPECIFIC, "172.81.129.0/24", 203959),
    _labelled("sprint_1", "95.128.184.0/22", ORIGIN, "95.128.184.0/22", 1239),
    _labelled("windstream_1", "61.174.51.0/24", ORIGIN, "61.174.51.0/24", 7029),
    _labelled("petersburg_1", "192.135.32.0/23", SPECIFIC, "192.135.33.0/24", 198596),
    _labelled("backconnect_3", "72.20.0.0/19", SPECIFIC, "72.20.0.0/24", 203959),
    _labelled("bitcanal_3", "115.116.0.0/16", SPECIFIC, "115.116.96.0/24", 18254),
    _labelled("typo_pfx_137931", "168.121.236.0/22", SPECIFIC, "168.121.237.0/24", 264238),
    _labelled("prepend_135700", "131.108.159.0/24", EpisodeKind.PREPEND_TYPO, "131.108.159.0/24", 10),
)
"""The labelled events of hijack-paths; a forged path's innocent origin is the one that its routes show."""

_TELEGRAM = (
    "95.161.64.0/20", "95.161.64.0/21", "91.108.56.0/22", "91.108.4.0/22", "149.154.160.0/24",
    "149.154.164.0/22", "2001:67c:4e8::/48",
)  # fmt: skip
TELEGRAM = tuple(
    Recording(
        f"telegram {prefix}",
        prefix,
        Label(ORIGIN, prefix, 18101, 18101),
        "ripestat-telegram-20260616",
        prefix.replace("/", "_").replace(":", "_") + "_full.json.gz",
    )
    for prefix in _TELEGRAM
)
"""AS18101 originates Telegram's prefixes, 16 June 2026; there is no table of before, only declared origins."""
