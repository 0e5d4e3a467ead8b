"""Other people's traffic: as much as was asked for, and each packet on the line is as likely to be dropped."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from itertools import accumulate, islice
from pathlib import Path

from lab.impairment import Direction, Impairment
from lab.traffic import PACKET_BYTES, PORT, gaps

LAB = Path(__file__).resolve().parent
RATE_BPS = 400_000.0
_OURS_EVERY_S = 0.05


def test_small_packets_of_ours_are_dropped_as_often_as_theirs() -> None:
    """A line offered 8 % too much drops about that share of either, and what comes has waited."""
    line = Direction(Impairment(rate_bps=RATE_BPS, queue_s=0.2), random.Random(0))
    theirs = [(at, PACKET_BYTES) for at in accumulate(islice(gaps(1.08 * RATE_BPS), 20_000))]
    ours = [(number * _OURS_EVERY_S, 60) for number in range(int(theirs[-1][0] / _OURS_EVERY_S))]
    waits: dict[int, list[float | None]] = {PACKET_BYTES: [], 60: []}
    for at, size in sorted(theirs + ours):
        out = line.admit(at, size)
        waits[size].append(None if out is None else out - at)
    lost = {size: found.count(None) / len(found) for size, found in waits.items()}
    waited = sorted(wait for wait in waits[60] if wait is not None)

    assert 0.05 < lost[PACKET_BYTES] < 0.12
    assert 0.05 < lost[60] < 0.14
    assert waited[len(waited) // 2] > 0.1


def test_a_line_with_room_drops_none() -> None:
    """Nine tenths of what it carries."""
    line = Direction(Impairment(rate_bps=RATE_BPS, queue_s=0.5), random.Random(0))
    for at in accumulate(islice(gaps(0.9 * RATE_BPS), 20_000)):
        line.admit(at, PACKET_BYTES)

    assert line.overflowed == 0


def test_it_sends_when_packets_are_due_and_never_before() -> None:
    """Over a real socket, from its port to its port."""
    rate_bps, count = 4_000_000.0, 200
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.3", PORT))
        far.settimeout(20.0)
        command = [sys.executable, "-m", "lab.traffic", "--from", "127.0.0.2", "--to", "127.0.0.3"]
        began = time.monotonic()
        sender = subprocess.Popen([*command, "--rate-bps", f"{rate_bps:g}"], cwd=LAB)
        try:
            heard = [far.recvfrom(2048) for _ in range(count)]
        finally:
            sender.kill()
            sender.wait()

    assert {(len(data) + 28, source) for data, source in heard} == {(PACKET_BYTES, ("127.0.0.2", PORT))}
    assert time.monotonic() - began > sum(islice(gaps(rate_bps), count))
