"""Checkpoints: where the next owner begins, so that nothing is left out and nothing is told of long ago."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.diagnose.resting import Resting
from monitor.hub.roles.checkpoint import (
    OLD_S,
    REWIND_S,
    SLACK_S,
    Checkpoint,
    Trail,
    pack_checkpoint,
    unpack_checkpoint,
)
from monitor.model.verdict import Cause

NOW = 1_700_000_000.0


@settings(derandomize=True, max_examples=60)
@given(
    st.lists(st.floats(0.1, 30.0), min_size=1, max_size=60), st.lists(st.floats(0.0, SLACK_S - 0.1), min_size=60)
)
def test_no_fact_of_the_rewound_time_stands_before_the_place(steps: list[float], ahead: list[float]) -> None:
    """Each message stands at its place, and holds what became known at most SLACK_S before its mark."""
    trail, at, place = Trail(NOW, 1), NOW, 1
    stream = [(1, NOW)]
    for step, early in zip(steps, ahead, strict=False):
        at, place = at + step, place + 1
        stream.append((place, at - early))
        checkpoint = trail.step(at, place)
        left_out = [known for where, known in stream if where < checkpoint.place]

        assert all(known < checkpoint.rewound for known in left_out)
        assert checkpoint.reached == at
        assert NOW <= checkpoint.rewound <= at
    assert checkpoint.rewound >= at - REWIND_S


def test_a_checkpoint_is_read_back_unless_it_is_old() -> None:
    """Of an hour without an owner there is nothing to say."""
    checkpoint = Checkpoint(NOW, NOW - REWIND_S, 7, (Resting("shop", Cause.SERVER_DOWN, NOW - 90.0),))

    assert unpack_checkpoint(pack_checkpoint(checkpoint), NOW + OLD_S) == checkpoint
    assert unpack_checkpoint(pack_checkpoint(checkpoint), NOW + OLD_S + 1) is None


def test_what_was_over_before_the_rewound_minute_rests_on() -> None:
    """What ended within it is judged once more, and found to end."""
    before, within = (Resting("shop", Cause.SERVER_DOWN, NOW - ago) for ago in (90.0, 30.0))
    checkpoint = Trail(NOW - 600.0, 1).step(NOW, 7, (before, within))

    assert checkpoint.rewound == NOW - REWIND_S
    assert checkpoint.rested == (before,)


@settings(derandomize=True, max_examples=60)
@given(st.binary(max_size=60))
def test_any_note_is_a_checkpoint_or_none(note: bytes) -> None:
    """A lease that nobody held has none; another version's is none of ours."""
    assert unpack_checkpoint(note, NOW) is None
