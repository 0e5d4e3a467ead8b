"""Real routes of collectors from the folder of shared data, as messages of RIS Live. Nothing is made up here
but the end of a route whose record stops before it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from world import withdrawal

from script.words import Message


def labelled_paths(name: str, *, start: float, taken: str, end: float) -> Callable[[Path], list[Message] | None]:
    """Reads hijack-paths/`name`. The table is told at `start`; who still carries `taken` drops it at `end`."""

    def read(shared_data: Path) -> list[Message] | None:
        path = shared_data / "hijack-paths" / f"{name}.jsonl.gz"
        if not path.exists():
            return None
        rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()[1:]]
        found = [_row(row, start) for row in sorted(rows, key=lambda row: row["ts"])]
        carriers: dict[str, tuple[str, int, str]] = {}
        for row, message in zip(sorted(rows, key=lambda row: row["ts"]), found, strict=True):
            if row["prefix"] == taken:
                peer = (str(message["peer"]), int(str(message["peer_asn"])), str(message["host"]))
                carriers[f"{peer[2]} {peer[0]}"] = peer
        gone = [withdrawal(end + number * 0.05, peer, taken) for number, peer in enumerate(carriers.values())]
        return [message for message in found if float(str(message["timestamp"])) < end] + gone

    return read


def _row(row: dict[str, object], start: float) -> Message:
    path = [
        int(word) if word.isdigit() else [int(asn) for asn in word.strip("{}").split(",")]
        for word in str(row["as_path"]).split()
    ]
    withdrawn = row["type"] == "W"
    return {
        "type": "UPDATE",
        "timestamp": max(float(str(row["ts"])), start),
        "peer": row["peer_ip"],
        "peer_asn": str(path[0]) if path and isinstance(path[0], int) else "0",
        "host": row["collector"],
        "path": path,
        "announcements": [] if withdrawn else [{"next_hop": row["peer_ip"], "prefixes": [row["prefix"]]}],
        "withdrawals": [row["prefix"]] if withdrawn else [],
    }


def ripestat(prefix: str, *, start: float, end: float) -> Callable[[Path], list[Message] | None]:
    """Reads the answers of 16 June 2026 for one prefix: the table of that day at `start`, then every update."""

    def read(shared_data: Path) -> list[Message] | None:
        folder, stem = shared_data / "ripestat-telegram-20260616", prefix.replace("/", "_")
        state, updates = folder / f"bgp_state_{stem}_peak.json.gz", folder / f"{stem}_full.json.gz"
        if not (state.exists() and updates.exists()):
            return None
        table = json.loads(gzip.decompress(state.read_bytes()))["data"]["bgp_state"]
        rows = json.loads(gzip.decompress(updates.read_bytes()))["data"]["updates"]
        asns = {row["source_id"]: row["path"][0] for row in table if row["path"]}
        asns |= {row["attrs"]["source_id"]: row["attrs"]["path"][0] for row in rows if row["attrs"].get("path")}
        usual = [_update(start, prefix, asns, row) for row in table if row["path"] and row["path"][-1] != 18101]
        later = [
            _update(at, prefix, asns, row["attrs"])
            for row in rows
            if start <= (at := datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp()) < end
        ]
        return usual + later

    return read


def _update(at: float, prefix: str, asns: dict[str, int], row: dict[str, object]) -> Message:
    collector, peer = str(row["source_id"]).split("-", 1)
    path = row.get("path") or []
    return {
        "type": "UPDATE",
        "timestamp": at,
        "peer": peer,
        "peer_asn": str(asns.get(str(row["source_id"]), 0)),
        "host": f"rrc{collector}",
        "path": path,
        "announcements": [{"next_hop": peer, "prefixes": [prefix]}] if path else [],
        "withdrawals": [] if path else [prefix],
    }
