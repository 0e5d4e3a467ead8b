"""How long one thread of this process may keep the others from running Python.

The event loop gives the interpreter away at each read and write of a socket. A thread that stores or diagnoses
takes it then, and keeps it for a switch interval while the loop waits to go on. With Python's 5 ms and the six
reads and writes of a request, each request took 30 ms longer whenever the other thread was busy, and a hundred
requests a second were more than there is time for. With half a millisecond the loop waits a tenth of that.
"""

from __future__ import annotations

import sys

INTERVAL_S = 0.0005


def shorten_turns() -> None:
    """Let threads take turns often. Called once, by who owns the process and serves others from an event loop."""
    sys.setswitchinterval(INTERVAL_S)
