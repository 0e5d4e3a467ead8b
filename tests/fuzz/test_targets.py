"""Every fuzz target, each day: its seeds, the seeds damaged, and bytes of chance; the same ones every time."""

from __future__ import annotations

import random

import pytest
from fuzzed.registry import TARGETS
from fuzzed.target import Target
from hypothesis import given, settings
from hypothesis import strategies as st

EACH = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
EXAMPLES = 100


def damaged(seed: bytes, number: int) -> bytes:
    """A seed with some bytes changed, cut out, put in or repeated, as the number says."""
    chance = random.Random(number)
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at, size, source = chance.randint(0, len(data)), chance.randint(0, 8), chance.randint(0, len(seed))
        data[at : at + size] = chance.choice([chance.randbytes(size), b"", seed[source : source + size]])
    return bytes(data)


@EACH
def test_seeds_are_read_without_an_error(target: Target) -> None:
    """A seed that the parser refuses would lead nowhere; but for those that are an error's own example."""
    refused = 0
    for seed in target.seeds:
        try:
            target.read(seed)
        except target.errors:
            refused += 1
    assert refused < len(target.seeds)


@EACH
def test_bytes_end_in_a_value_or_in_the_parsers_own_error(target: Target) -> None:
    """Nearly right is where parsers break; and nothing right at all."""
    nearly = st.builds(damaged, st.sampled_from(target.seeds), st.integers(0, 2**32 - 1))

    @settings(derandomize=True, max_examples=EXAMPLES, deadline=None, database=None)
    @given(nearly | st.binary(max_size=256))
    def run(data: bytes) -> None:
        target.run(data)

    run()
