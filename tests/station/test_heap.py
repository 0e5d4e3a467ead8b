"""What `whydown run` takes out of the garbage collector's sight before it starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = """
import gc, sys, weakref
from monitor.station.heap import tame_collector

class Ring:
    pass

ring = Ring()
ring.itself, garbage = ring, weakref.ref(ring)
del ring
tame_collector(tracing={tracing})
print("scapy.layers.inet6" in sys.modules, garbage() is None, gc.get_freeze_count() > 50 * len(gc.get_objects()))
"""


@pytest.mark.parametrize("tracing", [True, False])
def test_all_that_was_loaded_is_frozen_and_garbage_is_not(tracing: bool) -> None:
    """scapy too, but only for who traces; a ring of garbage is collected, not kept for ever."""
    command = [sys.executable, "-c", LOOK.format(tracing=tracing)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    assert told == f"{tracing} True True\n"


GROW = """
import gc
from monitor.station.heap import MOST_ADDED, tame_collector

class Ring:
    def __init__(self):
        self.itself = self

tame_collector(tracing=False)
walked = []
gc.callbacks.insert(0, lambda phase, info: walked.append(len(gc.get_objects())) if phase == "start" else None)
state = [Ring() for _ in range(MOST_ADDED // 2)]
print(max(walked) < 60_000, len(gc.get_objects()) < 60_000)
"""

LEAK = """
import gc, weakref
from monitor.station.heap import MOST_ADDED, tame_collector

class Ring:
    def __init__(self):
        self.itself = self

tame_collector(tracing=False)
rings = [Ring() for _ in range(50_000)]
first = weakref.ref(rings[0])
del rings
gc.collect(1)
early = first() is None
state = [Ring() for _ in range(2 * MOST_ADDED)]
print(early, first() is None)
"""


def _told(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_what_lasts_is_walked_once() -> None:
    """However much the monitor comes to know, no collection walks all of it."""
    assert _told(GROW) == "True True\n"


def test_garbage_that_was_put_away_goes_when_the_heap_has_grown() -> None:
    """Rings that were alive when they were put away, and were dropped then, do not stay for ever."""
    assert _told(LEAK) == "False True\n"
