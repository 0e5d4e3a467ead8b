"""Other people's traffic on a link: datagrams of one size at a mean rate, as a process of its own.

    python -m lab.traffic --from A --to B --rate-bps N

It heeds no loss and awaits no answer, so how much is offered depends on neither the line nor the machine: one
that is late sends what is due at once. Gaps are exponential, for then each packet on the line, ours or theirs,
finds the queue full with the same chance; even gaps would fall into step with it. It runs until it is killed,
and knows nothing of links.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import socket
import time
from collections.abc import Iterator

PORT = 40009
PACKET_BYTES = 428
_HEADERS_BYTES = 28
# Late by more than this, it was the machine that slept, and the line had its rest.
_MOST_LATE_S = 1.0


def gaps(rate_bps: float) -> Iterator[float]:
    """Seconds between packets, without end and always the same ones."""
    chance = random.Random(0)
    while True:
        yield chance.expovariate(rate_bps / (PACKET_BYTES * 8))


def send(source: str, to: str, rate_bps: float) -> None:
    """Send for ever. The port is ours at both ends, so that nobody answers that it is closed.

    :raises OSError: the address is not ours
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((source, PORT))
        line.connect((to, PORT))
        due = time.monotonic()
        for gap_s in gaps(rate_bps):
            due = max(due + gap_s, time.monotonic() - _MOST_LATE_S)
            time.sleep(max(due - time.monotonic(), 0.0))
            # A link that is cut meanwhile carries nothing; it may be mended.
            with contextlib.suppress(OSError):
                line.send(bytes(PACKET_BYTES - _HEADERS_BYTES))


def main() -> None:
    """Send until killed."""
    parser = argparse.ArgumentParser(prog="lab.traffic")
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--rate-bps", type=float, required=True)
    given = parser.parse_args()
    send(given.source, given.to, given.rate_bps)


if __name__ == "__main__":
    main()
