"""What `whydown run` takes out of the garbage collector's sight before it starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = """
import gc, sys, weakref
from monitor.station.heap import freeze_heap

class Ring:
    pass

ring = Ring()
ring.itself, garbage = ring, weakref.ref(ring)
del ring
freeze_heap(tracing={tracing})
print("scapy.layers.inet6" in sys.modules, garbage() is None, gc.get_freeze_count() > 50 * len(gc.get_objects()))
"""


@pytest.mark.parametrize("tracing", [True, False])
def test_all_that_was_loaded_is_frozen_and_garbage_is_not(tracing: bool) -> None:
    """scapy too, but only for who traces; a ring of garbage is collected, not kept for ever."""
    command = [sys.executable, "-c", LOOK.format(tracing=tracing)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    assert told == f"{tracing} True True\n"
