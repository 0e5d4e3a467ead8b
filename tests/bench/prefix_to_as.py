"""Prefix to AS: a full table loaded and asked. `python tests/bench/prefix_to_as.py`

Makes a table of 1.2 million prefixes (a million of IPv4, nested as they are announced; some with several origins;
in order, as such files are) as CAIDA's lines, as a router's RIB and as a collector's of 40 peers (2 GB), and
loads each in a process of its own. CPU seconds, and the peak memory of that process; then look-ups of random
addresses.
"""

from __future__ import annotations

import ipaddress
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from monitor.bgp.sources import read_prefix_table

V4, V6 = 1_000_000, 200_000
PEERS = 40
LOOKUPS = 300_000
_LENGTHS = (16, 18, 19, 20, 21, 22, 22, 23, 24, 24, 24, 24, 24, 24, 24)


def prefixes(rng: random.Random) -> set[tuple[int, int, int]]:
    """IP version, first address, length."""
    found: set[tuple[int, int, int]] = set()
    while len(found) < V4:
        length = rng.choice(_LENGTHS)
        found.add((4, rng.randrange(1 << length - 8, 224 << length - 8) << 32 - length, length))
    while len(found) < V4 + V6:
        length = rng.choice((29, 32, 32, 36, 40, 44, 48, 48, 48))
        found.add((6, 1 << 125 | rng.getrandbits(length - 3) << 128 - length, length))
    return found


def write(lines: Path, rib: Path, ribs: Path) -> None:
    """The files, of the same prefixes and origins; in `ribs` each origin is seen by many peers."""
    rng = random.Random(5)
    with lines.open("w", encoding="ascii") as text, rib.open("wb") as mrt, ribs.open("wb") as many:
        for file in (mrt, many):
            peer = b"\2" + bytes(8) + (64_500).to_bytes(4, "big")
            file.write(_record(1, b"\0\0\0\0" + b"\0\0" + b"\0\1" + peer))
        for version, first, length in sorted(prefixes(rng)):
            origins = [rng.randrange(1, 80_000) for _ in range(1 if rng.random() < 0.99 else 2)]
            packed = first.to_bytes(4 if version == 4 else 16, "big")
            address = ipaddress.ip_address(packed)
            text.write(f"{address}\t{length}\t{'_'.join(map(str, origins))}\n")
            body = b"\0\0\0\0" + bytes([length]) + packed[: (length + 7) // 8]
            for file, times in ((mrt, 1), (many, PEERS)):
                entries = b"".join(map(_entry, origins)) * times
                routes = struct.pack("!H", len(origins) * times)
                file.write(_record(2 if version == 4 else 4, body + routes + entries))


def _entry(origin: int) -> bytes:
    """A route as a router writes it: ORIGIN, AS_PATH, NEXT_HOP, a community."""
    path = bytes([2, 3]) + struct.pack("!III", 64_500, 3356, origin)
    attributes = (
        b"\x40\1\1\0" + b"\x40\2" + bytes([len(path)]) + path + b"\x40\3\4\xc6\x33\x64\1" + b"\xc0\x08\4\0\1\0\2"
    )
    return struct.pack("!HIH", 0, 1_700_000_000, len(attributes)) + attributes


def _record(subtype: int, body: bytes) -> bytes:
    return struct.pack("!IHHI", 1_700_000_000, 13, subtype, len(body)) + body


def peak_rss_kb() -> int:
    """The most that this process has had in memory; `ru_maxrss` would include what its parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def load(path: Path) -> None:
    """One file in this process."""
    start_kb = peak_rss_kb()
    before = time.process_time()
    table = read_prefix_table(path)
    spent = time.process_time() - before
    peak_kb = peak_rss_kb()
    rng = random.Random(6)
    asked = [ipaddress.IPv4Address(rng.getrandbits(32)) for _ in range(LOOKUPS)]
    before = time.process_time()
    mapped = sum(table.lookup(address) is not None for address in asked)
    rate = LOOKUPS / (time.process_time() - before)
    print(
        f"{path.name:<9} {len(table):,} prefixes in {spent:.1f} s of CPU, peak {peak_kb / 1024:.0f} MB"
        f" (+{(peak_kb - start_kb) / 1024:.0f}), {rate:,.0f} look-ups a core-second, {mapped / LOOKUPS:.0%} mapped"
    )


def main() -> None:
    """Make the files, load each in a process of its own."""
    if len(sys.argv) > 1:
        load(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("caida.txt", "rib.mrt", "rib40.mrt")]
        write(*files)
        for path in files:
            subprocess.run([sys.executable, __file__, str(path)], check=True)


if __name__ == "__main__":
    main()
